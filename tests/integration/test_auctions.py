"""The rules of a call auction: what it collects, how it ends, and what waits for its end."""

import json
from dataclasses import replace

import pytest

from tapewire import keys
from tapewire.errors import Conflict, UncrossPending
from tapewire.matching.auctions import auction_symbols, indicate
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.treasury import Treasury
from tapewire.values.types import (
    Amendment,
    Liquidity,
    Lots,
    MarketState,
    Order,
    OrderCommand,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
)
from tapewire.wire.market_event import decode_market_event
from tests.support.reference.audit import audited
from tests.support.venue import ALICE, BOB, BTC, Listener, Venue, open_venue, order_command

LATER_US = 10**16


async def begin(venue: Venue) -> None:
    """Let the market collect orders."""
    await venue.engine.control_market(BTC, state=MarketState.AUCTION)


async def end(venue: Venue, state: MarketState = MarketState.TRADING) -> None:
    """Let the market trade again."""
    await venue.engine.control_market(BTC, state=state)


async def place(venue: Venue, command: OrderCommand) -> Order:
    """Place an order that `buy` and `sell` cannot describe."""
    return (await venue.engine.place(command)).order


def stop_order(side: Side, lots: int, stop: int) -> OrderCommand:
    """A stop order of BOB without a price."""
    return replace(
        order_command(side, lots, account=BOB),
        order_type=OrderType.STOP,
        time_in_force=TimeInForce.GTC,
        stop_price_ticks=Ticks(stop),
    )


async def test_an_auction_collects_what_can_wait(venue: Venue) -> None:
    """Limit, iceberg, post-only and stop orders wait; nothing trades; others are refused."""
    await begin(venue)
    await venue.buy(5, 105)
    await venue.sell(5, 100, account=BOB)
    post_only = replace(order_command(Side.SELL, 2, 99, account=BOB), post_only=True)
    assert (await place(venue, post_only)).status is OrderStatus.NEW
    iceberg = replace(order_command(Side.BUY, 6, 106), display_lots=Lots(2))
    assert (await place(venue, iceberg)).status is OrderStatus.NEW
    assert (await place(venue, stop_order(Side.BUY, 1, 200))).is_open
    for kind in (OrderType.MARKET, OrderType.IOC, OrderType.FOK):
        with pytest.raises(Conflict) as refused:
            await venue.buy(1, None if kind is OrderType.MARKET else 110, kind)
        assert refused.value.code == "market_auction"
    assert await venue.trades() == []
    assert await venue.depth(Side.BUY) == [(106, 2), (105, 5)]
    assert await venue.depth(Side.SELL) == [(99, 2), (100, 5)]


async def test_orders_of_an_auction_can_be_amended_and_canceled(venue: Venue) -> None:
    """An amendment may cross the book and a cancel leaves it, as long as the auction lasts."""
    await begin(venue)
    buy = await venue.buy(5, 90)
    sell = await venue.sell(5, 100, account=BOB)
    amended = await venue.engine.amend(
        ALICE, buy.order_id, Amendment(price_ticks=Ticks(110), revision=1)
    )
    assert (amended.status, amended.executed_lots) == (OrderStatus.NEW, 0)
    assert (await venue.cancel(sell, BOB)).status is OrderStatus.CANCELED
    await end(venue)
    assert await venue.trades() == []


