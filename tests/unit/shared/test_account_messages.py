"""Messages of an account: reports in order, states walked back, text that is none refused."""

import json
import random
import sys
from typing import Any

import pytest

from tapewire.errors import MessageError
from tapewire.packed.packing import account_of
from tapewire.wire.account_event import (
    AccountEvent,
    Balance,
    ExecutionReport,
    decode_account_event,
)
from tapewire.wire.account_feed import render_balances, render_report
from tapewire.wire.feed_messages import decode_message
from tapewire.wire.settlement import decode_settlement
from tests.support.reference.account_events import (
    TIME_US,
    change_text,
    event_text,
    fill_text,
    state_text,
    terms_text,
)
from tests.support.venue import BTC, INSTRUMENTS

DECIMALS = {"BTC": 8, "USDT": 6}
TERMS = terms_text("alice")


def decoded(*changes: str, seq: int = 20, **more: Any) -> AccountEvent:
    return decode_account_event(event_text("alice", seq, 5, changes=changes, **more))


def shown(report: ExecutionReport) -> tuple[int, str, int, str]:
    return report.seq, report.kind, report.executed_lots, report.status


def test_the_fills_of_a_change_are_walked_back() -> None:
    """A new order that fills twice and expires is four reports, each with its own state."""
    state = state_text("expired", 30, 1_500, reason="immediate_or_cancel")
    fills = [fill_text(7, 50, 10), fill_text(8, 50, 20, fee_units=3)]
    event = decoded(change_text("new", "9", TERMS, state, fills))
    assert list(map(shown, event.reports)) == [
        (17, "new", 0, "new"),
        (18, "trade", 10, "partially_filled"),
        (19, "trade", 30, "partially_filled"),
        (20, "expired", 30, "expired"),
    ]
    assert [report.executed_notional for report in event.reports] == [0, 500, 1_500, 1_500]
    assert [report.reason for report in event.reports] == [
        None, None, None, "immediate_or_cancel",
    ]  # fmt: skip
    assert event.before == (16, 5)


@pytest.mark.parametrize(
    ("kind", "state", "fills", "expected"),
    [
        ("new", state_text("new"), 0, ["new"]),
        ("", state_text("canceled", 40, 2_000), 0, ["canceled"]),
        ("", state_text("filled", 100, 5_000), 1, ["trade"]),
        ("amended", state_text("partially_filled", 40, 2_000), 0, ["amended"]),
        (
            "triggered",
            state_text("partially_filled", 40, 2_000),
            2,
            ["triggered", "trade", "trade"],
        ),
        ("", state_text("partially_filled", 40, 2_000), 0, []),
    ],
)
def test_what_a_change_is_reported_as(
    kind: str, state: str, fills: int, expected: list[str]
) -> None:
    """A change is its kind if it has one, a trade per fill, and its end; a fill needs no end."""
    texts = [fill_text(index, 50, 10) for index in range(fills)]
    event = decoded(change_text(kind, "9", TERMS, state, texts), balances=[("BTC", 1, 2)])
    assert [report.kind for report in event.reports] == expected
    if expected:
        assert event.reports[-1].seq == 20
        assert event.reports[-1].status == state.partition("|")[0]
    assert event.before == (20 - len(expected), 4)


def test_several_orders_of_one_message_are_numbered_through() -> None:
    """Changes stand in their order, and every report has the next number."""
    event = decoded(
        change_text("", "1", TERMS, state_text("canceled")),
        change_text("new", "2", TERMS, state_text("filled", 100, 5_000), [fill_text(3, 50, 100)]),
        change_text("", "3", TERMS, state_text("expired")),
    )
    assert [(report.seq, report.order.order_id) for report in event.reports] == [
        (17, "1"), (18, "2"), (19, "2"), (20, "3"),
    ]  # fmt: skip


def test_random_fills_walk_back_and_forth() -> None:
    """The reports of an order give every state that the order had."""
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    for _ in range(300):
        seq, life = chance.randint(0, 1_000), _Life(chance)
        while not life.is_over:
            change, expected = life.step()
            seq += len(expected)
            event = decode_account_event(event_text("alice", seq, 0, changes=[change]))
            assert [
                (item.kind, item.executed_lots, item.executed_notional,
                 item.remaining_lots, item.status)
                for item in event.reports
            ] == expected  # fmt: skip
            assert event.before[0] == seq - len(expected)
            check_settlement(event_text("alice", seq, 0, changes=[change]), event)


def check_settlement(payload: bytes, event: AccountEvent) -> None:
    """The short reading of a message says of fills and numbers what the whole reading says."""
    settled = decode_settlement(payload)
    assert (settled.header, settled.before) == (event.header, event.before)
    assert settled.balances == event.balances
    assert settled.fills == tuple(
        (change.order.symbol, change.order.side, change.executions)
        for change in event.changes
        if change.executions
    )


def test_messages_in_a_row_settle_as_one() -> None:
    """The position before the first, all fills, and the newest balance of each asset."""
    filled = change_text("new", "1", TERMS, state_text("new", 2, 6), [fill_text(9, 3, 2)])
    texts = [
        event_text("alice", 2, 1, balances=[("BTC", 5, 1), ("USDT", 7, 0)], changes=[filled]),
        event_text("alice", 3, 2, balances=[("USDT", 4, 3)],
                   changes=[change_text("new", "2", TERMS, state_text("new", 0, 0))]),
    ]  # fmt: skip
    first, both = decode_settlement(texts[0]), decode_settlement(*texts)
    assert (both.before, both.since_us) == (first.before, first.since_us)
    assert (both.header.seq, both.header.balance_seq) == (3, 2)
    assert both.balances == (("BTC", 5, 1), ("USDT", 4, 3))
    assert both.fills == first.fills
    assert both.fills


