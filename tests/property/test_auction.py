"""The uncross against a search of every price: random books, in one command or in many."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tapewire.matching import library
from tapewire.matching.command_limits import MatchingLimits
from tapewire.redis.server import RedisServer
from tapewire.values.types import (
    Account,
    Lots,
    MarketState,
    Order,
    OrderStatus,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from tests.support.reference.auction import auction_price
from tests.support.reference.machine_world import CAROL
from tests.support.reference.venue_audit import audit
from tests.support.reference.venue_commands import Control, FireStops, Place, Step
from tests.support.reference.venue_pair import Pair
from tests.support.venue import (
    ALICE,
    BOB,
    BTC,
    INSTRUMENTS,
    Venue,
    listening,
    open_venue,
    order_command,
)

# Price in ticks, lots, lots shown (0 = all).
BookSide = list[tuple[int, int, int]]

_orders = st.lists(
    st.tuples(st.integers(90, 110), st.integers(1, 12), st.sampled_from([0, 0, 0, 1, 5])),
    max_size=12,
)
_last_prices = st.one_of(st.none(), st.integers(80, 120))
# Which venue, and how many orders a command meets at most.
_budgets = st.tuples(st.integers(0, 1), st.sampled_from([2, 3, 10_000]))
FEW_READS = 2


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples."""
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def venues(session_redis: RedisServer, runner: asyncio.Runner) -> Iterator[tuple[Venue, Venue]]:
    """Two venues for all examples: as it is, and one whose commands read very few orders.

    Each example empties its venue first.
    """
    contexts = [open_venue(session_redis.url)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "AUCTION_READS_MAX", FEW_READS)
        library.load_library.cache_clear()
        contexts.append(open_venue(session_redis.url))
        few_reads = runner.run(contexts[1].__aenter__())
    library.load_library.cache_clear()
    yield runner.run(contexts[0].__aenter__()), few_reads
    for context in contexts:
        runner.run(context.__aexit__(None, None, None))


async def collect(venue: Venue, side: Side, orders: BookSide) -> list[Order]:
    """Place the orders of one side: buys of ALICE, sells of BOB."""
    placed = []
    for price, lots, shown in orders:
        account = ALICE if side is Side.BUY else BOB
        command = order_command(side, lots, price, account=account)
        command = replace(command, display_lots=Lots(shown) if 0 < shown < lots else None)
        placed.append((await venue.engine.place(command)).order)
    return placed


async def uncross(
    venue: Venue, bids: BookSide, asks: BookSide, last_price: int | None, makers_max: int
) -> tuple[list[Order], list[Order]]:
    """Hold an auction in an empty venue; the orders of both sides as they are afterwards."""
    engine = venue.engine
    engine._limits = MatchingLimits(makers_per_command_max=makers_max).packed()
    await venue.client.flushdb()
    await engine.publish_instruments(INSTRUMENTS)
    if last_price is not None:
        await venue.buy(1, last_price)
        await venue.sell(1, last_price, account=BOB)
    await engine.control_market(BTC, state=MarketState.AUCTION)
    placed = await collect(venue, Side.BUY, bids), await collect(venue, Side.SELL, asks)
    await engine.control_market(BTC, state=MarketState.TRADING)
    while await engine.fire_stops(BTC):
        pass
    return (
        [await venue.order(order) for order in placed[0]],
        [await venue.order(order, BOB) for order in placed[1]],
    )


@settings(max_examples=settings().max_examples // 2)
@given(book=st.tuples(_orders, _orders), last_price=_last_prices, budget=_budgets)
# The surplus is the same on both sides of a tick: the price nearest the last one decides.
@example(([(105, 3, 0), (100, 2, 0)], [(95, 3, 0), (101, 2, 0)]), 80, (0, 10_000))
@example(([(105, 3, 0), (100, 2, 0)], [(95, 3, 0), (101, 2, 0)]), 120, (1, 2))
# No last price: the middle of the range.
@example(([(105, 4, 1)], [(100, 4, 3)]), None, (1, 2))
def test_an_uncross_equals_a_search_of_all_prices(
    venues: tuple[Venue, Venue],
    runner: asyncio.Runner,
    book: tuple[BookSide, BookSide],
    last_price: int | None,
    budget: tuple[int, int],
) -> None:
    """One price with the largest volume; each side filled by price and time; no cross is left."""
    bids, asks = book
    found = runner.run(uncross(venues[budget[0]], bids, asks, last_price, budget[1]))
    price = auction_price(
        [(ticks, lots) for ticks, lots, _ in bids],
        [(ticks, lots) for ticks, lots, _ in asks],
        last_price,
    )
    volume = 0
    if price is not None:
        demand = sum(lots for ticks, lots, _ in bids if ticks >= price)
        volume = min(demand, sum(lots for ticks, lots, _ in asks if ticks <= price))
    for orders, sign in ((found[0], -1), (found[1], 1)):
        left = volume
        # Sorting is stable: at one price the older order comes first.
        for order in sorted(orders, key=lambda order: sign * (order.price_ticks or 0)):
            filled = min(left, order.quantity_lots or 0)
            left -= filled
            assert order.executed_lots == filled
            assert order.executed_notional == filled * (price or 0)
            assert {fill.price_ticks for fill in order.fills} <= {price}
            assert (order.status is OrderStatus.FILLED) == (filled == order.quantity_lots)
        assert left == 0
    bid_ticks, ask_ticks = (
        [order.price_ticks or 0 for order in orders if order.is_open] for orders in found
    )
    assert max(bid_ticks, default=0) < min(ask_ticks, default=1_000)


def collected(account: Account, side: Side, lots: int, lifetime_us: int | None = None) -> Step:
    """A limit order of an auction; with a lifetime it is gtd."""
    order = replace(
        order_command(side, lots, 100, account=account),
        time_in_force=TimeInForce.GTC if lifetime_us is None else TimeInForce.GTD,
        self_trade_prevention=SelfTradePrevention.DECREMENT,
        revision=0,
    )
    return Step(Place(order, lifetime_us), 0)


async def play(venue: Venue, url: str, commands: list[Step]) -> Pair:
    """Run the commands, of three makers each, through both venues."""
    async with listening(url) as listener:
        pair = Pair(venue, MatchingLimits(makers_per_command_max=3))
        await pair.run(commands)
        await audit(pair, listener)
        return pair


def test_an_order_is_reported_only_by_the_commands_of_an_uncross_that_change_it(
    venues: tuple[Venue, Venue], runner: asyncio.Runner, session_redis: RedisServer
) -> None:
    """The second command has the same time and finds no counterpart for the buy: no report."""
    commands = [
        Step(Control(BTC, state=MarketState.AUCTION), 0),
        collected(CAROL, Side.BUY, 10),
        # Carol's orders lose four lots. The next two sells have ended when the uncross begins.
        collected(CAROL, Side.SELL, 4),
        collected(BOB, Side.SELL, 1, lifetime_us=5),
        collected(BOB, Side.SELL, 1, lifetime_us=5),
        # Meets the first three orders.
        Step(Control(BTC, state=MarketState.TRADING), 10),
    ]
    first = runner.run(play(venues[0], session_redis.url, commands))
    assert first.reference.markets[BTC].uncross is not None
    both = runner.run(play(venues[0], session_redis.url, [*commands, Step(FireStops(BTC), 0)]))
    assert both.reference.markets[BTC].uncross is None
    # Two orders were new, the sell expired, and the buy was amended, by the first command.
    assert [pair.reference.accounts.reports[CAROL] for pair in (first, both)] == [4, 4]
