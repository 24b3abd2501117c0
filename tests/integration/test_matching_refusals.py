"""Cancels, client order ids and refusals: what is refused writes nothing at all."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from tapewire import keys
from tapewire.errors import (
    DuplicateClientOrderId,
    InstrumentConflict,
    OrderClosed,
    OrderNotFound,
    StaleInstrument,
    TapewireError,
    UnknownSymbol,
)
from tapewire.matching.command_limits import MatchingLimits
from tapewire.values.types import Lots, OrderId, OrderStatus, OrderType, Side, Symbol
from tests.support.venue import (
    ALICE,
    BOB,
    BTC,
    INSTRUMENTS,
    PERMANENT_KEYS,
    Listener,
    Resting,
    Venue,
    open_venue,
    order_command,
)
from tests.support.wait import wait_until


async def refuse(
    venue: Venue, action: Callable[[], Awaitable[object]], kind: type[TapewireError]
) -> TapewireError:
    """Do what must be refused as `kind`, and check that not one key changed."""
    before = await venue.dump()
    with pytest.raises(kind) as refusal:
        await action()
    assert await venue.dump() == before
    return refusal.value


@pytest.mark.parametrize("side", list(Side))
async def test_cancel_takes_an_order_out(venue: Venue, side: Side) -> None:
    """A canceled order leaves queue and level, and the orders around it stay where they are."""
    first = (await venue.submit(side, 1, 100)).order
    middle = (await venue.submit(side, 2, 100)).order
    last = (await venue.submit(side, 4, 100)).order
    canceled = await venue.cancel(middle)
    assert canceled.status is OrderStatus.CANCELED
    assert canceled.updated_us >= canceled.created_us
    assert await venue.order(middle) == canceled
    assert await venue.queue(side) == [
        Resting(first.order_id, 100, 1),
        Resting(last.order_id, 100, 4),
    ]
    assert await venue.depth(side) == [(100, 5)]


async def test_cancel_keeps_what_was_executed(venue: Venue) -> None:
    """A partly filled order is canceled with its fills; only the rest leaves the level."""
    order = await venue.buy(10, 100)
    await venue.sell(4, 100)
    canceled = await venue.cancel(order)
    assert (canceled.status, canceled.executed_lots) == (OrderStatus.CANCELED, 4)
    assert len(canceled.fills) == 1
    assert await venue.depth(Side.BUY) == []
    assert await venue.queue(Side.BUY) == []


async def test_a_canceled_order_never_trades(venue: Venue) -> None:
    """A taker that would have met it rests instead."""
    await venue.cancel(await venue.sell(1, 100))
    assert (await venue.buy(1, 100)).status is OrderStatus.NEW
    assert await venue.log() == []


async def test_cancel_of_a_closed_order_is_refused(venue: Venue) -> None:
    """Filled, canceled and expired orders stay as they ended."""
    filled = await venue.sell(1, 100)
    await venue.buy(1, 100)
    canceled = await venue.buy(1, 50)
    await venue.cancel(canceled)
    expired = await venue.buy(1, 50, OrderType.IOC)
    for order in (filled, canceled, expired):
        await refuse(venue, partial(venue.cancel, order), OrderClosed)


async def test_cancel_of_what_is_not_ones_own_is_refused(venue: Venue) -> None:
    """Unknown ids and other accounts' orders get the same answer, so ids tell nothing."""
    order = await venue.buy(1, 100)
    foreign = await refuse(venue, lambda: venue.cancel(order, BOB), OrderNotFound)
    unknown = await refuse(venue, lambda: venue.cancel("999"), OrderNotFound)
    assert str(foreign) == str(unknown)
    assert (await venue.order(order)).status is OrderStatus.NEW


async def test_reading_what_is_not_ones_own_is_refused(venue: Venue) -> None:
    """Another account's order cannot be read, nor one that never was."""
    order = await venue.buy(1, 100)
    await refuse(venue, lambda: venue.order(order, BOB), OrderNotFound)
    await refuse(venue, lambda: venue.order("999"), OrderNotFound)


async def test_an_unknown_symbol_is_refused(venue: Venue) -> None:
    """No key of a symbol that was never published comes into being."""
    command = order_command(Side.BUY, 1, 100, symbol=Symbol("NONE-USDT"), client_order_id="a")
    await refuse(venue, lambda: venue.engine.place(command), UnknownSymbol)


