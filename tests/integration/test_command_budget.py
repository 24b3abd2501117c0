"""One budget of makers and stops for a whole command; fired stops beyond it wait for their turn."""

import asyncio
from dataclasses import replace

import pytest

from tapewire import keys
from tapewire.errors import InvalidField, StopsPending
from tapewire.limits import FOK_MAKERS_MAX, STOP_ROUNDS_MAX
from tapewire.matching.command_limits import MatchingLimits
from tapewire.values.types import (
    Amendment,
    Lots,
    MarketState,
    OrderCommand,
    OrderStatus,
    OrderType,
    Side,
    Ticks,
    TimeInForce,
)
from tests.support.venue import ALICE, BOB, BTC, INSTRUMENTS, Venue, open_venue, order_command

MAKERS, STOPS = 40, 5
LIMITS = MatchingLimits(makers_per_command_max=MAKERS, stops_per_command_max=STOPS)
PRICE = 100


def stop_order(
    lots: int, side: Side = Side.BUY, stop: int = PRICE, price: int = PRICE
) -> OrderCommand:
    """A stop-limit order of ALICE."""
    return replace(
        order_command(side, lots, price, OrderType.LIMIT),
        order_type=OrderType.STOP_LIMIT,
        stop_price_ticks=Ticks(stop),
    )


async def seed_iceberg(venue: Venue, lots: int) -> None:
    """BOB sells `lots` and shows one: each lot is a maker of its own."""
    iceberg = replace(
        order_command(Side.SELL, lots, PRICE, account=BOB),
        time_in_force=TimeInForce.GTC,
        display_lots=Lots(1),
    )
    await venue.engine.place(iceberg)


async def run_all(venue: Venue) -> list[int]:
    """Run rounds until no stop waits; the trades of each round."""
    rounds = []
    before = len(await venue.trades())
    is_pending = True
    while is_pending:
        is_pending = await venue.engine.fire_stops(BTC)
        after = len(await venue.trades())
        rounds.append(after - before)
        before = after
    return rounds


async def test_stops_of_a_command_share_its_makers(redis_url: str) -> None:
    """Makers times stops is bounded by one budget; every fired stop still runs, in order."""
    async with open_venue(redis_url, limits=LIMITS) as venue:
        await seed_iceberg(venue, 1_000)
        stops = [(await venue.engine.place(stop_order(15))).order for _ in range(12)]
        await venue.buy(1, PRICE, OrderType.IOC)
        assert len(await venue.trades()) <= MAKERS
        assert await venue.engine.firing_symbols() == [BTC]
        assert max(await run_all(venue)) <= MAKERS
        assert await venue.engine.firing_symbols() == []
        ended = [await venue.order(order) for order in stops]
        assert {order.status for order in ended} == {OrderStatus.FILLED}
        triggered = [order.triggered_us for order in ended]
        assert triggered == sorted(triggered, key=lambda time_us: time_us or 0)
        firsts = [order.fills[0].seq for order in ended]
        assert firsts == sorted(firsts)


async def test_fok_stops_of_a_command_share_what_they_count(redis_url: str) -> None:
    """A `fok` stop that is killed has counted makers: few such stops run in one command."""
    async with open_venue(redis_url, limits=LIMITS) as venue:
        await seed_iceberg(venue, 1_000)
        killed = replace(stop_order(100), time_in_force=TimeInForce.FOK)
        stops = [(await venue.engine.place(killed)).order for _ in range(STOPS)]
        await venue.buy(1, PRICE, OrderType.IOC)
        for rounds in range(1, STOPS):
            ended = [await venue.order(order) for order in stops]
            ran = [order for order in ended if order.triggered_us is not None]
            # A stop counts at most half of the makers of a command.
            assert len(ran) == min(STOPS, 2 * rounds)
            assert await venue.engine.fire_stops(BTC) is (2 * (rounds + 1) < STOPS)
        assert {(order.reason, order.executed_lots) for order in ended} == {("fill_or_kill", 0)}
        assert await venue.engine.firing_symbols() == []


async def test_a_fok_of_an_older_journal_counts_as_it_did(redis_url: str) -> None:
    """Limits without `fok_makers_max` bound `fok` orders and stops by `fills_max` alone."""
    async with open_venue(redis_url, limits=replace(LIMITS, fok_makers_max=0)) as venue:
        await seed_iceberg(venue, 1_000)
        killed = replace(stop_order(100), time_in_force=TimeInForce.FOK)
        stops = [(await venue.engine.place(killed)).order for _ in range(STOPS)]
        await venue.buy(1, PRICE, OrderType.IOC)
        assert all([(await venue.order(order)).triggered_us for order in stops])
        assert (await venue.buy(MAKERS, PRICE, OrderType.FOK)).status is OrderStatus.FILLED


