"""The line of account messages. An account is followed while a client subscribes to it.

For a message of an account that is not followed only the account name is read. The first
subscription reads the record of the account, which has its position. From there on the line checks
the numbers of the messages, and keeps the balances, so that a later subscriber gets them at once.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from market_data.fanout.hub import Hub
from market_data.feed.account_frames import AccountFrames
from market_data.feed.account_log import AccountLog, AccountRecord
from market_data.feed.line import FeedCounters, Line
from market_data.feed.replay_log import ReplayLog, Sent
from market_data.feed.sequencer import AccountPosition, Lost, Positions, Verdict
from market_data.topics import BALANCES, ORDERS
from tapewire import keys
from tapewire.errors import MessageError
from tapewire.packed.packing import account_of
from tapewire.wire.account_event import AccountEvent, Balance, decode_account_event

logger = logging.getLogger(__name__)

ACCOUNTS_PER_ROUND_MAX = 1_000
"""Accounts whose positions one round of the canary reads; more accounts take turns."""


@dataclass(slots=True)
class Followed:
    """An account that a client follows: all messages up to `position` were published."""

    position: AccountPosition
    balances: dict[str, Balance]
    # The balances include the messages up to this number.
    included: int
    # Messages are lost, so the balances have to be read again.
    is_torn: bool = False
    # The message that was published last, which is at `position` in the log.
    newest: AccountEvent | None = None


class AccountLine(Line[AccountEvent]):
    """The accounts that clients of this process follow."""

    def __init__(
        self,
        log: AccountLog,
        venue: ReplayLog,
        hub: Hub,
        counters: FeedCounters,
        *,
        on_positions: Callable[[Positions], Awaitable[None]],
    ) -> None:
        """`on_positions` is given the venue's positions when they contradict a message."""
        super().__init__(venue)
        self._log = log
        self._hub = hub
        self._counters = counters
        self._on_positions = on_positions
        self.frames = AccountFrames(log)
        self._followed: dict[str, Followed] = {}
        # By account whose record is being read: the highest number heard meanwhile.
        self._opening: dict[str, int] = {}
        self._turn = 0
        # By account that reused a number: the message that was published last before that.
        self.doubted: dict[str, Sent] = {}

    @property
    def names(self) -> list[str]:
        """The accounts that are followed now."""
        return list(self._followed)

    def due(self) -> list[str]:
        """The accounts whose positions the next round of the canary reads."""
        names = self.names
        if len(names) <= ACCOUNTS_PER_ROUND_MAX:
            return names
        start = self._turn % len(names)
        self._turn = start + ACCOUNTS_PER_ROUND_MAX
        return (names + names)[start : start + ACCOUNTS_PER_ROUND_MAX]

    def position(self, name: str) -> AccountPosition | None:
        """The position of the last published message; None if the account is not followed."""
        followed = self._followed.get(name)
        return None if followed is None else followed.position

    def newest(self, name: str) -> Sent | None:
        """The message of an account that was published last; None before the first."""
        followed = self._followed.get(name)
        if followed is None or followed.newest is None:
            return None
        event, position = followed.newest, followed.position
        entry_id = f"{position.seq}-{position.balance_seq}"
        return Sent(keys.account_log(name), entry_id, lambda payload: _is_same(event, payload))

    def balances_frame(self, name: str) -> bytes | None:
        """The message `balances_snapshot` of a followed account; None while it is not known."""
        followed = self._followed.get(name)
        if followed is None or followed.is_torn:
            return None
        return self.frames.snapshot(
            name,
            self.sequencer.epoch,
            followed.position.balance_seq,
            followed.balances.values(),
            time.time_ns() // 1_000,
        )

    # Following accounts.

    async def follow(self, name: str) -> bool:
        """Follow an account; False if Redis has another epoch than the published messages.

        Raises RedisError, OSError.
        """
        if name in self._followed:
            return True
        self._opening.setdefault(name, 0)
        try:
            record = await self._log.record(name)
            await self.frames.denominations.learn_assets(set(record.balances))
        finally:
            heard = self._opening.pop(name, 0)
        if name in self._followed:
            return True
        if record.epoch != self.sequencer.epoch:
            return False
        number = record.position.number
        self._followed[name] = Followed(record.position, dict(record.balances), number)
        self.sequencer.begin(name, number)
        self.sequencer.reach(name, heard)
        return True

    def _forget_unheard(self) -> None:
        for name in self.names:
            if not self._is_heard(name):
                del self._followed[name]
                self.sequencer.forget(name)

    def _is_heard(self, name: str) -> bool:
        return self._hub.has_topic(ORDERS, name) or self._hub.has_topic(BALANCES, name)

    # Messages and positions from Redis.

    def concerns(self, payload: bytes) -> bool:
        """Whether a message is of a followed account."""
        name = account_of(payload).decode(errors="replace")
        return name in self._followed or name in self._opening

    async def prepare(self, event: AccountEvent) -> None:
        """Render a large message beside the event loop, before `take`."""
        if self._hub.has_topic(ORDERS, event.name):
            await self.frames.prepare(event)

    def take(self, event: AccountEvent) -> None:
        """Take a message of the present epoch for which `concerns` is true."""
        name = event.name
        if name in self._opening:
            self._opening[name] = max(event.last, self._opening[name])
        elif name not in self._followed:
            return
        elif not self.frames.denominations.knows(event):
            # The refill reads the decimals first.
            self.sequencer.reach(name, event.last)
        else:
            known = self.sequencer.seqs[name]
            if self.sequencer.offer(event) is Verdict.DELIVER:
                self._send(event)
            # Without a loss, no message overlaps the published ones.
            elif event.first <= known and (sent := self.newest(name)) is not None:
                self.doubted.setdefault(name, sent)

    def expect(self, positions: Positions) -> None:
        """Raise the targets of the accounts to their positions, of the present epoch."""
        self._forget_unheard()
        for name, position in positions.accounts.items():
            if name in self._followed:
                self.sequencer.reach(name, position.number)

    def restart(self, positions: Positions) -> None:
        """Begin another epoch before its first messages."""
        self.sequencer.start(Positions(positions.epoch, {}))
        self.frames.denominations.clear()
        for name in self._followed:
            self._begin(name, AccountPosition(0, 0))
        self.expect(positions)

    def rewind(self, positions: Positions, lost: Collection[str]) -> None:
        """Continue at the venue's positions for the accounts that lost published messages."""
        for name in lost:
            if name in self._followed and name in positions.accounts:
                self._begin(name, positions.accounts[name])

    def _begin(self, name: str, position: AccountPosition) -> None:
        followed = self._followed[name]
        followed.position, followed.newest = position, None
        followed.balances, followed.included = {}, 0
        followed.is_torn = True
        self.sequencer.forget(name)
        self.sequencer.begin(name, position.number)

    # Reading the missing messages.

    @property
    def is_behind(self) -> bool:
        """Whether `mend` has something to do."""
        return bool(self.sequencer.targets) or any(
            followed.is_torn for followed in self._followed.values()
        )

    async def mend(self) -> None:
        """Read missing messages, and the balances of accounts whose messages are lost.

        Raises RedisError, OSError.
        """
        await self.refill()
        while torn := {name: item for name, item in self._followed.items() if item.is_torn}:
            for name, followed in torn.items():
                record = await self._log.record(name)
                await self.frames.denominations.learn_assets(set(record.balances))
                if record.epoch != self.sequencer.epoch:
                    await self._on_positions(await self._venue.positions(self.names))
                    return
                self._read_anew(name, followed, record)
            await self.refill()
            for name in torn:
                frame = self.balances_frame(name)
                if frame is not None:
                    self._hub.publish(BALANCES, name, None, frame)

    def _read_anew(self, name: str, followed: Followed, record: AccountRecord) -> None:
        followed.is_torn = False
        followed.balances, followed.included = dict(record.balances), record.position.number
        if self.sequencer.seqs[name] == followed.position.number:
            self.sequencer.reach(name, record.position.number)
            return
        # The end of the log is lost, so only the record has the number of messages.
        self._tell_gap(name, followed.position.seq, record.position.seq)
        followed.position, followed.newest = record.position, None
        self.sequencer.begin(name, record.position.number)

    async def _read(self, name: str) -> tuple[list[AccountEvent], bool]:
        events, log_ended = await self._log.read(name, self._followed[name].position)
        known = [event for event in events if await self.frames.denominations.learn(event)]
        if len(known) == 1:  # a page has one message if that has many reports
            await self.frames.prepare(known[0])
        return known, log_ended

    async def _correct(self, name: str) -> bool:
        positions = await self._venue.positions(list(self.sequencer.targets))
        numbers = {item: position.number for item, position in positions.accounts.items()}
        if not self.sequencer.correct(replace(positions, seqs=numbers)):
            return False
        self._counters.skip(keys.ACCOUNT_CHANNEL, f"a number of {name} is beyond its last message")
        await self._on_positions(positions)
        return True

    def _lose(self, lost: Lost) -> None:
        self._counters.account_messages_lost += lost.last - lost.first + 1
        self._followed[lost.name].is_torn = True
        logger.error("an account's messages %d to %d left its log unread", lost.first, lost.last)

    def _send_late(self, message: AccountEvent) -> None:
        self._counters.account_messages_refilled += 1
        self._send(message)

    def _send(self, event: AccountEvent) -> None:
        name, header, followed = event.name, event.header, self._followed[event.name]
        self._tell_gap(name, followed.position.seq, event.before[0])
        if self._hub.has_topic(ORDERS, name):
            for index, (report, frame) in enumerate(self.frames.reports(event)):
                self._hub.publish(ORDERS, name, report.seq, frame, goes_on=index > 0)
            self._counters.reports += len(event.reports)
        followed.position = AccountPosition(header.seq, header.balance_seq)
        followed.newest = event
        if not event.balances:
            return
        if event.last > followed.included:
            followed.balances |= {balance.asset: balance for balance in event.balances}
        if self._hub.has_topic(BALANCES, name):
            self._hub.publish(BALANCES, name, header.balance_seq, self.frames.balances(event))

    def _tell_gap(self, name: str, known: int, seq: int) -> None:
        if seq > known:
            self._hub.publish_gap(ORDERS, name, known + 1, seq)


def _is_same(event: AccountEvent, payload: bytes) -> bool:
    try:
        return decode_account_event(payload) == event
    except MessageError:
        return False
