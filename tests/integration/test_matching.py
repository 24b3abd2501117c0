"""The matching script against a real Redis: priority, prices, order types, remainders."""

from typing import Any

import pytest

from tapewire import keys
from tapewire.limits import (
    EXACT_INTEGER_MAX,
    ORDER_FILLS_SHOWN_MAX,
    ORDER_FILLS_TRIM_TRADES,
)
from tapewire.matching.command_limits import MatchingLimits
from tapewire.values.types import (
    Amendment,
    Fill,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Side,
    Ticks,
)
from tests.support.venue import (
    ALICE,
    BOB,
    BTC,
    HUGE,
    HUGE_LOTS_MAX,
    HUGE_TICKS_MAX,
    ODD,
    Resting,
    Venue,
    open_venue,
)

SIDES = pytest.mark.parametrize("side", list(Side))


def opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def worse(side: Side, ticks: int, steps: int) -> int:
    """The price that is `steps` ticks worse for an order that takes from `side`."""
    return ticks + steps if side is Side.SELL else ticks - steps


def fills_of(order: Order) -> list[tuple[int, int]]:
    return [(fill.price_ticks, fill.quantity_lots) for fill in order.fills]


async def rest(venue: Venue, side: Side, *rows: tuple[int, int]) -> list[Order]:
    """Place limit orders (lots, ticks) that do not trade."""
    orders = [(await venue.submit(side, lots, ticks)).order for lots, ticks in rows]
    assert [order.status for order in orders] == [OrderStatus.NEW] * len(orders)
    return orders


@SIDES
async def test_a_limit_order_rests(venue: Venue, side: Side) -> None:
    """What nothing crosses stands in the queue and in its level, and nothing was traded."""
    placed = (await venue.submit(side, 7, 100)).order
    assert (placed.status, placed.executed_lots, placed.fills) == (OrderStatus.NEW, 0, ())
    assert await venue.queue(side) == [Resting(placed.order_id, 100, 7)]
    assert await venue.depth(side) == [(100, 7)]
    assert await venue.depth(opposite(side)) == []
    assert await venue.log() == []
    assert await venue.order(placed) == placed


@SIDES
async def test_both_orders_of_a_trade_tell_the_same(venue: Venue, side: Side) -> None:
    """Maker and taker records carry the same seq, price, lots and time, and the exact notional."""
    maker = (await venue.submit(side, 5, 100)).order
    taker = (await venue.submit(opposite(side), 5, 100, account=BOB)).order
    maker = await venue.order(maker)
    assert (maker.status, taker.status) == (OrderStatus.FILLED, OrderStatus.FILLED)
    assert taker.fills == (
        Fill(
            1,
            taker.fills[0].price_ticks,
            taker.fills[0].quantity_lots,
            Liquidity.TAKER,
            taker.created_us,
        ),
    )
    assert (maker.fills[0].seq, maker.fills[0].liquidity) == (1, Liquidity.MAKER)
    assert maker.updated_us == taker.created_us == maker.fills[0].timestamp_us
    assert maker.executed_notional == taker.executed_notional == 500
    assert await venue.queue(side) == await venue.queue(opposite(side)) == []
    assert await venue.depth(side) == await venue.depth(opposite(side)) == []


@SIDES
async def test_the_best_price_trades_first(venue: Venue, side: Side) -> None:
    """Makers are taken by price, whatever their order of arrival."""
    last, first, middle = await rest(
        venue, side, (1, worse(side, 100, 2)), (1, 100), (1, worse(side, 100, 1))
    )
    await venue.submit(opposite(side), 3)
    makers = [trade["maker_order_id"] for trade in await venue.trades()]
    assert makers == [first.order_id, middle.order_id, last.order_id]


@SIDES
async def test_equal_prices_trade_in_order_of_arrival(venue: Venue, side: Side) -> None:
    """Time priority holds beyond ten orders, where ids no longer sort as text."""
    orders = await rest(venue, side, *[(1, 100)] * 12)
    await venue.submit(opposite(side), 12, 100)
    makers = [trade["maker_order_id"] for trade in await venue.trades()]
    assert makers == [order.order_id for order in orders]


@SIDES
async def test_trades_happen_at_the_makers_price(venue: Venue, side: Side) -> None:
    """A taker with a better limit than it needs gets the better price."""
    await rest(venue, side, (5, 100))
    taker = (await venue.submit(opposite(side), 5, worse(side, 100, 50))).order
    assert fills_of(taker) == [(100, 5)]
    assert (await venue.trades())[0]["price"] == "1.00"


