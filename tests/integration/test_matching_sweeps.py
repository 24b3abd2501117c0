"""One command that does very much: it is done completely, and other clients wait for it."""

import asyncio
from dataclasses import replace

import pytest

from tapewire import keys
from tapewire.limits import (
    ACCOUNT_MESSAGE_BYTES_MAX,
    MAKERS_PER_COMMAND_MAX,
    ORDER_FILLS_SHOWN_MAX,
    ORDERS_PER_SWEEP_MAX,
)
from tapewire.matching.command_limits import MatchingLimits
from tapewire.values.types import Account, Lots, OrderStatus, OrderType, Side, Ticks, TimeInForce
from tests.support.venue import ALICE, BOB, BTC, Listener, Venue, open_venue, order_command

pytestmark = pytest.mark.serial

SWEPT = 5_000


async def place_many(venue: Venue, count: int) -> None:
    """Rest `count` sell orders of BOB at 50 prices, one lot each."""
    await asyncio.gather(
        *(
            venue.engine.place(order_command(Side.SELL, 1, 100 + number % 50, account=BOB))
            for number in range(count)
        )
    )


async def test_one_order_sweeps_five_thousand(venue: Venue, listener: Listener) -> None:
    """Every maker is filled at its price, in priority order; nothing of the book is left."""
    await place_many(venue, SWEPT)
    taker = await venue.buy(SWEPT, 200)
    assert (taker.status, taker.executed_lots) == (OrderStatus.FILLED, SWEPT)
    assert await venue.order(taker) == taker
    expected = sorted((100 + number % 50, number + 1) for number in range(SWEPT))
    trades = await venue.trades()
    assert [trade["seq"] for trade in trades] == list(range(1, SWEPT + 1))
    assert [int(trade["maker_order_id"]) for trade in trades] == [order for _, order in expected]
    shown = [ticks for ticks, _ in expected][-ORDER_FILLS_SHOWN_MAX:]
    assert [fill.price_ticks for fill in taker.fills] == shown
    assert await venue.log() == await listener.heard(keys.TRADE_CHANNEL)
    assert await venue.queue(Side.SELL) == []
    assert await venue.depth(Side.SELL) == []
    assert (await venue.queries.open_orders(BOB, [BTC], None, 10)).orders == []


async def test_cancel_all_takes_as_many_steps_as_it_needs(venue: Venue) -> None:
    """More orders than one step cancels are all gone when the call returns, oldest first."""
    count = 2 * ORDERS_PER_SWEEP_MAX + 7
    await place_many(venue, count)
    canceled = await venue.engine.cancel_all(BOB)
    assert canceled == [str(number) for number in range(1, count + 1)]
    assert await venue.queue(Side.SELL) == []
    assert await venue.depth(Side.SELL) == []


async def test_a_dead_man_timer_cancels_in_steps(venue: Venue) -> None:
    """A timer whose account has more orders than one step ends fires until all are gone, once."""
    await place_many(venue, ORDERS_PER_SWEEP_MAX + 3)
    venue.engine.clock_us = "4000000000000000"
    await venue.engine.set_dead_man(BOB, 5)
    venue.engine.clock_us = "4000000000000005"
    assert await venue.engine.expire_due() == ORDERS_PER_SWEEP_MAX
    assert len(await venue.queue(Side.SELL)) == 3
    # Three orders and the timer itself.
    assert await venue.engine.expire_due() == 4
    assert await venue.engine.expire_due() == 0
    assert await venue.queue(Side.SELL) == []


@pytest.mark.parametrize(("bound", "fills"), [(4, 4), (3, 0)])
async def test_a_fok_counts_the_slices_of_an_iceberg(
    redis_url: str, bound: int, fills: int
) -> None:
    """Each slice is one maker more: a fill-or-kill order fills within the bound or not at all."""
    async with open_venue(redis_url, limits=MatchingLimits(makers_per_command_max=bound)) as venue:
        iceberg = order_command(Side.SELL, 6, 100, account=BOB)
        await venue.engine.place(replace(iceberg, display_lots=Lots(2)))
        await venue.sell(1, 100, account=BOB)
        taker = await venue.buy(7, 100, OrderType.FOK)
        assert len(taker.fills) == fills
        assert taker.status is (OrderStatus.FILLED if fills else OrderStatus.EXPIRED)
        assert taker.reason == (None if fills else "fill_or_kill")
        assert await venue.depth(Side.SELL) == ([] if fills else [(100, 3)])


async def test_a_sale_by_amount_never_passes_the_best_price(venue: Venue) -> None:
    """What is left of the amount would buy a lot at a lower price; the best bid still stands."""
    best = await venue.buy(9, 101, account=BOB)
    await venue.buy(9, 100, account=BOB)
    sale = replace(order_command(Side.SELL, 1), quantity_lots=None, quote_notional=807)
    taker = (await venue.engine.place(sale)).order
    assert [(fill.price_ticks, fill.quantity_lots) for fill in taker.fills] == [(101, 7)]
    assert (taker.status, taker.quantity_lots) == (OrderStatus.FILLED, 7)
    assert (await venue.order(best, BOB)).remaining_lots == 2
    assert await venue.depth(Side.BUY) == [(101, 2), (100, 9)]


async def test_a_cascade_of_stops_is_bounded_and_goes_on_later(redis_url: str) -> None:
    """Stops past the bound wait, whole, until another trade reaches them."""
    async with open_venue(redis_url, limits=MatchingLimits(stops_per_command_max=2)) as venue:
        for ticks in (100, 101, 102, 103, 104):
            await venue.sell(1, ticks, account=BOB)
        base = order_command(Side.BUY, 1, account=ALICE)
        for stop in (100, 101, 102):
            order = replace(
                base,
                order_type=OrderType.STOP,
                time_in_force=TimeInForce.GTC,
                stop_price_ticks=Ticks(stop),
            )
            await venue.engine.place(order)
        await venue.buy(1)
        assert [trade["price"] for trade in await venue.trades()] == ["1.00", "1.01", "1.02"]
        assert (await venue.order("8")).status is OrderStatus.NEW
        await venue.buy(1)
        assert [trade["price"] for trade in await venue.trades()][3:] == ["1.03", "1.04"]
        assert (await venue.order("8")).status is OrderStatus.FILLED


async def test_the_largest_message_of_an_account_is_within_its_bound(redis_url: str) -> None:
    """One account with the longest names is taker and every maker of a full sweep."""
    async with open_venue(redis_url, timeout_s=60.0) as venue:
        name = Account("n" * 64)
        makers, price = MAKERS_PER_COMMAND_MAX, 100
        await venue.engine.control_market(BTC, open_orders_max=2 * makers)
        for start in range(0, makers, 500):
            await asyncio.gather(
                *(
                    venue.engine.place(
                        replace(
                            order_command(Side.SELL, 1, price, account=name),
                            client_order_id=f"{start + number:064}",
                        )
                    )
                    for number in range(500)
                )
            )
        pubsub = venue.client.pubsub()
        await pubsub.subscribe(keys.ACCOUNT_CHANNEL)
        assert await pubsub.get_message(timeout=10.0)
        await venue.buy(makers, price, account=name)
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=30.0)
        assert message is not None
        assert len(message["data"]) <= ACCOUNT_MESSAGE_BYTES_MAX
        await pubsub.aclose()  # type: ignore[no-untyped-call]
