"""What the matching scripts publish and log: bytes, sequences, times; and that levels add up."""

import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tapewire import keys
from tapewire.errors import OrderClosed
from tapewire.matching.command_limits import MatchingLimits
from tapewire.values.decimals import format_units
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Order, OrderType, Side, Symbol
from tapewire.wire.trade_event import decode_trade
from tests.support.venue import BTC, INSTRUMENTS, ODD, Listener, Venue, open_venue

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Those that need no price beside the limit.
KINDS = [OrderType.LIMIT, OrderType.MARKET, OrderType.IOC, OrderType.FOK]


async def trade_at_random(venue: Venue, count: int, seed: int) -> None:
    """Submit and cancel `count` orders on two symbols, crossing often."""
    chance = random.Random(seed)
    placed: list[Order] = []
    for _ in range(count):
        if placed and chance.random() < 0.2:
            order = chance.choice(placed)
            try:
                await venue.cancel(order)
            except OrderClosed:
                placed.remove(order)
            continue
        kind = chance.choice(KINDS)
        ticks = None if kind is OrderType.MARKET else chance.randint(95, 105)
        side, symbol = chance.choice(list(Side)), chance.choice([BTC, ODD])
        placement = await venue.submit(side, chance.randint(1, 9), ticks, kind, symbol=symbol)
        placed.append(placement.order)


async def test_the_replay_log_is_what_was_published(venue: Venue, listener: Listener) -> None:
    """Every trade is in the log of its symbol byte for byte, under its seq."""
    await trade_at_random(venue, 300, seed=1)
    published = await listener.heard(keys.TRADE_CHANNEL)
    assert len(published) > 50
    for symbol in (BTC, ODD):
        ours = [event for event in published if json.loads(event)["symbol"] == symbol]
        client: Any = venue.client
        entries = await client.xrange(keys.replay_log(symbol))
        assert [fields for _, fields in entries] == [{b"event": event} for event in ours]
        assert [entry_id for entry_id, _ in entries] == [
            b"%d-0" % seq for seq in range(1, len(ours) + 1)
        ]


async def test_a_trade_event_has_exactly_its_members(venue: Venue, listener: Listener) -> None:
    """The published JSON holds the documented members with the types of the contract."""
    maker = await venue.sell(5, 6_000_000)
    venue.engine.clock_us = "1767225600000001"
    taker = await venue.buy(5, 6_000_000)
    (event,) = await listener.heard(keys.TRADE_CHANNEL)
    epoch = (await venue.client.get(keys.EPOCH)).decode()  # type: ignore[union-attr]
    assert json.loads(event) == {
        "trade_id": "BTC-USDT-1",
        "seq": 1,
        "symbol": "BTC-USDT",
        "price": "60000.00",
        "quantity": "0.00005",
        "aggressor_side": "buy",
        "maker_order_id": maker.order_id,
        "taker_order_id": taker.order_id,
        "timestamp": format_timestamp(taker.created_us),
        "epoch": epoch,
    }
    assert decode_trade(event).event.seq == 1


async def test_book_updates_rebuild_the_levels(venue: Venue, listener: Listener) -> None:
    """The seq of each symbol has no gap, and applying every update gives exactly the levels."""
    await trade_at_random(venue, 400, seed=2)
    books: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: {"bids": {}, "asks": {}})
    seqs: dict[str, int] = defaultdict(int)
    for payload in await listener.heard(keys.BOOK_CHANNEL):
        update = json.loads(payload)
        symbol = update["symbol"]
        seqs[symbol] += 1
        assert update["seq"] == seqs[symbol]
        for side in ("bids", "asks"):
            assert len({price for price, _ in update[side]}) == len(update[side])
            for price, quantity in update[side]:
                books[symbol][side][price] = quantity
                if float(quantity) == 0:
                    del books[symbol][side][price]
    for symbol in (BTC, ODD):
        instrument = INSTRUMENTS[symbol]
        for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            assert books[symbol][name] == {
                format_units(
                    ticks * instrument.tick_units, instrument.price_decimals
                ): format_units(lots * instrument.lot_units, instrument.quantity_decimals)
                for ticks, lots in await venue.depth(side, symbol)
            }


async def test_levels_are_the_sum_of_their_orders(venue: Venue) -> None:
    """After many commands each level is the sum of its queue, and the book is not crossed."""
    await trade_at_random(venue, 300, seed=3)
    for symbol in (BTC, ODD):
        best = {}
        for side in Side:
            sums: dict[int, int] = defaultdict(int)
            for order in await venue.queue(side, symbol):
                sums[order.ticks] += order.lots
            depth = await venue.depth(side, symbol)
            assert dict(depth) == sums
            best[side] = depth[0][0]
        assert best[Side.BUY] < best[Side.SELL]