async def test_the_same_request_gives_the_same_order(venue: Venue) -> None:
    """A repeated client order id with the same body writes nothing and tells the order's state."""
    first = await venue.submit(Side.BUY, 5, 100, client_order_id="mine")
    await venue.sell(2, 100)
    before = await venue.dump()
    again = await venue.submit(Side.BUY, 5, 100, client_order_id="mine")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.order.order_id == first.order.order_id
    assert (again.order.status, again.order.executed_lots) == (OrderStatus.PARTIALLY_FILLED, 2)
    assert await venue.dump() == before


async def test_the_same_request_after_the_order_closed(venue: Venue) -> None:
    """A filled, a canceled and an expired order are all given back, not placed again."""
    await venue.sell(1, 100)
    filled = await venue.submit(Side.BUY, 1, 100, client_order_id="filled")
    canceled = await venue.submit(Side.BUY, 1, 90, client_order_id="canceled")
    await venue.cancel(canceled.order)
    expired = await venue.submit(Side.BUY, 1, 90, OrderType.IOC, client_order_id="expired")
    before = await venue.dump()
    again = [
        await venue.submit(Side.BUY, 1, 100, client_order_id="filled"),
        await venue.submit(Side.BUY, 1, 90, client_order_id="canceled"),
        await venue.submit(Side.BUY, 1, 90, OrderType.IOC, client_order_id="expired"),
    ]
    assert [placement.replayed for placement in again] == [True] * 3
    assert [placement.order.order_id for placement in again] == [
        placement.order.order_id for placement in (filled, canceled, expired)
    ]
    assert await venue.dump() == before


async def test_another_body_under_a_used_id_is_refused(venue: Venue) -> None:
    """With another side, quantity, price, type or symbol, the second order is not placed."""
    await venue.submit(Side.BUY, 5, 100, client_order_id="mine")
    command = order_command(Side.BUY, 5, 100, client_order_id="mine")
    others = [
        replace(command, side=Side.SELL),
        replace(command, quantity_lots=Lots(6)),
        order_command(Side.BUY, 5, 101, client_order_id="mine"),
        order_command(Side.BUY, 5, 100, OrderType.FOK, client_order_id="mine"),
        order_command(Side.BUY, 5, client_order_id="mine"),
        replace(command, symbol=Symbol("ODD")),
    ]
    for other in others:
        await refuse(
            venue,
            partial(venue.engine.place, other),
            DuplicateClientOrderId,
        )


async def test_client_order_ids_belong_to_an_account(venue: Venue) -> None:
    """Two accounts may use the same id for different orders."""
    await venue.buy(5, 100, client_order_id="mine")
    other = await venue.submit(Side.BUY, 6, 101, account=BOB, client_order_id="mine")
    assert not other.replayed
    assert other.order.account == BOB


async def test_many_at_once_under_one_id_place_one_order(venue: Venue) -> None:
    """Twenty concurrent requests with the same id and body: one order, nineteen replays."""
    placements = await asyncio.gather(
        *(venue.submit(Side.BUY, 5, 100, client_order_id="mine") for _ in range(20))
    )
    assert sorted(placement.replayed for placement in placements) == [False] + [True] * 19
    assert len({placement.order.order_id for placement in placements}) == 1
    assert await venue.depth(Side.BUY) == [(100, 5)]


async def test_a_live_instrument_cannot_change_its_steps(venue: Venue) -> None:
    """Another tick, lot, base or quote is refused as a whole, with the symbol in the sentence."""
    btc = INSTRUMENTS[BTC]
    fresh = replace(btc, symbol=Symbol("AAA-NEW"))
    for changed in (
        replace(btc, tick_units=5),
        replace(btc, price_decimals=3),
        replace(btc, lot_units=10),
        replace(btc, quantity_decimals=6),
        replace(btc, base="XBT"),
        replace(btc, quote="USD"),
    ):
        instruments = {fresh.symbol: fresh, BTC: changed}
        refusal = await refuse(
            venue,
            partial(venue.engine.publish_instruments, instruments),
            InstrumentConflict,
        )
        assert str(refusal).endswith(BTC)


