"""The Bitstamp reader: seed, flow, and what it refuses."""

import json
from decimal import Decimal

import pytest

from tapewire.replay.bitstamp import read_bitstamp
from tapewire.replay.steps import Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.types import OrderType, Side


def order(name: str, order_id: int, side: int, price: str, amount: str) -> str:
    """One order event, at millisecond 10."""
    body = {"price": price, "amount": amount, "id": order_id, "order_type": side}
    return f"10 {name} {json.dumps(body)}"


def book(bids: list[list[str]], asks: list[list[str]]) -> str:
    """One book event."""
    return f"5 order_book {json.dumps({'bids': bids, 'asks': asks})}"


def seeds(steps: list[Step]) -> list[tuple[str, str | None, str]]:
    """Label, price and quantity of the seed orders."""
    return [(s.label, s.price, s.quantity) for s in steps if isinstance(s, Enter) and s.is_seed]


def test_each_level_of_the_first_book_is_one_anonymous_order() -> None:
    """The first order_book becomes the seed, later ones are ignored."""
    steps = read_bitstamp([book([["99", "1.5"]], [["101", "2"]]), book([["98", "7"]], [])])

    assert seeds(steps) == [("seed buy 99", "99", "1.5"), ("seed sell 101", "101", "2")]
    assert len(steps) == 2


def test_orders_shown_before_the_book_stand_by_themselves() -> None:
    """An order alive when the book was taken leaves its level and follows it, as it is then."""
    steps = read_bitstamp(
        [
            order("order_created", 7, 0, "99", "2.0"),
            order("order_created", 8, 0, "98", "1.0"),
            order("order_changed", 7, 0, "99", "0.5"),
            order("order_deleted", 8, 0, "98", "1.0"),
            book([["99", "1.5"]], []),
            order("order_deleted", 7, 0, "99", "0.5"),
        ]
    )

    assert seeds(steps) == [("seed buy 99", "99", "1.0"), ("7", "99", "0.5")]
    assert steps[-1] == Cancel(10_000, "7", Decimal("0.5"))


def test_cancels_of_older_orders_are_taken_off_the_seed() -> None:
    """An anonymous order is entered without what is canceled of it later; an emptied one not."""
    steps = read_bitstamp(
        [
            book([["99", "3"], ["98", "1"]], []),
            order("order_deleted", 1, 0, "99", "2"),
            order("order_deleted", 2, 0, "98", "1"),
            order("order_deleted", 3, 0, "97", "1"),
        ]
    )

    assert seeds(steps) == [("seed buy 99", "99", "1")]
    assert len(steps) == 1


def test_flow_is_created_deleted_and_trade() -> None:
    """Created is a limit order, deleted a cancel (not a second time), trades are kept."""
    steps = read_bitstamp(
        [
            book([], []),
            order("order_created", 1, 1, "101.25", "2.00000000"),
            order("order_changed", 1, 1, "101.25", "1.00000000"),
            '12 trade {"price": 101.25000000000001, "amount": 1.0000000000000002, "id": 5}',
            order("order_deleted", 1, 1, "101.25", "1.00000000"),
            order("order_deleted", 1, 1, "101.25", "1.00000000"),
        ]
    )

    assert steps == [
        Enter(10_000, "1", Side.SELL, OrderType.LIMIT, "2.00000000", "101.25"),
        RecordedTrade(12_000, Decimal("101.25"), Decimal(1)),
        Cancel(10_000, "1", Decimal(1)),
    ]


def test_a_log_without_a_book_has_no_seed() -> None:
    """Without an order_book line everything is flow."""
    steps = read_bitstamp([order("order_created", 1, 0, "1", "1"), ""])

    assert len(steps) == 1
    assert not seeds(steps)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "1 order_created",
        "1 order_created {",
        "1 order_created []",
        "x order_created {}",
        "1 order_created {}",
        order("order_created", 1, 2, "1", "1"),
        order("order_created", 1, 0, "one", "1"),
        order("order_created", 1, 0, "NaN", "1"),
        order("order_created", 1, 0, "sNaN", "1"),
        order("order_created", 1, 0, "1", "1e999999999"),
        order("order_created", 1, 0, "1", "1e-999999999"),
        order("order_created", 1, 0, "1" * 100, "1"),
        order("trade", 1, 0, "1e19", "1"),
        order("order_renamed", 1, 0, "1", "1"),
        order("order_deleted", 1, 0, "1", "1").replace('"id"', '"name"'),
        f"1 order_created {'[' * 100_000}",
        f"{2**53 // 1_000 + 1} {order('order_created', 1, 0, '1', '1').partition(' ')[2]}",
        '5 order_book {"bids": [["1"]], "asks": []}',
        '5 order_book {"bids": null, "asks": []}',
        '5 order_created {"id": 1, "price": 1, "amount": 1, "order_type": [0]}',
        '5 trade {"price": 1}',
    ],
)
def test_a_bad_line_is_refused(line: str) -> None:
    """What is not an event raises ReplayError with its line, never another exception."""
    with pytest.raises(ReplayError, match="line 2 "):
        read_bitstamp([order("order_created", 1, 0, "1", "1"), line])


def test_the_largest_numbers_are_read() -> None:
    """Nothing below the digits that a venue takes overflows in the comparison of trades."""
    largest = "9999999999999999999"
    body = {"price": float(10**18), "amount": largest, "id": 1}
    (trade,) = read_bitstamp([f"1 trade {json.dumps(body)}"])
    assert isinstance(trade, RecordedTrade)
    assert (trade.price, trade.quantity) == (Decimal(10) ** 18, Decimal(largest))
