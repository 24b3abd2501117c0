"""The LOBSTER reader: seed, netting of reductions, incoming orders, repairs, refusals."""

from decimal import Decimal

import pytest

from tapewire.replay.lobster import read_lobster
from tapewire.replay.steps import Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.types import OrderType, Side


def entered(steps: list[Step]) -> list[tuple[str, str, str | None, str]]:
    """Label, side, price and quantity of every order."""
    return [(s.label, s.side, s.price, s.quantity) for s in steps if isinstance(s, Enter)]


def test_the_first_row_seeds_the_book_without_the_first_message() -> None:
    """The row is the book after message 1, so that order is not in the anonymous one twice."""
    steps = read_lobster(
        ["34200.5,1,11,18,990000,1"], "1010000,200,990000,50,9999999999,0,-9999999999,0"
    )

    assert entered(steps) == [
        ("seed sell 101.0000", "sell", "101.0000", "200"),
        ("seed buy 99.0000", "buy", "99.0000", "32"),
        ("11", "buy", "99.0000", "18"),
    ]
    assert [s.is_seed for s in steps if isinstance(s, Enter)] == [True, True, False]
    assert steps[-1].time_us == 34_200_500_000


def test_a_first_message_that_took_shares_off_is_undone() -> None:
    """Shares that the first message took off an older order were there before it."""
    steps = read_lobster(["1.0,4,11,20,990000,1"], "1010000,200,990000,30")

    assert ("seed buy 99.0000", "buy", "99.0000", "50") in entered(steps)


def test_reductions_are_applied_at_entry() -> None:
    """An order is entered without what type 2 takes off it later; one that keeps nothing, not."""
    steps = read_lobster(
        [
            "1.0,1,11,100,990000,1",
            "1.1,1,12,40,990000,1",
            "2.0,2,11,30,990000,1",
            "2.1,2,12,40,990000,1",
            "3.0,3,11,70,990000,1",
        ]
    )

    assert entered(steps) == [("11", "buy", "99.0000", "70")]
    assert steps[-1] == Cancel(3_000_000, "11", Decimal(70))


def test_what_older_orders_lose_is_taken_off_the_seed() -> None:
    """Unknown ids reduce the anonymous order of their price, at most to nothing."""
    steps = read_lobster(
        [
            "1.0,1,11,1,980000,1",
            "2.0,3,5,20,990000,1",
            "2.1,2,6,10,990000,1",
            "2.2,3,7,5,970000,1",
            "2.3,3,8,90,1010000,-1",
        ],
        "1010000,60,990000,50,1020000,1,980000,1",
    )

    assert entered(steps) == [
        ("seed buy 99.0000", "buy", "99.0000", "20"),
        ("seed sell 102.0000", "sell", "102.0000", "1"),
        ("11", "buy", "98.0000", "1"),
    ]


def test_executions_of_one_moment_are_one_incoming_order() -> None:
    """The order is the sum at the worst price: an ioc of the other side, whatever is hidden."""
    steps = read_lobster(
        [
            "1.0,1,11,10,1010000,-1",
            "1.0,1,12,20,1020000,-1",
            "2.0,4,11,10,1010000,-1",
            "2.0,5,0,99,1015000,-1",
            "2.0,4,12,5,1020000,-1",
            "2.5,4,12,5,1020000,-1",
        ]
    )

    takes = [s for s in steps if isinstance(s, Enter) and s.order_type is OrderType.IOC]
    assert [(t.label, t.side, t.price, t.quantity) for t in takes] == [
        ("taker 3", Side.BUY, "102.0000", "15"),
        ("taker 6", Side.BUY, "102.0000", "5"),
    ]
    trades = [s for s in steps if isinstance(s, RecordedTrade)]
    assert [(t.maker, t.price, t.quantity, t.taker) for t in trades] == [
        ("11", Decimal(101), Decimal(10), "taker 3"),
        ("12", Decimal(102), Decimal(5), "taker 3"),
        ("12", Decimal(102), Decimal(5), "taker 6"),
    ]
    assert not any(isinstance(s, Cancel) for s in steps)


def test_an_execution_of_an_older_order_is_the_anonymous_ones() -> None:
    """The maker of an unknown id is the anonymous order of its price."""
    steps = read_lobster(["1.0,1,11,1,980000,1", "2.0,4,5,20,990000,1"], "1010000,60,990000,50")

    trade = steps[-1]
    assert isinstance(trade, RecordedTrade)
    assert trade.maker == "seed buy 99.0000"
    assert ("taker 2", "sell", "99.0000", "20") in entered(steps)


def test_executions_of_one_anonymous_order_are_one_trade() -> None:
    """Several old orders of a price are one order here, so that their executions are one trade."""
    steps = read_lobster(
        [
            "1.0,1,11,1,980000,1",
            "2.0,4,5,100,990000,1",
            "2.0,4,6,200,990000,1",
            "2.0,4,11,1,980000,1",
        ],
        "1010000,60,990000,300",
    )

    trades = [(s.maker, s.quantity) for s in steps if isinstance(s, RecordedTrade)]
    assert trades == [("seed buy 99.0000", Decimal(300)), ("11", Decimal(1))]
    # Price-time priority holds, so no order is canceled and entered again.
    assert not any(isinstance(s, Cancel) for s in steps)


def test_an_exception_to_price_time_order_is_repaired() -> None:
    """After NASDAQ passed over an order, its level is entered again as the recording has it."""
    steps = read_lobster(
        [
            "1.0,1,11,10,1010000,-1",
            "1.0,1,12,10,1010000,-1",
            "2.0,4,12,4,1010000,-1",
            "3.0,4,11,10,1010000,-1",
        ]
    )

    assert [(type(s).__name__, getattr(s, "label", "")) for s in steps] == [
        ("Enter", "11"),
        ("Enter", "12"),
        ("Enter", "taker 3"),
        ("RecordedTrade", ""),
        ("Cancel", "11"),
        ("Cancel", "12"),
        ("Enter", "11"),
        ("Enter", "12"),
        ("Enter", "taker 4"),
        ("RecordedTrade", ""),
    ]
    assert [quantity for *_, quantity in entered(steps)[3:5]] == ["10", "6"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1.0,1,11,10,1010000",
        "x,1,1,1,1,1",
        "1.0,1,1,1,1,0",
        "1.0,one,1,1,1,1",
        "1.0,9,1,1,1,1",
        "nan,1,1,1,1,1",
        "Infinity,1,1,1,1,1",
        "-1.0,1,1,1,1,1",
        "1e99,1,1,1,1,1",
        "9007199255,1,1,1,1,1",
    ],
)
def test_a_bad_message_is_refused(line: str) -> None:
    """What is not a message raises ReplayError with its line; an empty line is skipped."""
    if not line:
        assert read_lobster([line]) == []
        return
    with pytest.raises(ReplayError, match="line 2"):
        read_lobster(["1.0,1,11,10,1010000,-1", line])


@pytest.mark.parametrize("row", ["1,2,3", "1,2,3,x"])
def test_a_bad_book_row_is_refused(row: str) -> None:
    """A seed row must have whole levels of whole numbers."""
    with pytest.raises(ReplayError, match="order book row"):
        read_lobster(["1.0,1,11,10,1010000,-1"], row)
