"""Candles kept by the matching script, against candles computed from the replay log."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tapewire import keys
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import INTERVALS, Candle, Interval, merge
from tapewire.packed.layout import COMMAND_LIMITS
from tapewire.values.decimals import parse_steps
from tapewire.values.timestamps import parse_timestamp
from tapewire.values.types import OrderType, Side, Symbol, Ticks, TimeInForce
from tests.support.venue import (
    ALICE,
    BOB,
    BTC,
    HUGE,
    HUGE_LOTS_MAX,
    HUGE_TICKS_MAX,
    INSTRUMENTS,
    ODD,
    Venue,
    order_command,
)

DAY_S = 86_400
# A Saturday, 1.5 days before a week ends and 12 days before a month does.
START_S = int(datetime(2026, 6, 20, 11, 59, 30, tzinfo=UTC).timestamp())


def trades_of(log: list[dict[str, Any]], symbol: Symbol) -> list[Candle]:
    """Every trade as a candle of one trade, read from its published text alone."""
    one = INSTRUMENTS[symbol]
    trades = []
    for event in log:
        ticks = parse_steps(event["price"], one.tick_units, one.price_decimals, "", "")
        lots = parse_steps(event["quantity"], one.lot_units, one.quantity_decimals, "", "")
        time_s = parse_timestamp(event["timestamp"]) // 1_000_000
        seq, bought = event["seq"], lots if event["aggressor_side"] == "buy" else 0
        trades.append(
            Candle(
                time_s, ticks, ticks, ticks, ticks, lots, ticks * lots, 1, seq, seq,
                bought, ticks * bought,
            )
        )  # fmt: skip
    return trades


def computed(trades: Iterable[Candle], interval: Interval) -> list[Candle]:
    """The candles of an interval by the calendar, not by the arithmetic of the code under test."""
    buckets: dict[int, Candle] = {}
    for trade in trades:
        start_s = calendar_start_s(trade.start_s, interval.name)
        moved = replace(trade, start_s=start_s)
        buckets[start_s] = merge(buckets[start_s], moved) if start_s in buckets else moved
    return list(buckets.values())


def calendar_start_s(time_s: int, name: str) -> int:
    """The start of the period of a moment, in UTC."""
    moment = datetime.fromtimestamp(time_s, UTC).replace(second=0)
    count, unit = int(name[:-1]), name[-1]
    if unit == "m":
        moment = moment.replace(minute=moment.minute // count * count)
    elif unit == "h":
        moment = moment.replace(minute=0, hour=moment.hour // count * count)
    else:
        moment = moment.replace(minute=0, hour=0)
        if unit == "w":
            while moment.weekday() != 0:
                moment = datetime.fromtimestamp(moment.timestamp() - DAY_S, UTC)
    return int(moment.timestamp())


async def all_candles(venue: Venue, symbol: Symbol, interval: Interval) -> list[Candle]:
    """What Redis holds of an interval."""
    page = await CandleLog(venue.client).candles(
        symbol, interval, start_s=None, end_s=None, limit=10_000
    )
    assert page is not None
    return page.candles


async def trade_over_time(venue: Venue, seed: int, steps: list[int], count: int) -> None:
    """Random orders; before each the clock goes on by one of the steps, in microseconds."""
    chance = random.Random(seed)
    clock_us = START_S * 1_000_000
    for _ in range(count):
        clock_us += chance.choice(steps)
        venue.engine.clock_us = str(clock_us)
        side, symbol = chance.choice(list(Side)), chance.choice([BTC, ODD])
        kind = chance.choice([OrderType.LIMIT, OrderType.LIMIT, OrderType.IOC])
        await venue.submit(
            side, chance.randint(1, 40), 100 + chance.randint(-9, 9), kind, symbol=symbol
        )


SECONDS = 1_000_000
PACES = {
    "within minutes": [0, 1, 900_000, 7 * SECONDS],
    "over minutes": [0, 20 * SECONDS, 59_999_999, 60 * SECONDS, 61 * SECONDS],
    "over hours": [1, 60 * SECONDS, 1_800 * SECONDS, 3_600 * SECONDS, 3_599_999_999],
    "over days": [1, 3_600 * SECONDS, 40_000 * SECONDS, 86_400 * SECONDS, 200_000 * SECONDS],
    "over months": [1, 60 * SECONDS, 9 * DAY_S * SECONDS, 40 * DAY_S * SECONDS],
}


@pytest.mark.parametrize("pace", PACES)
async def test_candles_are_those_of_the_replay_log(venue: Venue, pace: str) -> None:
    """Candles of every interval equal those computed from the trades, at every instant."""
    for seed in range(3):
        await venue.client.flushall()
        await venue.engine.publish_instruments(INSTRUMENTS)
        await trade_over_time(venue, seed, PACES[pace], 120)
        for symbol in (BTC, ODD):
            trades = trades_of(await venue.trades(symbol), symbol)
            assert len(trades) > 15
            for interval in INTERVALS.values():
                expected = computed(trades, interval)
                assert await all_candles(venue, symbol, interval) == expected, interval.name
            newest = await CandleLog(venue.client).newest(symbol)
            assert newest is not None
            assert newest.market.seq == len(trades)
            assert newest.candles == {
                name: computed(trades, interval)[-1] for name, interval in INTERVALS.items()
            }


async def test_pages_are_slices_of_all_candles(venue: Venue) -> None:
    """With a start the first candles of the range are read, without one the last."""
    await trade_over_time(venue, 1, PACES["over minutes"] + PACES["over hours"], 250)
    log, chance = CandleLog(venue.client), random.Random(1)
    last_s = int(venue.engine.clock_us) // SECONDS
    for _ in range(150):
        interval = chance.choice(list(INTERVALS.values()))
        everything = computed(trades_of(await venue.trades(), BTC), interval)
        moments = sorted(chance.randint(START_S - 9_999, last_s + 9_999) for _ in range(2))
        aligned = chance.random() < 0.5
        moments = [interval.start_s(moment) if aligned else moment for moment in moments]
        start_s, end_s = (chance.choice([None, moment]) for moment in moments)
        limit = chance.choice([1, 2, 5, 50])
        inside = [
            candle
            for candle in everything
            if (start_s is None or candle.start_s >= start_s)
            and (end_s is None or candle.start_s < end_s)
        ]
        page = await log.candles(BTC, interval, start_s=start_s, end_s=end_s, limit=limit)
        assert page is not None
        assert page.candles == (inside[:limit] if start_s is not None else inside[-limit:])


async def test_everything_since_a_minute(venue: Venue) -> None:
    """Trades from any minute on are merged into one candle, from closed and open ones."""
    await trade_over_time(venue, 2, PACES["over minutes"] + PACES["over hours"], 250)
    log, chance = CandleLog(venue.client), random.Random(2)
    trades = trades_of(await venue.trades(), BTC)
    last_s = int(venue.engine.clock_us) // SECONDS
    for _ in range(150):
        start_s = chance.randint(START_S - 9_999, last_s + 99) // 60 * 60
        inside = [trade for trade in trades if trade.start_s >= start_s]
        page = await log.since(BTC, start_s)
        assert page is not None
        assert len(page.candles) == min(1, len(inside))
        for candle in page.candles:
            total = inside[0]
            for trade in inside[1:]:
                total = merge(total, trade)
            assert replace(candle, start_s=0) == replace(total, start_s=0)


async def test_sums_beyond_doubles_are_exact(venue: Venue) -> None:
    """Volume and notional of a candle pass 2^53, one order at a time, to the last digit."""
    chance = random.Random(5)
    venue.engine.clock_us = str(START_S * SECONDS)
    for number in range(400):
        lots = HUGE_LOTS_MAX - chance.randint(0, 99)
        ticks = HUGE_TICKS_MAX - chance.randint(0, 99)
        # The minute ends sometimes, so that large sums are folded into larger ones.
        venue.engine.clock_us = str(int(venue.engine.clock_us) + (number % 7 == 0) * 61 * SECONDS)
        await venue.sell(lots, ticks, symbol=HUGE)
        await venue.buy(lots, ticks, symbol=HUGE)
    trades = trades_of(await venue.trades(HUGE), HUGE)
    assert sum(trade.notional for trade in trades) > 2**61
    for interval in INTERVALS.values():
        assert await all_candles(venue, HUGE, interval) == computed(trades, interval)


@pytest.mark.parametrize(
    "before",
    [2**53 - 2, 2**53 - 1, 2**53, 10**15 - 1, 10**16 - 1, 10**30 - 1, 12_345_000_000_000_000_001],
)
async def test_sums_carry(venue: Venue, before: int) -> None:
    """One lot more at one tick more carries through sums of any size."""
    await venue.sell(1, 1, symbol=HUGE)
    venue.engine.clock_us = str(START_S * SECONDS)
    await venue.buy(1, 1, symbol=HUGE)
    client: Any = venue.client
    key = keys.candle_now(HUGE)
    packed = (await client.hget(key, "60")).decode().split("|")
    packed[5:7] = [str(before), str(before)]
    await client.hset(key, "60", "|".join(packed))
    await venue.sell(1, 1, symbol=HUGE)
    await venue.buy(1, 1, symbol=HUGE)
    [candle] = await all_candles(venue, HUGE, INTERVALS["1m"])
    assert (candle.volume_lots, candle.notional, candle.trades) == (before + 1, before + 1, 2)


@pytest.mark.parametrize(
    ("fees_per_order", "high", "low", "taker_buy_lots"), [("1", 105, 90, 2), ("0", 100, 90, 0)]
)
async def test_a_candle_reaches_the_prices_of_fired_stops(
    venue: Venue, fees_per_order: str, high: int, low: int, taker_buy_lots: int
) -> None:
    """One command trades at 1.00 and 1.05, and an order that it fires at 0.90.

    A command of a format 1 journal reaches from its first to its last price.
    """
    limits = COMMAND_LIMITS.read(venue.engine._limits)
    venue.engine._limits = COMMAND_LIMITS.write(limits._replace(fees_per_order=fees_per_order))
    for price in (100, 105):
        await venue.sell(1, price, account=BOB)
    await venue.buy(5, 90, account=BOB)
    fired = order_command(Side.SELL, 5, account=ALICE)
    await venue.engine.place(
        replace(
            fired,
            order_type=OrderType.TAKE_PROFIT,
            time_in_force=TimeInForce.GTC,
            stop_price_ticks=Ticks(105),
        )
    )
    await venue.buy(2, 105)
    assert [trade["price"] for trade in await venue.trades()] == ["1.00", "1.05", "0.90"]
    found = await CandleLog(venue.client).candles(
        BTC, INTERVALS["1m"], start_s=None, end_s=None, limit=1
    )
    assert found is not None
    (candle,) = found.candles
    assert (candle.open, candle.high, candle.low, candle.close) == (100, high, low, 90)
    assert candle.taker_buy_lots == taker_buy_lots


async def test_an_order_without_a_trade_leaves_no_candle(venue: Venue) -> None:
    """Candles are of trades; a symbol that never traded has none, an unknown one no page."""
    await venue.sell(5, 100)
    log = CandleLog(venue.client)
    assert await all_candles(venue, BTC, INTERVALS["1m"]) == []
    newest = await log.newest(BTC)
    assert newest is not None
    assert newest.candles == {}
    assert await log.newest("NO-SUCH") is None
    assert await log.since("NO-SUCH", 0) is None
    assert await log.candles("NO-SUCH", INTERVALS["1m"], start_s=None, end_s=None, limit=1) is None


async def test_a_cut_period_is_not_shown(venue: Venue) -> None:
    """A period whose first minutes were trimmed from the stream is left out."""
    clock_s = START_S // 1_800 * 1_800 + 1_800
    for minute in (1, 2, 31, 32):
        venue.engine.clock_us = str((clock_s + minute * 60) * SECONDS)
        await venue.sell(1, 100)
        await venue.buy(1, 100)
    client: Any = venue.client
    halves = await all_candles(venue, BTC, INTERVALS["30m"])
    assert [half.trades for half in halves] == [2, 2]
    stream = keys.candles(BTC, 60)
    await client.xtrim(stream, maxlen=2, approximate=False)
    assert await all_candles(venue, BTC, INTERVALS["30m"]) == halves[1:]
    assert len(await all_candles(venue, BTC, INTERVALS["1m"])) == 3


async def test_the_first_minute_of_all(venue: Venue) -> None:
    """A venue whose clock starts at zero has candles."""
    for clock_us in (1, 60 * SECONDS, DAY_S * SECONDS):
        venue.engine.clock_us = str(clock_us)
        await venue.sell(1, 100)
        await venue.buy(1, 100)
    for interval in INTERVALS.values():
        expected = computed(trades_of(await venue.trades(), BTC), interval)
        assert await all_candles(venue, BTC, interval) == expected