async def test_one_command_is_one_book_update(venue: Venue, listener: Listener) -> None:
    """A sweep that also rests tells all its levels in one message; no change tells nothing."""
    await venue.sell(1, 100)
    await venue.sell(1, 101)
    await venue.buy(5, 101)
    await venue.buy(1, 90, OrderType.FOK)
    updates = [json.loads(payload) for payload in await listener.heard(keys.BOOK_CHANNEL)]
    assert len(updates) == 3
    assert updates[2]["asks"] == [["1.00", "0.00000"], ["1.01", "0.00000"]]
    assert updates[2]["bids"] == [["1.01", "0.00003"]]


def instants() -> list[datetime]:
    """Ends of months, leap days, ends of years and random moments of 130 years."""
    chance = random.Random(4)
    days = [
        datetime(year, month, 1, tzinfo=UTC) - timedelta(microseconds=1)
        for year in (1970, 1972, 1999, 2000, 2024, 2026, 2099, 2100, 2101)
        for month in range(2, 13)
    ]
    leap = [datetime(year, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC) for year in (2000, 2024, 2096)]
    edges = [moment + timedelta(microseconds=1) for moment in days + leap]
    scattered = [
        UNIX_EPOCH + timedelta(microseconds=chance.randrange(130 * 365 * 86_400 * 10**6))
        for _ in range(300)
    ]
    return sorted([UNIX_EPOCH + timedelta(microseconds=1), *days, *leap, *edges, *scattered])


async def test_timestamps_equal_those_of_python(venue: Venue, listener: Listener) -> None:
    """The script's calendar agrees with datetime on hundreds of instants, to the microsecond."""
    expected = []
    for moment in instants():
        venue.engine.clock_us = str((moment - UNIX_EPOCH) // timedelta(microseconds=1))
        await venue.sell(1, 100)
        expected.append(moment.isoformat(timespec="microseconds").replace("+00:00", "Z"))
    updates = [json.loads(payload) for payload in await listener.heard(keys.BOOK_CHANNEL)]
    assert [update["timestamp"] for update in updates] == expected


async def test_the_venue_clock_never_runs_backwards(venue: Venue) -> None:
    """A command with an earlier clock gets the time of the one before; later ones go on."""
    times = []
    for clock_us in (2_000_000, 1_000_000, 3_000_000):
        venue.engine.clock_us = str(clock_us)
        times.append((await venue.sell(1, 100)).created_us)
    assert times == [2_000_000, 2_000_000, 3_000_000]
    venue.engine.clock_us = "1"
    assert (await venue.cancel("1")).updated_us == 3_000_000


async def test_the_venue_clock_is_that_of_redis(venue: Venue) -> None:
    """Without an override the time of an order lies between two readings of Redis TIME."""
    client: Any = venue.client

    async def redis_us() -> int:
        seconds, micros = await client.time()
        return int(seconds) * 1_000_000 + int(micros)

    before = await redis_us()
    order = await venue.buy(1, 100)
    assert before <= order.created_us <= await redis_us()


async def test_the_same_commands_at_the_same_times_give_the_same_bytes(redis_url: str) -> None:
    """Run twice on an empty Redis with one clock: same orders, book, log, byte for byte."""
    dumps = []
    for _ in range(2):
        async with open_venue(redis_url) as venue:
            await venue.client.flushall()
            await venue.client.set(keys.EPOCH, "same")
            await venue.engine.publish_instruments(INSTRUMENTS)
            venue.engine.clock_us = "1767225600000000"
            await trade_at_random(venue, 100, seed=5)
            # The first command of a journal says when the venue began.
            await venue.client.xdel(keys.JOURNAL, "1-0")
            dumps.append(await venue.dump())
    # The journal counts in real time, and its first entry is what made the venue.
    journals: list[Any] = [dump.pop(keys.JOURNAL)[0] for dump in dumps]
    first, second = ([fields for _, fields in journal[1:]] for journal in journals)
    assert len(first) > 50
    assert first == second
    assert dumps[0] == dumps[1]


async def test_the_replay_log_is_bounded(redis_url: str) -> None:
    """The log is trimmed to about its limit and keeps the newest trades."""
    limits = MatchingLimits(replay_log_trades_max=200)
    async with open_venue(redis_url, limits=limits) as venue:
        for _ in range(10):
            for _ in range(50):
                await venue.sell(1, 100)
            await venue.buy(50)
        seqs = [trade["seq"] for trade in await venue.trades()]
    assert seqs == list(range(seqs[0], 501))
    assert 200 <= len(seqs) <= 300


@pytest.mark.parametrize("symbol", [BTC, ODD])
async def test_the_last_price_is_kept(venue: Venue, symbol: Symbol) -> None:
    """The market record names seq, book seq and the price of the last trade in ticks."""
    await venue.sell(1, 100, symbol=symbol)
    await venue.sell(1, 103, symbol=symbol)
    await venue.buy(2, symbol=symbol)
    client: Any = venue.client
    state = await client.hget(keys.market(symbol), "state")
    assert state.decode().split("|")[:3] == ["2", "3", "103"]
