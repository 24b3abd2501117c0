"""Checks the log of one account backwards: no event is missing, each has its own number. Pure."""

from collections.abc import Mapping

from tapewire import keys
from tapewire.audit.fees import FeeReader
from tapewire.audit.orders import UnreadableRecord
from tapewire.errors import MessageError
from tapewire.values.account_types import AccountRecord, Balance
from tapewire.wire.account_event import AccountEvent, decode_account_event

# The fewest events that a log has before Redis trims it, in every version of Tapewire.
LOG_EVENTS_KEPT = 10_000

Position = tuple[int, int]


class LogReader:
    """Takes the entries of a log, newest first, and knows the number of the next entry."""

    def __init__(self, record: AccountRecord, epoch: str, fees: FeeReader) -> None:
        self._record = record
        self._epoch = epoch
        self._fees = fees
        self._due: Position = (record.seq, record.balance_seq)
        self._told: set[str] = set()
        self.events = 0

    @property
    def is_complete(self) -> bool:
        """Whether the first event of the account was taken."""
        return self._due == (0, 0)

    def read(self, entry_id: bytes, fields: Mapping[bytes, bytes]) -> None:
        """Take the next older entry. Raises UnreadableRecord if the entry has another number."""
        name = f"account_log:{self._record.account}"
        shown = entry_id.decode("ascii", "replace")
        if shown != "{}-{}".format(*self._due):
            raise UnreadableRecord(
                f"{name} has {shown} where {self._due[0]}-{self._due[1]} has to be"
            )
        try:
            event = decode_account_event(fields[b"event"])
        except (MessageError, KeyError) as error:
            raise UnreadableRecord(f"{name}, entry {shown}, cannot be read: {error}") from None
        reason = self._contradiction(event)
        if reason:
            raise UnreadableRecord(f"{name}, entry {shown}: {reason}")
        self.events += 1
        self._due = event.before

    def end(self, length: int) -> None:
        """The log of `length` entries ends. Raises UnreadableRecord if an older entry is due."""
        if self._record.account == keys.FEE_ACCOUNT or self.is_complete:
            return
        if length < LOG_EVENTS_KEPT:
            raise UnreadableRecord(
                f"account_log:{self._record.account} begins after {self._due[0]}-{self._due[1]}, "
                f"though it has only {length} entries"
            )

    def _contradiction(self, event: AccountEvent) -> str:
        header = event.header
        if header.account != self._record.account or header.epoch != self._epoch:
            return f"it is of account {header.account}, epoch {header.epoch}"
        if (header.seq, header.balance_seq) != self._due:
            return f"its header says {header.seq}-{header.balance_seq}"
        for change in event.changes:
            if change.order.account != header.account:
                return f"order {change.order.order_id} in it is {change.order.account}'s"
        for balance in event.balances:
            # The newest event about an asset has the balance that the account has now.
            if balance.asset in self._told:
                continue
            self._told.add(balance.asset)
            now = self._record.balances.get(balance.asset, Balance())
            if (balance.available, balance.held) != (now.available, now.held):
                return (
                    f"it left {balance.available} units of {balance.asset} available and "
                    f"{balance.held} held, the account has {now.available} and {now.held}"
                )
        return self._fees.contradiction(event)