async def test_a_fok_counts_few_makers(redis_url: str) -> None:
    """A killed order takes nothing, so what it may count is bounded more narrowly."""
    async with open_venue(redis_url) as venue:
        await seed_iceberg(venue, 2 * FOK_MAKERS_MAX)
        over = await venue.buy(FOK_MAKERS_MAX + 1, PRICE, OrderType.FOK)
        assert (over.status, over.reason) == (OrderStatus.EXPIRED, "fill_or_kill")
        exact = await venue.buy(FOK_MAKERS_MAX, PRICE, OrderType.FOK)
        assert exact.status is OrderStatus.FILLED


async def test_a_reached_stop_runs_when_the_price_has_come_back(redis_url: str) -> None:
    """More stops than one command runs; the price leaves again; all of them run all the same."""
    async with open_venue(redis_url, limits=LIMITS) as venue:
        count = 3 * STOPS + 2
        await venue.buy(1, 200, account=BOB)
        stops = [
            (await venue.engine.place(stop_order(1, Side.SELL, stop=150, price=10))).order
            for _ in range(count)
        ]
        await venue.buy(1, 140, account=BOB)
        for price in range(90, 90 + count + 2):
            await venue.buy(1, price, account=BOB)
        await venue.sell(2, 1, account=BOB, kind=OrderType.IOC)
        waiting = [order for order in stops if (await venue.order(order)).triggered_us is None]
        assert len(waiting) == count - STOPS
        await run_all(venue)
        assert all([(await venue.order(order)).triggered_us for order in stops])


async def test_nothing_trades_before_fired_stops(redis_url: str) -> None:
    """An order runs waiting stops first; if too many wait, the order is refused without effect."""
    async with open_venue(redis_url, limits=LIMITS) as venue:
        await seed_iceberg(venue, 10_000)
        total = 2 * (STOP_ROUNDS_MAX + 3)
        for _ in range(total):
            await venue.engine.place(stop_order(20))
        await venue.buy(1, PRICE, OrderType.IOC)
        with pytest.raises(StopsPending):
            await venue.buy(1, PRICE, OrderType.IOC, client_order_id="late")
        assert await venue.client.exists(keys.client_order(ALICE, "late")) == 0
        # A cancel and another market do not wait.
        resting = await venue.sell(5, 300, account=BOB, symbol=next(s for s in await others(venue)))
        assert (await venue.cancel(resting, BOB)).status is OrderStatus.CANCELED
        await run_all(venue)
        late = await venue.buy(1, PRICE, OrderType.IOC, client_order_id="late")
        assert late.status is OrderStatus.FILLED


async def others(venue: Venue) -> list[str]:
    """Symbols of the venue but BTC."""
    return [symbol for symbol in await venue.queries.instruments() if symbol != BTC]


async def test_stops_wait_while_the_market_does_not_trade(redis_url: str) -> None:
    """A halted market keeps its fired stops; they run when it trades again."""
    async with open_venue(redis_url, limits=LIMITS) as venue:
        await seed_iceberg(venue, 1_000)
        for _ in range(10):
            await venue.engine.place(stop_order(15))
        await venue.buy(1, PRICE, OrderType.IOC)
        await venue.engine.control_market(BTC, state=MarketState.HALTED)
        before = len(await venue.trades())
        assert await venue.engine.fire_stops(BTC) is False
        assert len(await venue.trades()) == before
        assert await venue.engine.firing_symbols() == [BTC]
        await venue.engine.control_market(BTC, state=MarketState.TRADING)
        await run_all(venue)
        assert await venue.engine.firing_symbols() == []


async def test_two_amendments_cannot_pass_the_minimum_together(redis_url: str) -> None:
    """Each amendment is valid alone; the atomic step sees the first one and refuses the second."""
    async with open_venue(redis_url) as venue:
        instrument = replace(INSTRUMENTS[BTC], notional_min=1_000)
        await venue.engine.publish_instruments({BTC: instrument})
        order = await venue.buy(20, PRICE)
        revision = (await venue.queries.instruments())[BTC][0].revision
        amendments = (
            Amendment(price_ticks=Ticks(50), revision=revision),
            Amendment(quantity_lots=Lots(10), revision=revision),
        )
        answers = await asyncio.gather(
            *(venue.engine.amend(ALICE, order.order_id, amendment) for amendment in amendments),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, InvalidField)]
        assert [error.code for error in refused] == ["notional_too_small"]
        left = await venue.order(order)
        assert left.quantity_lots is not None
        assert left.price_ticks is not None
        assert left.price_ticks * left.quantity_lots >= instrument.notional_min