@SIDES
async def test_a_limit_never_trades_through_its_price(venue: Venue, side: Side) -> None:
    """A sweep stops at the limit in mid-book, and what is left becomes the touch."""
    await rest(venue, side, (2, 100), (2, worse(side, 100, 1)), (2, worse(side, 100, 2)))
    limit = worse(side, 100, 1)
    taker = (await venue.submit(opposite(side), 10, limit)).order
    assert fills_of(taker) == [(100, 2), (limit, 2)]
    assert (taker.status, taker.executed_lots) == (OrderStatus.PARTIALLY_FILLED, 4)
    assert await venue.depth(opposite(side)) == [(limit, 6)]
    assert await venue.depth(side) == [(worse(side, 100, 2), 2)]


@SIDES
async def test_a_partly_filled_maker_keeps_the_head(venue: Venue, side: Side) -> None:
    """A partly filled maker trades before orders that arrived later."""
    first, second = await rest(venue, side, (10, 100), (10, 100))
    await venue.submit(opposite(side), 4, 100)
    assert (await venue.order(first)).status is OrderStatus.PARTIALLY_FILLED
    assert [order.order_id for order in await venue.queue(side)] == [
        first.order_id,
        second.order_id,
    ]
    await venue.submit(opposite(side), 7, 100)
    assert [fill.quantity_lots for fill in (await venue.order(first)).fills] == [4, 6]
    assert [fill.quantity_lots for fill in (await venue.order(second)).fills] == [1]
    assert await venue.depth(side) == [(100, 9)]


@SIDES
@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.IOC])
async def test_a_remainder_that_may_not_rest_expires(
    venue: Venue, side: Side, kind: OrderType
) -> None:
    """Market and ioc orders take the available quantity; the rest expires and never rests."""
    await rest(venue, opposite(side), (3, 100))
    taker = (await venue.submit(side, 5, None if kind is OrderType.MARKET else 100, kind)).order
    assert (taker.status, taker.executed_lots) == (OrderStatus.EXPIRED, 3)
    assert await venue.queue(side) == []
    assert await venue.depth(side) == []
    assert await venue.order(taker) == taker


@SIDES
@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.IOC, OrderType.FOK])
async def test_with_nothing_to_take_they_expire(venue: Venue, side: Side, kind: OrderType) -> None:
    """An empty other side is no error: the order expires, untouched."""
    taker = (await venue.submit(side, 5, None if kind is OrderType.MARKET else 100, kind)).order
    assert (taker.status, taker.executed_lots, taker.fills) == (OrderStatus.EXPIRED, 0, ())
    assert await venue.depth(side) == []


@SIDES
async def test_an_ioc_stops_at_its_limit(venue: Venue, side: Side) -> None:
    """Better levels are taken, the worse one is left alone."""
    await rest(venue, side, (2, 100), (2, worse(side, 100, 1)))
    taker = (await venue.submit(opposite(side), 4, 100, OrderType.IOC)).order
    assert (taker.status, fills_of(taker)) == (OrderStatus.EXPIRED, [(100, 2)])
    assert await venue.depth(side) == [(worse(side, 100, 1), 2)]


@SIDES
async def test_a_full_ioc_is_filled(venue: Venue, side: Side) -> None:
    """An ioc order that finds enough ends as filled."""
    await rest(venue, side, (5, 100))
    taker = (await venue.submit(opposite(side), 5, 100, OrderType.IOC)).order
    assert taker.status is OrderStatus.FILLED


@SIDES
@pytest.mark.parametrize("missing_lots", [0, 1])
async def test_a_fok_is_all_or_nothing(venue: Venue, side: Side, missing_lots: int) -> None:
    """With exactly enough over several levels it fills; one lot short it changes nothing."""
    makers = await rest(
        venue, side, (2, 100), (3, 100), (4, worse(side, 100, 1)), (9, worse(side, 100, 2))
    )
    limit = worse(side, 100, 1)
    taker = (await venue.submit(opposite(side), 9 + missing_lots, limit, OrderType.FOK)).order
    if missing_lots:
        assert (taker.status, taker.fills) == (OrderStatus.EXPIRED, ())
        assert [await venue.order(maker) for maker in makers] == makers
        assert len(await venue.queue(side)) == 4
        assert await venue.log() == []
    else:
        assert taker.status is OrderStatus.FILLED
        assert fills_of(taker) == [(100, 2), (100, 3), (limit, 4)]
        assert await venue.depth(side) == [(worse(side, 100, 2), 9)]


@SIDES
async def test_a_fok_counts_what_is_left_of_a_maker(venue: Venue, side: Side) -> None:
    """A maker that traded before offers only its remainder."""
    await rest(venue, side, (10, 100))
    await venue.submit(opposite(side), 6, 100)
    short = (await venue.submit(opposite(side), 5, 100, OrderType.FOK)).order
    exact = (await venue.submit(opposite(side), 4, 100, OrderType.FOK)).order
    assert (short.status, exact.status) == (OrderStatus.EXPIRED, OrderStatus.FILLED)


