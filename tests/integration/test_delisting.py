"""An instrument is taken off the list in atomic steps; what it was stays readable and goes on."""

from dataclasses import replace
from typing import Any

import pytest

from tapewire import keys
from tapewire.errors import InstrumentConflict, MarketBroken, OrderClosed, UnknownSymbol
from tapewire.limits import ORDERS_PER_SWEEP_MAX
from tapewire.matching.auctions import auction_symbols
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.order_lists import place_list
from tapewire.matching.treasury import Treasury
from tapewire.values.types import (
    Amendment,
    Lots,
    MarketState,
    OrderStatus,
    OrderType,
    Side,
    Ticks,
    TimeInForce,
)
from tapewire.wire.market_event import decode_market_event
from tests.support.reference.audit import audited
from tests.support.venue import (
    ALICE,
    BOB,
    BTC,
    INSTRUMENTS,
    ODD,
    Listener,
    Venue,
    open_venue,
    order_command,
)


async def delist(venue: Venue, symbol: Any = BTC) -> int:
    """Take an instrument off the list, as the gateway does; how many orders were canceled."""
    return await KillSwitch(venue.engine, venue.queries).delist(symbol)


async def list_again(venue: Venue, symbol: Any = BTC) -> None:
    """List an instrument that was delisted, as an administrator does."""
    await venue.engine.publish_instruments({symbol: INSTRUMENTS[symbol]}, lists_again=True)


async def members(venue: Venue, name: str) -> set[str]:
    """A set of symbols in Redis."""
    client: Any = venue.client
    return {symbol.decode() for symbol in await client.smembers(name)}


async def test_delisting_ends_every_order_and_releases_what_it_held(
    venue: Venue, redis_url: str
) -> None:
    """Resting orders, icebergs, stops, lists and gtd orders are canceled; balances stay."""
    await venue.buy(3, 100)
    await venue.sell(1, 100, account=BOB)
    rests = await venue.buy(5, 90)
    iceberg = replace(order_command(Side.SELL, 6, 110, account=BOB), display_lots=Lots(2))
    gtd = replace(order_command(Side.BUY, 2, 80), time_in_force=TimeInForce.GTD, expire_us=10**16)
    stop = replace(
        order_command(Side.SELL, 1, account=BOB), order_type=OrderType.STOP,
        time_in_force=TimeInForce.GTC, stop_price_ticks=Ticks(50),
    )  # fmt: skip
    for command in (iceberg, gtd, stop):
        await venue.engine.place(command)
    first = replace(order_command(Side.SELL, 4, 120), post_only=True)
    second = replace(
        order_command(Side.SELL, 4, 40), order_type=OrderType.STOP_LIMIT,
        time_in_force=TimeInForce.GTC, stop_price_ticks=Ticks(45),
    )  # fmt: skip
    await place_list(venue.engine, first, second)
    elsewhere = await venue.buy(10, 4, symbol=ODD)
    await venue.engine.set_dead_man(ALICE, 3_600_000_000)

    assert await delist(venue) == 7
    canceled = await venue.order(rests)
    assert (canceled.status, canceled.reason) == (OrderStatus.CANCELED, "delisted")
    for account, held in ((ALICE, {"DOLLAR"}), (BOB, set())):
        balances = (await venue.queries.account(account)).balances
        assert {asset for asset, balance in balances.items() if balance.held} == held
    # What was traded stays with its accounts.
    assert (await venue.queries.account(ALICE)).balances["BTC"].available > 0
    client: Any = venue.client
    left = [key.decode() async for key in client.scan_iter(match=f"*:{BTC}*")]
    assert not [key for key in left if key.split("}:")[1].startswith(("queue", "levels", "stops"))]
    assert await client.zcard(keys.EXPIRING) == 0
    assert (await venue.order(elsewhere)).is_open
    assert await venue.engine.cancel_all(ALICE) == [elsewhere.order_id]
    assert (await audited(redis_url)).sentences == []


async def test_a_delisted_symbol_is_unknown_to_every_command(venue: Venue) -> None:
    """Orders, switches and a second delisting are refused; an order that ended is closed."""
    order = await venue.buy(1, 100)
    await delist(venue)
    engine = venue.engine
    for refused in (
        engine.place(order_command(Side.BUY, 1, 100)),
        engine.control_market(BTC, state=MarketState.TRADING),
        engine.cancel_all(ALICE, BTC),
        engine.fire_stops(BTC),
        delist(venue),
    ):
        with pytest.raises(UnknownSymbol):
            await refused
    with pytest.raises(OrderClosed):
        await venue.cancel(order)
    with pytest.raises(OrderClosed):
        await engine.amend(ALICE, order.order_id, Amendment(quantity_lots=Lots(2)))
    assert await engine.cancel_all(ALICE) == []
    assert await engine.expire_due() == 0
    assert BTC not in await venue.queries.instruments()
    assert set(await venue.queries.delisted_instruments()) == {BTC}
    # What it was stays readable.
    assert (await venue.order(order)).order_id == order.order_id
    assert [item.symbol for _, item in (await venue.queries.history(ALICE, None, 5)).orders] == [
        BTC
    ]


