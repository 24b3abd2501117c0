"""What orders hold and where they stand, computed from records alone; sums, levels, findings."""

from collections import Counter

import pytest

from tapewire.audit.balances import negative_differences, parse_supply, supply_differences
from tapewire.audit.comparison import (
    hold_differences,
    level_differences,
    place_differences,
    queue_differences,
)
from tapewire.audit.findings import DIFFERENCES_SHOWN_MAX, Check, Findings
from tapewire.audit.orders import (
    Claim,
    Place,
    UnreadableRecord,
    find_claim,
    find_place,
    read_record,
)
from tapewire.audit.report import report_lines
from tapewire.matching.snapshots import (
    AccountSnapshot,
    IndexPart,
    Level,
    ListedOrder,
    PlacedOrder,
    StandingOrder,
)
from tapewire.values.account_types import AccountRecord, AccountState, Balance
from tapewire.values.types import Account, Side, Symbol
from tests.support.venue import ALICE, BTC, INSTRUMENTS

# A lot of BTC-USDT is 1,000 units of BTC, a tick x lot 10 units of USDT.
LOT, TICK_LOT = 1_000, 10


def terms(
    side: str, *, quantity: int = 9, price: str = "50", stop: str = "", symbol: str = BTC
) -> str:
    """The packed terms of alice's order with priority 12."""
    return f"{quantity}|alice||||{price}|12|{symbol}|{side}|limit|gtc|1|none|0|{stop}||0|0|"


def state(
    status: str = "new",
    *,
    executed: int = 0,
    prevented: int = 0,
    visible: str = "",
    fired: str = "",
) -> str:
    return f"{status}|{executed}|0|1|{prevented}|{visible}|{fired}|"


def record(**balances: Balance) -> AccountRecord:
    """Alice with these balances."""
    return AccountRecord(ALICE, AccountState.ACTIVE, None, None, 1, balances, {}, 0, 0)


@pytest.mark.parametrize(
    ("order_terms", "order_state", "held", "incoming"),
    [
        (terms("buy"), state(), 9 * 50 * TICK_LOT, 9 * LOT),
        (terms("sell"), state(), 9 * LOT, 9 * 50 * TICK_LOT),
        (terms("buy"), state(executed=4, prevented=2), 3 * 50 * TICK_LOT, 3 * LOT),
        (terms("buy", price="", stop="60"), state(), 0, 9 * LOT),
        (terms("buy", stop="60"), state(), 9 * 50 * TICK_LOT, 9 * LOT),
        (terms("sell", price="", stop="40"), state(), 9 * LOT, 9 * 40 * TICK_LOT),
        (terms("sell", stop="40"), state(), 9 * LOT, 9 * 50 * TICK_LOT),
    ],
)
def test_an_order_holds_what_the_rules_say(
    order_terms: str, order_state: str, held: int, incoming: int
) -> None:
    """What is neither executed nor prevented, at its price, or its stop price if it has none."""
    order = read_record("7", order_terms, order_state)
    is_buy = order.side is Side.BUY
    pays, gets = ("USDT", "BTC") if is_buy else ("BTC", "USDT")
    assert find_claim(order, INSTRUMENTS) == Claim(pays, held, gets, incoming)


@pytest.mark.parametrize(
    ("order_terms", "order_state", "place"),
    [
        (terms("buy"), state(), Place("0000000000000012:7", "-50", is_waiting=False, shown_lots=9)),
        (
            terms("sell"),
            state(executed=2, visible="3"),
            Place("0000000000000012:7", "50", is_waiting=False, shown_lots=3),
        ),
        (
            terms("buy", stop="60"),
            state(),
            Place("0000000000000012:7", "60", is_waiting=True, shown_lots=9),
        ),
        (
            terms("sell", stop="40"),
            state(),
            Place("0000000000000012:7", "-40", is_waiting=True, shown_lots=9),
        ),
        (
            terms("sell", stop="40"),
            state(fired="5"),
            Place("0000000000000012:7", "50", is_waiting=False, shown_lots=9),
        ),
    ],
)
def test_an_order_stands_where_the_rules_say(
    order_terms: str, order_state: str, place: Place
) -> None:
    """By its price in the queue, by its stop price until it was set off; buys are negated there."""
    order = read_record("7", order_terms, order_state)
    assert find_place(order, order_terms, order_state) == place


@pytest.mark.parametrize(
    ("order_terms", "order_state"),
    [("", state()), (terms("buy"), ""), (terms("buy"), "new|x|0|1|0|||"), (terms("up"), state())],
)
def test_what_is_no_record_is_said(order_terms: str, order_state: str) -> None:
    """A damaged record raises an error of ours, which the audit tells."""
    with pytest.raises(UnreadableRecord, match="order 7 cannot be read"):
        read_record("7", order_terms, order_state)


def test_a_record_that_cannot_be_open_is_said() -> None:
    """No price to stand at, or a symbol that is not traded."""
    bare = terms("buy", price="")
    with pytest.raises(UnreadableRecord, match="without a price"):
        find_place(read_record("7", bare, state()), bare, state())
    other = read_record("7", terms("buy", symbol="NO-NE"), state())
    with pytest.raises(UnreadableRecord, match="NO-NE, which is not traded"):
        find_claim(other, INSTRUMENTS)