async def test_a_fok_looks_over_more_makers_than_one_page(venue: Venue) -> None:
    """The order fills from a hundred small makers, and does not fill with one lot more."""
    await rest(venue, Side.SELL, *[(1, 100 + number % 7) for number in range(100)])
    short = await venue.buy(101, 110, OrderType.FOK)
    exact = await venue.buy(100, 110, OrderType.FOK)
    assert (short.status, exact.status) == (OrderStatus.EXPIRED, OrderStatus.FILLED)
    assert len(exact.fills) == 100


async def test_a_sweep_over_many_pages_and_levels(venue: Venue) -> None:
    """Hundreds of makers on many levels are taken in priority order, the last one in part."""
    orders = await rest(venue, Side.SELL, *[(2, 100 + number // 5) for number in range(200)])
    taker = await venue.buy(399, 1000)
    assert taker.status is OrderStatus.FILLED
    assert taker.has_more_fills
    assert fills_of(taker) == [
        (100 + number // 5, 1 if number == 199 else 2) for number in range(100, 200)
    ]
    makers = [trade["maker_order_id"] for trade in await venue.trades()]
    assert makers == [order.order_id for order in orders]
    assert await venue.queue(Side.SELL) == [Resting(orders[-1].order_id, 139, 1)]
    assert await venue.depth(Side.SELL) == [(139, 1)]
    assert [fill.seq for fill in taker.fills] == list(range(101, 201))


async def test_an_order_shows_its_newest_fills(venue: Venue) -> None:
    """A taker of over a thousand makers has the last of them; the account's log has all."""
    for _ in range(15):
        await rest(venue, Side.BUY, *[(1, 50)] * 100)
    taker = await venue.sell(1500)
    newest = list(range(1_501 - ORDER_FILLS_SHOWN_MAX, 1_501))
    assert [fill.seq for fill in taker.fills] == newest
    assert (taker.executed_lots, taker.has_more_fills) == (1500, True)
    assert await venue.order(taker) == taker
    ((_, logged),) = (await venue.queries.fills(ALICE, None, 1)).commands
    takers = [item for item in logged if item.order_id == taker.order_id]
    assert [item.fill.seq for item in takers] == list(range(1_500, 0, -1))


async def test_the_record_of_a_maker_stays_small(venue: Venue) -> None:
    """However often it trades, it has its newest fills and few more; all others are whole."""
    maker, other = await venue.sell(400, 100), await venue.sell(3, 101)
    bound = 2 + ORDER_FILLS_SHOWN_MAX + ORDER_FILLS_TRIM_TRADES
    client: Any = venue.client
    for number in range(1, 301):
        await venue.buy(1, 100)
        assert await client.hlen(keys.order(maker.order_id)) <= bound
        shown = await venue.order(maker)
        first = max(1, number + 1 - ORDER_FILLS_SHOWN_MAX)
        assert [fill.seq for fill in shown.fills] == list(range(first, number + 1))
        assert shown.has_more_fills == (first > 1)
    await venue.buy(103, 101)
    assert [fill.seq for fill in (await venue.order(other)).fills] == [302]


async def test_an_order_that_comes_in_again_keeps_its_newest_fills(venue: Venue) -> None:
    """An amendment that trades much adds to the fills of before, and the oldest go."""
    taker = await venue.buy(300, 100)
    for _ in range(70):
        await venue.sell(1, 100, account=BOB)
    await rest(venue, Side.SELL, *[(1, 101)] * 90)
    amended = await venue.engine.amend(
        ALICE, taker.order_id, Amendment(price_ticks=Ticks(101), revision=1)
    )
    for order in (amended, await venue.order(taker)):
        assert [fill.seq for fill in order.fills] == list(range(61, 161))
        assert order.executed_lots == 160


@pytest.mark.parametrize("executed_lots", [0, 1])
async def test_the_answer_to_a_cancel_is_the_record(venue: Venue, executed_lots: int) -> None:
    """Without fills the answer is made of the written fields; with fills Redis is read again."""
    order = await venue.buy(3, 100, client_order_id="a")
    await venue.engine.amend(ALICE, order.order_id, Amendment(price_ticks=Ticks(101), revision=1))
    if executed_lots:
        await venue.sell(executed_lots, 101, account=BOB)
    canceled = await venue.cancel(order)
    assert (canceled.status, canceled.executed_lots) == (OrderStatus.CANCELED, executed_lots)
    assert canceled == await venue.order(order)
    repeated = await venue.submit(Side.BUY, 3, 100, client_order_id="a")
    assert (repeated.replayed, repeated.order) == (True, canceled)


@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.IOC])
async def test_fills_per_order_are_bounded(redis_url: str, kind: OrderType) -> None:
    """What is left after the last allowed fill expires: it might still cross, so it cannot rest."""
    async with open_venue(redis_url, limits=MatchingLimits(makers_per_command_max=3)) as venue:
        await rest(venue, Side.SELL, *[(1, 100)] * 5)
        taker = await venue.buy(5, 100, kind)
        assert (taker.status, taker.executed_lots) == (OrderStatus.EXPIRED, 3)
        assert await venue.depth(Side.BUY) == []
        assert await venue.depth(Side.SELL) == [(100, 2)]


async def test_a_fok_that_needs_too_many_fills_does_nothing(redis_url: str) -> None:
    """All or nothing holds at the bound on fills as well; exactly at the bound it fills."""
    async with open_venue(redis_url, limits=MatchingLimits(makers_per_command_max=3)) as venue:
        await rest(venue, Side.SELL, *[(1, 100)] * 5)
        over = await venue.buy(4, 100, OrderType.FOK)
        assert (over.status, over.fills) == (OrderStatus.EXPIRED, ())
        exact = await venue.buy(3, 100, OrderType.FOK)
        assert exact.status is OrderStatus.FILLED


async def test_the_last_allowed_fill_may_be_the_last_needed(redis_url: str) -> None:
    """An order that is complete at the bound is filled, not expired."""
    async with open_venue(redis_url, limits=MatchingLimits(makers_per_command_max=2)) as venue:
        await rest(venue, Side.SELL, (1, 100), (1, 100))
        assert (await venue.buy(2, 100)).status is OrderStatus.FILLED


async def test_a_rested_taker_is_a_maker_next(venue: Venue) -> None:
    """The same order takes first and is taken from later; both fills are in its record."""
    await venue.sell(2, 100)
    order = await venue.buy(5, 101)
    await venue.sell(3, 90)
    order = await venue.order(order)
    assert [(fill.price_ticks, fill.quantity_lots, fill.liquidity) for fill in order.fills] == [
        (100, 2, Liquidity.TAKER),
        (101, 3, Liquidity.MAKER),
    ]
    assert (order.status, order.executed_notional) == (OrderStatus.FILLED, 503)


async def test_symbols_do_not_mix(venue: Venue) -> None:
    """Equal prices of two symbols do not meet, and each symbol counts its own trades."""
    await venue.sell(1, 100, symbol=BTC)
    other = await venue.buy(1, 100, symbol=ODD)
    assert other.status is OrderStatus.NEW
    await venue.buy(1, 100, symbol=BTC)
    await venue.sell(1, 100, symbol=ODD)
    assert [trade["trade_id"] for trade in await venue.trades(BTC)] == ["BTC-USDT-1"]
    assert [trade["trade_id"] for trade in await venue.trades(ODD)] == ["ODD-1"]


async def test_events_show_decimals_of_the_instrument(venue: Venue) -> None:
    """A tick of 0.25 and a lot of 5 are multiplied out; ticks below one get their zeros."""
    await venue.sell(3, 7, symbol=ODD)
    await venue.buy(3, 7, symbol=ODD)
    await venue.sell(1, 5)
    await venue.buy(1, 5)
    (odd,), (small,) = await venue.trades(ODD), await venue.trades(BTC)
    assert (odd["price"], odd["quantity"]) == ("1.75", "15")
    assert (small["price"], small["quantity"]) == ("0.05", "0.00001")


async def test_the_largest_numbers_are_exact(venue: Venue) -> None:
    """Notional, levels and events are exact at 2^53, where a double ends to be."""
    lots, ticks = HUGE_LOTS_MAX, HUGE_TICKS_MAX
    maker = await venue.sell(lots - 1, ticks, symbol=HUGE)
    taker = await venue.buy(lots, ticks, symbol=HUGE)
    assert taker.executed_notional == (lots - 1) * ticks
    assert (await venue.order(maker)).executed_notional == (lots - 1) * ticks
    assert await venue.depth(Side.BUY, HUGE) == [(ticks, 1)]
    await venue.sell(1, ticks, symbol=HUGE)
    assert (await venue.order(taker)).executed_notional == EXACT_INTEGER_MAX
    assert [trade["quantity"] for trade in await venue.trades(HUGE)] == [str(lots - 1), "1"]
    assert (await venue.trades(HUGE))[0]["price"] == str(ticks)


async def test_neighbouring_large_prices_keep_their_order(venue: Venue) -> None:
    """Prices that differ by one tick near the bound are two levels, the better one first."""
    ticks = HUGE_TICKS_MAX
    worse_one = await venue.sell(1, ticks, symbol=HUGE)
    better_one = await venue.sell(1, ticks - 1, symbol=HUGE)
    assert [order.order_id for order in await venue.queue(Side.SELL, HUGE)] == [
        better_one.order_id,
        worse_one.order_id,
    ]