async def test_an_auction_ends_at_one_price_with_the_fees_of_makers(
    venue: Venue, redis_url: str
) -> None:
    """All fills are at the price of the largest volume; both sides pay the fee of a maker."""
    for account in (ALICE, BOB):
        for asset in ("BTC", "USDT"):
            await Treasury(venue.engine).deposit(account, asset, 10**15)
    await venue.engine.control_market(BTC, maker_fee_ppm=1_000, taker_fee_ppm=50_000)
    await begin(venue)
    buys = [await venue.buy(lots, price) for lots, price in ((5, 105), (7, 103), (3, 100))]
    sells = [
        await venue.sell(lots, price, account=BOB) for lots, price in ((4, 99), (6, 101), (9, 104))
    ]
    await end(venue)
    trades = await venue.trades()
    assert {trade["price"] for trade in trades} == {"1.02"}
    assert [trade["quantity"] for trade in trades] == ["0.00004", "0.00001", "0.00005"]
    assert all(trade["maker_order_id"] == order.order_id for trade, order in zip(
        trades, (buys[0], buys[0], buys[1]), strict=True))  # fmt: skip
    found = [await venue.order(order) for order in buys]
    found += [await venue.order(order, BOB) for order in sells]
    assert [order.executed_lots for order in found] == [5, 5, 0, 4, 6, 0]
    fills = [fill for order in found for fill in order.fills]
    assert {fill.liquidity for fill in fills} == {Liquidity.MAKER}
    # A lot of BTC is 1,000 units, a tick x lot 10 units of USDT; a fee is rounded up.
    assert found[0].fills[0].fee_units == 4_000 // 1_000
    assert found[3].fills[0].fee_units == -(-4 * 102 * 10 // 1_000)
    assert (await audited(redis_url)).is_clean


async def test_an_account_never_trades_with_itself_in_an_uncross(venue: Venue) -> None:
    """What two orders of one account would trade both lose; the fills of others stay."""
    await begin(venue)
    mode = SelfTradePrevention.EXPIRE_TAKER
    own = replace(order_command(Side.BUY, 4, 105), self_trade_prevention=mode)
    bought = await place(venue, own)
    other = await venue.buy(3, 104, account=BOB)
    sold = await place(venue, replace(own, side=Side.SELL, quantity_lots=Lots(6)))
    await end(venue)
    found = [
        await venue.order(bought), await venue.order(sold), await venue.order(other, BOB),
    ]  # fmt: skip
    assert [order.prevented_lots for order in found] == [4, 4, 0]
    assert [order.executed_lots for order in found] == [0, 0, 0]
    assert (found[0].status, found[0].reason) == (OrderStatus.EXPIRED, "self_trade")
    assert [order.is_open for order in found] == [False, True, True]


async def test_an_uncross_fires_the_stops_that_its_price_reaches(venue: Venue) -> None:
    """Stops wait during an auction; those that its price has reached run after it."""
    await begin(venue)
    stop = await place(venue, stop_order(Side.BUY, 2, 101))
    await venue.buy(5, 102)
    await venue.sell(5, 102, account=BOB)
    await venue.sell(5, 103)
    assert (await venue.order(stop, BOB)).triggered_us is None
    await end(venue)
    assert [trade["price"] for trade in await venue.trades()] == ["1.02", "1.03"]
    assert (await venue.order(stop, BOB)).status is OrderStatus.FILLED


async def test_stops_wait_when_an_auction_ends_for_post_only_orders(venue: Venue) -> None:
    """The uncross happens, and its stops run when the market trades."""
    await begin(venue)
    stop = await place(venue, stop_order(Side.BUY, 2, 101))
    await venue.buy(5, 102)
    await venue.sell(9, 102, account=BOB)
    await end(venue, MarketState.POST_ONLY)
    assert len(await venue.trades()) == 1
    assert (await venue.order(stop, BOB)).is_open
    await end(venue)
    await venue.engine.fire_stops(BTC)
    assert (await venue.order(stop, BOB)).triggered_us is not None


async def test_an_order_whose_time_is_over_takes_no_part(venue: Venue) -> None:
    """A gtd order that is due when the uncross begins ends and changes no price."""
    venue.engine.clock_us = str(1_000)
    await begin(venue)
    dated = replace(order_command(Side.BUY, 9, 110), time_in_force=TimeInForce.GTD, expire_us=2_000)
    due = await place(venue, dated)
    await venue.sell(5, 100, account=BOB)
    venue.engine.clock_us = str(2_000)
    await end(venue)
    assert await venue.trades() == []
    assert (await venue.order(due)).reason == "expired"
    assert await venue.depth(Side.BUY) == []


async def test_a_halted_market_keeps_a_crossed_book_until_it_trades(venue: Venue) -> None:
    """Orders collected by an auction trade at one price, whichever state came in between."""
    await begin(venue)
    await venue.buy(5, 105)
    await venue.sell(5, 101, account=BOB)
    await end(venue, MarketState.HALTED)
    await end(venue, MarketState.CANCEL_ONLY)
    assert await venue.trades() == []
    await end(venue)
    assert [trade["price"] for trade in await venue.trades()] == ["1.03"]


async def test_an_auction_tells_at_what_price_it_would_uncross(
    venue: Venue, listener: Listener
) -> None:
    """Price, quantity and what would be left over, once for each change."""
    await indicate(venue.engine, BTC, 0)
    await begin(venue)
    await indicate(venue.engine, BTC, 0)
    await venue.buy(5, 105)
    await venue.sell(3, 101, account=BOB)
    assert await auction_symbols(venue.engine) == [BTC]
    assert await indicate(venue.engine, BTC, 0)
    assert not await indicate(venue.engine, BTC, 0)
    assert not await indicate(venue.engine, BTC)
    await end(venue)
    assert not await indicate(venue.engine, BTC, 0)
    assert await auction_symbols(venue.engine) == []
    events = [json.loads(event) for event in await listener.heard(keys.MARKET_CHANNEL)]
    told = [
        (event["change"], event.get("price"), event.get("quantity"), event.get("surplus"),
         event.get("surplus_side"))
        for event in events
    ]  # fmt: skip
    assert told[-5:] == [
        ("state", None, None, None, None),
        ("indicative", None, "0.00000", "0.00000", None),
        ("indicative", "1.03", "0.00003", "0.00002", "buy"),
        ("state", None, None, None, None),
        ("uncrossed", "1.03", "0.00003", None, None),
    ]
    assert all(decode_market_event(json.dumps(event).encode()) for event in events)


async def crossed(venue: Venue, count: int) -> None:
    """An auction with `count` orders on each side that all trade."""
    await begin(venue)
    for _ in range(count):
        await venue.buy(1, 105)
        await venue.sell(1, 95, account=BOB)


async def test_an_uncross_larger_than_a_command_goes_on_before_anything_else(
    redis_url: str,
) -> None:
    """Each command meets few orders; cancels wait as well, so the price and the fills stay."""
    limits = MatchingLimits(makers_per_command_max=4)
    async with open_venue(redis_url, limits=limits) as venue:
        await crossed(venue, 10)
        await end(venue)
        assert len(await venue.trades()) == 2
        assert await venue.engine.firing_symbols() == [BTC]
        # The engine goes on with the uncross until the order may come in, four rounds at most.
        late = await venue.sell(1, 300, account=BOB)
        assert late.is_open
        assert len(await venue.trades()) == 10
        assert {trade["price"] for trade in await venue.trades()} == {"1.00"}
        assert await venue.engine.firing_symbols() == []


async def test_a_command_is_refused_when_the_uncross_takes_too_long(redis_url: str) -> None:
    """After a few rounds the answer is uncross_pending, and nothing has changed."""
    limits = MatchingLimits(makers_per_command_max=2)
    async with open_venue(redis_url, limits=limits) as venue:
        await crossed(venue, 20)
        await end(venue)
        bid = (await venue.queue(Side.BUY))[-1].order_id
        for attempt in (
            lambda: venue.cancel(bid),
            lambda: venue.engine.cancel_all(ALICE),
            lambda: end(venue, MarketState.HALTED),
        ):
            with pytest.raises(UncrossPending):
                await attempt()
        assert (await venue.order(bid)).is_open
        while await venue.engine.fire_stops(BTC):
            pass
        assert len(await venue.trades()) == 20
        assert await venue.client.hget(keys.market(BTC), "uncross") is None


async def test_orders_do_not_end_by_time_within_an_uncross(redis_url: str) -> None:
    """An order that becomes due between two steps takes part as it did when the price was found."""
    limits = MatchingLimits(makers_per_command_max=2)
    async with open_venue(redis_url, limits=limits) as venue:
        venue.engine.clock_us = str(1_000)
        await begin(venue)
        dated = replace(
            order_command(Side.BUY, 1, 105), time_in_force=TimeInForce.GTD, expire_us=2_000
        )
        orders = [await place(venue, dated) for _ in range(3)]
        await venue.sell(3, 95, account=BOB)
        await venue.engine.set_dead_man(BOB, 1_000)
        await end(venue)
        venue.engine.clock_us = str(LATER_US)
        assert await venue.engine.expire_due() == 0
        while await venue.engine.fire_stops(BTC):
            pass
        assert [(await venue.order(order)).status for order in orders] == [OrderStatus.FILLED] * 3
        assert await venue.engine.expire_due() == 1
