"""The log of an account, read backwards."""

import pytest

from tapewire.audit.account_log import LOG_EVENTS_KEPT, LogReader
from tapewire.audit.fees import FeeReader
from tapewire.audit.orders import UnreadableRecord
from tapewire.values.account_types import AccountRecord, AccountState, Balance
from tests.support.venue import ALICE

RECORD = AccountRecord(
    ALICE, AccountState.ACTIVE, None, None, 1, {"BTC": Balance(7, 2), "USDT": Balance(5)}, {}, 0, 3
)
FEES = FeeReader({}, only_per_order=True)


def event(balance_seq: int, balances: str, account: str = "alice", epoch: str = "e") -> bytes:
    """A message about balances only."""
    return f"{account}|{epoch}|0|{balance_seq}|9\x1e{balances}".encode()


def read(log: LogReader, entry_id: str, payload: bytes) -> None:
    log.read(entry_id.encode(), {b"event": payload})


def test_a_whole_log_is_read_to_its_beginning() -> None:
    """Each event leads to the one before it; the newest event of an asset has its balance."""
    log = LogReader(RECORD, "e", FEES)
    read(log, "0-3", event(3, "BTC,7,2"))
    assert not log.is_complete
    read(log, "0-2", event(2, "BTC,1,1;USDT,5,0"))
    read(log, "0-1", event(1, "USDT,9,9"))
    assert log.is_complete
    assert log.events == 3
    log.end(3)


@pytest.mark.parametrize(
    ("entry_id", "payload", "reason"),
    [
        ("0-2", event(2, "BTC,7,2"), "has 0-2 where 0-3 has to be"),
        ("0-3", event(2, "BTC,7,2"), "its header says 0-2"),
        ("0-3", event(3, "BTC,7,2", account="bob"), "it is of account bob"),
        ("0-3", event(3, "BTC,7,2", epoch="f"), "epoch f"),
        ("0-3", event(3, "BTC,7,3"), "it left 7 units of BTC available and 3 held"),
        ("0-3", event(3, "XYZ,1,0"), "the account has 0 and 0"),
        ("0-3", b"nonsense", "cannot be read"),
        ("0-3", event(3, ""), "cannot be read"),
    ],
)
def test_what_is_wrong_with_an_event_is_said(entry_id: str, payload: bytes, reason: str) -> None:
    """Missing, under another number, of another account, or with other balances."""
    with pytest.raises(UnreadableRecord, match=reason):
        read(LogReader(RECORD, "e", FEES), entry_id, payload)


def test_a_log_without_its_field_is_said() -> None:
    """An entry that no script wrote."""
    with pytest.raises(UnreadableRecord, match="cannot be read"):
        LogReader(RECORD, "e", FEES).read(b"0-3", {b"other": b""})


def test_only_a_long_log_may_have_lost_its_beginning() -> None:
    """Redis trims the oldest events of a log once it keeps enough."""
    log = LogReader(RECORD, "e", FEES)
    log.end(LOG_EVENTS_KEPT)
    with pytest.raises(UnreadableRecord, match="begins after 0-3, though it has only 9 entries"):
        log.end(9)