async def test_listed_again_everything_goes_on(venue: Venue, redis_url: str) -> None:
    """Trade numbers, book numbers, ids and the last price go on; limits may be others."""
    await venue.buy(2, 100)
    last = await venue.sell(1, 100, account=BOB)
    client: Any = venue.client
    await delist(venue)
    state = await client.hget(keys.market(BTC), "state")
    await list_again(venue)
    assert await client.hget(keys.market(BTC), "state") == state
    assert await members(venue, keys.DELISTED) == set()
    found = (await venue.queries.instruments())[BTC]
    assert found[1] is MarketState.TRADING
    assert found[0].revision == 3
    await venue.buy(1, 101)
    sold = await venue.sell(1, 101, account=BOB)
    assert int(sold.order_id) == int(last.order_id) + 2
    assert [trade["seq"] for trade in await venue.trades()] == [1, 2]
    assert (await audited(redis_url)).sentences == []


async def test_only_an_administrator_lists_an_instrument_again(venue: Venue) -> None:
    """A gateway that starts with a file, or restores its instruments, leaves it delisted."""
    await delist(venue)
    before = await venue.dump()
    await venue.engine.publish_instruments(INSTRUMENTS)
    assert await venue.dump() == before
    other = replace(INSTRUMENTS[BTC], tick_units=5)
    with pytest.raises(InstrumentConflict):
        await venue.engine.publish_instruments({BTC: other}, lists_again=True)


async def test_a_large_market_is_delisted_in_bounded_steps(
    venue: Venue, listener: Listener
) -> None:
    """The market is halted by the first step, and listed until its last order is canceled."""
    await Treasury(venue.engine).deposit(ALICE, "USDT", 10**15, reference="")
    count = ORDERS_PER_SWEEP_MAX + 3
    for number in range(count):
        await venue.buy(1, 1 + number)
    await listener.forget()
    swept, is_listed = await venue.engine.run("delist", keys.market(BTC), BTC, ORDERS_PER_SWEEP_MAX)
    assert (swept, is_listed) == (ORDERS_PER_SWEEP_MAX, 1)
    assert (await venue.queries.instruments())[BTC][1] is MarketState.HALTED
    assert await delist(venue) == 3
    events = [decode_market_event(event) for event in await listener.heard(keys.MARKET_CHANNEL)]
    assert [(event.state, event.change) for event in events] == [
        ("halted", "state"), ("halted", "delisted"),
    ]  # fmt: skip
    assert len(await listener.heard(keys.BOOK_CHANNEL)) == 2


async def test_an_auction_ends_with_the_listing(venue: Venue) -> None:
    """Orders that cross are canceled, and nothing trades."""
    await venue.engine.control_market(BTC, state=MarketState.AUCTION)
    await venue.buy(2, 105)
    await venue.sell(2, 95, account=BOB)
    assert await delist(venue) == 2
    assert await auction_symbols(venue.engine) == []
    await list_again(venue)
    assert await venue.trades() == []


async def test_fired_stops_that_wait_are_canceled(redis_url: str) -> None:
    """Stops beyond the budget of a command wait in a queue, which ends with the listing."""
    async with open_venue(redis_url, limits=MatchingLimits(stops_per_command_max=1)) as venue:
        for _ in range(3):
            stop = replace(
                order_command(Side.SELL, 1, 90, account=BOB), order_type=OrderType.STOP_LIMIT,
                time_in_force=TimeInForce.GTC, stop_price_ticks=Ticks(100),
            )  # fmt: skip
            await venue.engine.place(stop)
        await venue.buy(1, 100)
        await venue.sell(1, 100)
        assert await venue.engine.firing_symbols() == [BTC]
        await delist(venue)
        assert await venue.engine.firing_symbols() == []
        await list_again(venue)
        assert (await venue.buy(1, 100)).status is OrderStatus.NEW


async def test_a_broken_market_is_not_delisted(venue: Venue) -> None:
    """Its data are put right first: nothing is known about its orders."""
    client: Any = venue.client
    await client.hset(keys.market(BTC), "state", "harm")
    with pytest.raises(MarketBroken):
        await delist(venue)
    assert BTC in await members(venue, keys.INSTRUMENTS)


async def test_the_audit_finds_orders_and_lists_that_contradict_a_delisting(
    venue: Venue, redis_url: str
) -> None:
    """A symbol is in one list, its record says in which, and no order rests in a delisted one."""
    await delist(venue)
    client: Any = venue.client
    await client.zadd(keys.queue(BTC, Side.BUY), {"0000000000000001:1": -100})
    await client.sadd(keys.DELISTED, ODD)
    found = (await audited(redis_url)).sentences
    assert any(f"orders rest in {BTC}, which is delisted" in text for text in found)
    assert any(f"{ODD} is listed and delisted" in text for text in found)