async def test_publishing_instruments_again_keeps_the_book(venue: Venue) -> None:
    """A restarted gateway with the same file, or with other limits, disturbs nothing."""
    await venue.sell(1, 100)
    await venue.buy(1, 100)
    await venue.buy(1, 90)
    before = await venue.dump()
    await venue.engine.publish_instruments(INSTRUMENTS)
    assert await venue.dump() == before
    wider = replace(INSTRUMENTS[BTC], quantity_lots_max=Lots(5))
    await venue.engine.publish_instruments({BTC: wider})
    assert await venue.depth(Side.BUY) == [(90, 1)]
    stale = order_command(Side.SELL, 1, 90)
    with pytest.raises(StaleInstrument):
        await venue.engine.place(stale)
    await venue.engine.place(replace(stale, revision=2))
    assert [trade["seq"] for trade in await venue.trades()] == [1, 2]


async def test_refusals_publish_nothing(venue: Venue, listener: Listener) -> None:
    """A refused order and a repeated order publish nothing on any channel."""
    await venue.buy(5, 100, client_order_id="mine")
    await listener.heard(keys.BOOK_CHANNEL)
    count = len(await listener.heard(keys.BOOK_CHANNEL))
    await venue.submit(Side.BUY, 5, 100, client_order_id="mine")
    with pytest.raises(DuplicateClientOrderId):
        await venue.buy(6, 100, client_order_id="mine")
    with pytest.raises(OrderNotFound):
        await venue.cancel("999")
    await venue.buy(1, 90, OrderType.FOK)
    assert len(await listener.heard(keys.BOOK_CHANNEL)) == count
    assert await listener.heard(keys.TRADE_CHANNEL) == []


async def test_closed_orders_expire_and_open_ones_stay(venue: Venue) -> None:
    """Only orders that ended, and their client order ids, have a time to live."""
    await venue.sell(3, 100, client_order_id="maker")
    await venue.buy(1, 100, client_order_id="taker")
    await venue.buy(1, 90, OrderType.IOC, client_order_id="expired")
    await venue.cancel(await venue.buy(1, 80, client_order_id="canceled"))
    expiring = {name: expires for name, (_, expires) in (await venue.dump()).items()}
    assert {name: expires for name, expires in expiring.items() if "order:" in name} == {
        keys.order(OrderId("1")): False,
        keys.order(OrderId("2")): True,
        keys.order(OrderId("3")): True,
        keys.order(OrderId("4")): True,
        keys.client_order(ALICE, "maker"): False,
        keys.client_order(ALICE, "taker"): True,
        keys.client_order(ALICE, "expired"): True,
        keys.client_order(ALICE, "canceled"): True,
    }
    await venue.buy(2, 100)
    assert all(expires for name, (_, expires) in (await venue.dump()).items() if "order:" in name)


async def test_closed_orders_leave_and_their_ids_are_free(redis_url: str) -> None:
    """After their time closed orders are gone; the client order id makes a new order then."""
    limits = MatchingLimits(closed_order_kept_s=1)
    async with open_venue(redis_url, limits=limits) as venue:
        first = await venue.buy(1, 90, OrderType.IOC, client_order_id="mine")

        async def gone() -> bool:
            return not await venue.client.exists(keys.order(first.order_id))

        await wait_until(gone, "the closed order left Redis")
        second = await venue.submit(Side.BUY, 1, 90, client_order_id="mine")
        assert (second.replayed, second.order.status) == (False, OrderStatus.NEW)
        assert await venue.client.pttl(keys.client_order(ALICE, "mine")) == -1


async def test_an_id_that_outlives_its_order_is_free(venue: Venue) -> None:
    """The two keys may expire a moment apart: a dangling client order id is not an error."""
    first = await venue.buy(1, 90, OrderType.IOC, client_order_id="mine")
    await venue.client.delete(keys.order(first.order_id))
    second = await venue.submit(Side.BUY, 2, 90, client_order_id="mine")
    assert (second.replayed, second.order.status) == (False, OrderStatus.NEW)


async def test_no_key_leaks(venue: Venue) -> None:
    """When every order has ended, no key without expiry is left but the documented ones."""
    for number in range(30):
        await venue.sell(2, 100 + number % 3, client_order_id=f"s{number}")
        await venue.buy(1, 101, client_order_id=f"b{number}")
    for side in Side:
        for resting in await venue.queue(side):
            await venue.cancel(resting.order_id)
    lasting = [name for name, (_, expires) in (await venue.dump()).items() if not expires]
    assert not [
        name for name in lasting if not name.removeprefix(keys.PREFIX).startswith(PERMANENT_KEYS)
    ]
    assert not [name for name in lasting if "queue:" in name or "levels:" in name]