def test_supply_is_compared_exactly() -> None:
    """One unit among 2^62 is seen: no sum goes through a binary fraction."""
    records = [record(BTC=Balance(2**61, 2**61 - 1)), record(BTC=Balance(2), USDT=Balance(-5, 5))]
    assert list(supply_differences(records, {"BTC": 2**62 + 1, "USDT": 0})) == []
    assert list(supply_differences(records, {"BTC": 2**62})) == [
        f"the accounts have {2**62 + 1} units of BTC, the supply is {2**62}: 1 too many"
    ]
    with pytest.raises(UnreadableRecord, match="supply cannot be read"):
        parse_supply({"BTC": "1.5"})


def test_only_available_may_be_below_zero() -> None:
    """`available` may be below zero only where funds are not checked."""
    balances = record(BTC=Balance(-1, -2, -3))
    told = list(negative_differences(balances, funds_checked=True))
    assert [text.split()[3] for text in told] == ["-1", "-2", "-3"]
    told = list(negative_differences(balances, funds_checked=False))
    assert [text.split()[3] for text in told] == ["-2", "-3"]


def test_holds_are_the_sum_of_open_orders() -> None:
    """An order that ended holds nothing; assets without a balance count as zero."""
    orders = [
        ListedOrder("7", "7", BTC, terms("buy"), state()),
        ListedOrder("8", "8", BTC, terms("buy", quantity=1), state()),
        ListedOrder("9", "9", BTC, terms("sell"), state("filled", executed=9)),
    ]
    snapshot = AccountSnapshot(ALICE, 3, {}, None, orders)
    kept = record(USDT=Balance(5, 5_000), BTC=Balance(0, 0, 10_000))
    assert list(hold_differences(snapshot, kept, INSTRUMENTS)) == []
    assert list(hold_differences(snapshot, record(USDT=Balance(0, 4_999)), INSTRUMENTS)) == [
        "account alice has 0 units of BTC incoming, its open orders make it 10000",
        "account alice has 4999 units of USDT held, its open orders make it 5000",
    ]


def test_an_order_stands_in_one_place_only() -> None:
    """An open one in its queue or among the stops, an ended one nowhere."""
    resting = PlacedOrder("7", terms("buy"), state(), "7", "-50", "", "")
    waiting = PlacedOrder("7", terms("buy", stop="60"), state(), "7", "", "60", "")
    ended = PlacedOrder("7", terms("buy"), state("canceled"), "", "", "", "")
    forgotten = PlacedOrder("7", "", "", "", "", "", "")
    assert list(place_differences([resting, waiting, ended, forgotten])) == []
    wrong = PlacedOrder("7", terms("buy"), state("canceled"), "7", "-50", "60", "4")
    assert [text.partition(" is in ")[2].split()[0] for text in place_differences([wrong])] == [
        "open:alice:BTC-USDT",
        "queue:BTC-USDT:buy",
        "stops:BTC-USDT:buy",
        "expiring",
    ]


def test_levels_are_what_their_orders_show() -> None:
    """Displayed lots, by price; a level without orders is told."""
    orders = [
        StandingOrder("0000000000000012:7", "-50", terms("buy"), state(visible="2")),
        StandingOrder("0000000000000012:8", "-50", terms("buy"), state()),
    ]
    part = IndexPart(2, orders, {"-50": "11"})
    assert list(queue_differences(part, BTC, Side.BUY)) == []
    assert list(queue_differences(IndexPart(2, orders, {"-50": ""}), BTC, Side.BUY)) == [
        "levels:BTC-USDT:buy has none lots at 50, its orders show 11"
    ]
    levels = [Level("50", "11", 2), Level("51", "4", 0)]
    assert list(level_differences(levels, Symbol("X"), Side.SELL)) == [
        "levels:X:sell has 4 lots at 51, where no order is"
    ]


def test_differences_are_counted_beyond_those_shown() -> None:
    """A report is bounded, on one line each, and says how many there are."""
    found = Findings()
    assert found.is_clean
    found.differ(Check.HOLDS, (f"account a{n}\n\x1b has" for n in range(DIFFERENCES_SHOWN_MAX + 5)))
    assert found.differences == Counter({Check.HOLDS: DIFFERENCES_SHOWN_MAX + 5})
    lines = list(report_lines(found))
    assert len(lines) == len(Check) + DIFFERENCES_SHOWN_MAX + 1
    assert lines[2].split()[:3] == ["holds", "25", "different"]
    assert all(line.isprintable() for line in lines)
    assert lines[-1].strip() == "and 5 more"


def test_the_sentences_name_the_account() -> None:
    """An unreadable order is told with whose it is listed."""
    snapshot = AccountSnapshot(Account("bob"), 1, {}, None, [ListedOrder("7", "7", BTC, "x", "y")])
    (sentence,) = hold_differences(snapshot, record(), INSTRUMENTS)
    assert sentence.startswith("account bob: order 7 cannot be read")