class _Life:
    """An order played forwards, which notes its state after every step."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._quantity = chance.randint(1, 50)
        self._executed = self._notional = 0
        self._status = "new"
        self._begun = self.is_over = False

    def step(self) -> tuple[str, list[tuple[str, int, int, int, str]]]:
        """One command: the text of the change, and the states that it went through."""
        chance = self._chance
        kind = chance.choice(["amended", "triggered"]) if self._begun else "new"
        reports = [self._now(kind)]
        fills = []
        for seq in range(chance.randint(0, 4)):
            left = self._quantity - self._executed
            if not left:
                break
            lots, ticks = chance.randint(1, left), chance.randint(1, 99)
            self._executed += lots
            self._notional += lots * ticks
            self._status = "filled" if lots == left else "partially_filled"
            fills.append(fill_text(seq, ticks, lots))
            reports.append(self._now("trade"))
        if self._status != "filled" and chance.random() < 0.4:
            self._status = chance.choice(["canceled", "expired"])
            reports.append(self._now(self._status))
        self._begun = True
        self.is_over = self._status in {"filled", "canceled", "expired"}
        state = state_text(self._status, self._executed, self._notional)
        terms = terms_text("alice", quantity=self._quantity)
        return change_text(kind, "9", terms, state, fills), reports

    def _now(self, kind: str) -> tuple[str, int, int, int, str]:
        left = self._quantity - self._executed
        return kind, self._executed, self._notional, left, self._status


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"x" * 9_000_000,
        event_text("alice", 1, 0),
        event_text("", 1, 1, balances=[("BTC", 1, 0)]),
        event_text("alice", 0, 0, balances=[("BTC", 1, 0)]),
        event_text("alice", 0, 5, changes=[change_text("new", "1", TERMS, state_text("new"))]),
        event_text("alice", 1, 5, changes=[change_text("old", "1", TERMS, state_text("new"))]),
        event_text("alice", 1, 5, changes=[change_text("new", "1", "10|a", state_text("new"))]),
        event_text("alice", 1, 5, changes=[change_text("new", "1", TERMS, "new|1")]),
        event_text("alice", 9, 5, changes=[
            change_text("new", "1", TERMS, state_text("new"), [fill_text(1, 50, 1)])
        ]),
        event_text("alice", 9, 5, changes=[
            change_text("", "1", TERMS, state_text("new"), ["1,2"])
        ]),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    """Garbage, contradictory numbers, impossible fills, too many bytes: one kind of error."""
    with pytest.raises(MessageError, match="account"):
        decode_account_event(payload)


def test_the_account_is_read_without_the_rest() -> None:
    """Only the first bytes of a message are read if no client follows its account."""
    assert account_of(event_text("alice", 3, 4) + b"\xff") == b"alice"
    assert account_of(b"no account") == b"no account"


def test_a_report_has_the_decimals_of_its_instrument() -> None:
    """Prices in the tick's decimals, quantities in the lot's, the fee in those of its asset."""
    state = state_text("partially_filled", 10, 500)
    event = decoded(change_text("new", "9", TERMS, state, [fill_text(7, 50, 10, "m", 1_234)]))
    texts = [
        render_report("alice", "e1", report, INSTRUMENTS[BTC], DECIMALS) for report in event.reports
    ]
    new, trade = map(json.loads, texts)
    assert (new["type"], new["account"], new["epoch"], new["seq"]) == ("order", "alice", "e1", 19)
    assert trade["data"] == {
        "order_id": "9",
        "client_order_id": None,
        "symbol": "BTC-USDT",
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "gtc",
        "price": "0.50",
        "stop_price": None,
        "quantity": "0.00100",
        "executed_quantity": "0.00010",
        "remaining_quantity": "0.00090",
        "cumulative_quote_quantity": "0.0000500",
        "status": "partially_filled",
        "reason": None,
        "report": "trade",
        "timestamp": "2026-01-31T12:00:00.000001Z",
        "trade_id": "BTC-USDT-7",
        "trade_seq": 7,
        "last_price": "0.50",
        "last_quantity": "0.00010",
        "liquidity": "maker",
        "fee": "0.00001234",
        "fee_asset": "BTC",
    }
    assert new["data"]["report"] == "new"
    assert "trade_id" not in new["data"]


def test_balances_may_be_below_zero() -> None:
    """Where funds are not checked an account may owe; the total is what it has and what is held."""
    balances = [Balance("USDT", -1_500_000, 500_000), Balance("BTC", 1, 0)]
    text = render_balances("alice", "e1", 8, balances=balances, decimals=DECIMALS, time_us=TIME_US)
    assert json.loads(text)["data"] == [
        {"asset": "USDT", "available": "-1.500000", "held": "0.500000", "total": "-1.000000"},
        {"asset": "BTC", "available": "0.00000001", "held": "0.00000000", "total": "0.00000001"},
    ]
    assert decode_message(text)
