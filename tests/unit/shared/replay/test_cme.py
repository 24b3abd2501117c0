"""The reader of CME market-by-order records: seed, changes, incoming orders, repairs, refusals."""

from decimal import Decimal

import pytest

from tapewire.replay.cme import COLUMNS, read_cme
from tapewire.replay.steps import Amend, Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.types import OrderType, Side

LAST = 128


def line(action: str, label: str, side: str, price: str, size: int, *, more: bool = False) -> str:
    """One record; prices in index points."""
    price_1e9 = int(Decimal(price) * 10**9)
    return f"1000000,{label},{price_1e9},{size},{0 if more else LAST},{action},{side},0,0,0"


def steps_of(*lines: str) -> list[Step]:
    """What the reader makes of records behind the header."""
    return read_cme([",".join(COLUMNS), *lines])


AUCTION = line("T", "0", "N", "100", 1)
TWO_ASKS = [line("A", "1", "A", "101", 5), line("A", "2", "A", "101", 3), AUCTION]
QUIET = line("A", "9", "B", "90", 1)


def brief(step: Step) -> tuple[object, ...]:
    """A step without its time."""
    match step:
        case Enter():
            return (step.label, str(step.side), step.quantity, str(Decimal(step.price or 0)))
        case Cancel():
            return ("cancel", step.label)
        case Amend():
            return ("amend", step.label, step.quantity, step.price)
    return ("trade", step.maker, step.taker, int(step.quantity))


def flow(*lines: str) -> list[tuple[object, ...]]:
    """The steps behind a seed of two asks and the quiet order that begins trading."""
    return [brief(step) for step in steps_of(*TWO_ASKS, QUIET, *lines)][3:]


def test_the_seed_is_the_book_after_the_auction() -> None:
    """Orders stand in their priority; what came and went before the open leaves no step."""
    steps = steps_of(
        line("A", "1", "A", "101", 5), line("A", "2", "B", "102", 5), line("C", "2", "B", "102", 5),
        line("A", "3", "A", "101", 2), line("M", "1", "A", "101", 6), AUCTION, QUIET,
    )  # fmt: skip
    seed = [step for step in steps if isinstance(step, Enter) and step.is_seed]
    assert [(step.label, step.side, step.quantity) for step in seed] == [
        ("3", Side.SELL, "2"),
        ("1", Side.SELL, "6"),
    ]
    assert len(steps) == 3


def test_changes_become_amends() -> None:
    """A smaller size, a larger one and another price are amends; no change is none."""
    assert flow(
        line("M", "1", "A", "101", 4), line("M", "1", "A", "101", 4), line("M", "2", "A", "103", 7)
    ) == [("amend", "1", "4", None), ("amend", "2", "7", "103.000000000")]


def test_an_incoming_order_takes_once() -> None:
    """T and F are one ioc order; the C and M that tell what it left are not sent."""
    assert flow(
        line("T", "7", "B", "101", 6, more=True), line("F", "1", "A", "101", 5, more=True),
        line("F", "2", "A", "101", 1, more=True), line("C", "1", "A", "101", 5, more=True),
        line("M", "2", "A", "101", 2),
    ) == [
        ("taker 6", "buy", "6", "101.000000000"),
        ("trade", "1", "taker 6", 5),
        ("trade", "2", "taker 6", 1),
    ]  # fmt: skip


def test_an_amend_after_a_fill_counts_what_was_executed() -> None:
    """The venue's quantity of an order includes what it has executed."""
    assert flow(
        line("T", "7", "B", "101", 2, more=True), line("F", "1", "A", "101", 2, more=True),
        line("M", "1", "A", "101", 3), line("M", "1", "A", "101", 1),
    )[-1] == ("amend", "1", "3", None)  # fmt: skip


def test_an_order_that_moves_into_the_other_side_fills_the_other() -> None:
    """The order's own F is no resting order's; its C tells the rest."""
    assert flow(
        line("T", "9", "B", "101", 1, more=True), line("F", "9", "B", "101", 1, more=True),
        line("F", "1", "A", "101", 1, more=True), line("C", "9", "B", "90", 1, more=True),
        line("M", "1", "A", "101", 4),
    ) == [
        ("taker 6", "buy", "1", "101.000000000"), ("trade", "1", "taker 6", 1), ("cancel", "9"),
    ]  # fmt: skip


def test_another_priority_is_repaired() -> None:
    """If CME filled the second order first, both are entered again as the recording has them."""
    assert flow(line("T", "7", "B", "101", 3, more=True), line("F", "2", "A", "101", 3)) == [
        ("taker 6", "buy", "3", "101.000000000"),
        ("trade", "2", "taker 6", 3),
        ("cancel", "1"),
        ("cancel", "2"),
        ("1", "sell", "5", "101.000000000"),
    ]


def test_takers_are_immediate() -> None:
    """What an incoming order does not trade is not left in the book."""
    steps = steps_of(*TWO_ASKS, QUIET, line("T", "7", "B", "101", 1), line("F", "1", "A", "101", 1))
    taker, trade = steps[-2:]
    assert isinstance(taker, Enter)
    assert taker.order_type is OrderType.IOC
    assert isinstance(trade, RecordedTrade)
    assert trade.price == 101


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "1,2,3",
        line("A", "1", "X", "1", 1),
        "x" + QUIET,
        line("Q", "1", "B", "1", 1),
        line("Q", "1", "B", "1", 1, more=True),
        QUIET.rpartition(",")[0],
        f"{QUIET},0",
        f"-{QUIET}",
        f"99999999999999{QUIET}",
    ],
)
def test_a_bad_line_is_named(bad: str) -> None:
    """The error names the line; an empty line is none."""
    if not bad:
        assert steps_of(bad) == []
        return
    with pytest.raises(ReplayError, match="line 2"):
        steps_of(bad)


def test_a_cleared_book_cancels_what_rests() -> None:
    """Every resting order is canceled, and an id may be used again afterwards."""
    assert flow(line("R", "0", "N", "0", 0), line("A", "1", "A", "101", 2)) == [
        ("cancel", "1"),
        ("cancel", "2"),
        ("cancel", "9"),
        ("1", "sell", "2", "101.000000000"),
    ]


def test_a_file_may_begin_with_a_cleared_book() -> None:
    """Real files begin with R; an empty book has nothing to cancel."""
    steps = steps_of(line("R", "0", "N", "0", 0), *TWO_ASKS, QUIET)
    assert [brief(step)[0] for step in steps] == ["1", "2", "9"]
    steps = steps_of(line("R", "0", "N", "0", 0), line("A", "1", "A", "101", 2))
    assert [brief(step)[0] for step in steps] == ["1"]


def test_a_record_without_an_action_changes_nothing() -> None:
    """CME's action N carries only flags, among them the end of an event."""
    more = line("A", "1", "A", "101", 2, more=True)
    assert [brief(step)[0] for step in steps_of(more, line("N", "0", "N", "0", 0))] == ["1"]


def test_a_file_without_the_header_is_refused() -> None:
    """A first line that is a record would be lost without a word."""
    with pytest.raises(ReplayError, match="the first line must be ts_event,"):
        read_cme([QUIET, QUIET])
