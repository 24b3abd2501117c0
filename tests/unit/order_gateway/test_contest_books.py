"""Pages of an account log, folded: an entry that cannot be read costs no other entry."""

import logging

import pytest

from order_gateway.contest.books import fold_page
from order_gateway.contest.performance import Fold
from tapewire.values.types import Account
from tests.support.reference.account_events import EPOCH, event_text
from tests.support.venue import INSTRUMENTS


def entry(seq: int, balance_seq: int, event: bytes) -> tuple[bytes, list[bytes]]:
    return f"{seq}-{balance_seq}".encode(), [b"event", event]


def test_an_unreadable_entry_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """The entries around it are folded, and the fold is not complete."""
    fold = Fold(EPOCH)
    page = [
        entry(0, 1, event_text("alice", 0, 1, balances=[("BTC", 5, 0)])),
        entry(0, 2, b"no event"),
        entry(0, 3, event_text("alice", 0, 3, balances=[("USDT", 7, 2)])),
    ]
    with caplog.at_level(logging.ERROR):
        fold_page(Account("alice"), fold, page, dict(INSTRUMENTS))
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert fold.totals == {"BTC": 5, "USDT": 9}
    assert (fold.cursor, fold.is_complete) == ("0-3", False)
