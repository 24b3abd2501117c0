"""Live candles: the messages to subscribers, compared with the replay log."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from market_data.fanout.hub import Hub
from market_data.market.candle_keeper import CandleFeed
from market_data.market.venue_clock import VenueClock
from market_data.topics import CANDLES
from tapewire import keys
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import INTERVALS, read_candle, render_candle
from tapewire.values.timestamps import format_timestamp, parse_timestamp
from tapewire.wire.trade_event import TradeEvent, decode_trade
from tests.integration.test_candles import PACES, START_S, computed, trade_over_time, trades_of
from tests.support.transport.fake_socket import FakeSocket
from tests.support.venue import BTC, INSTRUMENTS, Listener, Venue

SECOND_US = 1_000_000
NANOSECONDS = 1_000_000_000


class Bench:
    """A candle feed that gets trades when the test says so; `elapsed_s` is its clock."""

    def __init__(self, venue: Venue, listener: Listener) -> None:
        """Start without a subscriber, at START_S."""
        self.venue = venue
        self.hub = Hub()
        self.elapsed_s = 0
        self.clock = VenueClock(lambda: self.elapsed_s * NANOSECONDS, lambda: START_S * NANOSECONDS)
        self.log = CandleLog(venue.client)
        self.candles = CandleFeed(self.log, self.hub, self.clock)
        self._listener = listener
        self._taken = 0

    def follow(self, *names: str, symbol: str = BTC) -> FakeSocket:
        """A client of some intervals."""
        socket = FakeSocket()
        topics = frozenset((CANDLES[name], symbol) for name in names)
        socket.session = self.hub.connect(socket, topics)
        return socket

    async def waiting(self) -> list[TradeEvent]:
        """Trades of BTC published since the last call."""
        heard = await self._listener.heard(keys.TRADE_CHANNEL)
        fresh, self._taken = heard[self._taken :], len(heard)
        events = [decode_trade(payload).event for payload in fresh]
        return [event for event in events if event.symbol == BTC]

    async def flush(self, events: list[TradeEvent]) -> None:
        """Do what the feed does with a batch."""
        for event in events:
            self.candles.take(event)
        self.candles.publish()
        if self.candles.wanted:
            await self.candles.load()
        self.hub.flush()

    async def trade(self, time_s: int, ticks: int = 100) -> None:
        """One trade of one lot at a time after START_S."""
        self.venue.engine.clock_us = str((START_S + time_s) * SECOND_US)
        await self.venue.sell(1, ticks)
        await self.venue.buy(1, ticks)

    async def expected(self, name: str) -> list[dict[str, Any]]:
        """Every candle of an interval, as text, by the replay log."""
        newest = await self.log.newest(BTC)
        assert newest is not None
        interval = INTERVALS[name]
        return [
            render_candle(candle, BTC, interval, newest.market, closed=True)
            for candle in computed(trades_of(await self.venue.trades(), BTC), interval)
        ]


def told(socket: FakeSocket, name: str) -> list[dict[str, Any]]:
    """The candles of one interval that a client was sent."""
    messages = socket.messages()
    assert {message["type"] for message in messages} <= {"candle"}
    return [message["data"] for message in messages if message["data"]["interval"] == name]


@pytest_asyncio.fixture
async def bench(venue: Venue, listener: Listener) -> AsyncIterator[Bench]:
    """A candle feed on an empty venue."""
    yield Bench(venue, listener)


@pytest.mark.parametrize("pace", PACES)
async def test_live_candles_are_those_of_the_replay_log(bench: Bench, pace: str) -> None:
    """Each period ends with one closed candle, equal to its trades; the last one is open."""
    socket = bench.follow(*INTERVALS)
    chance = random.Random(pace)
    await trade_over_time(bench.venue, 1, PACES[pace], 200)
    events = await bench.waiting()
    while events:
        size = chance.choice([1, 2, 30])
        await bench.flush(events[:size])
        events = events[size:]
        if chance.random() < 0.2:
            # Somebody's subscription, or a hole, has the candles read while trades are waiting.
            bench.candles.restart()
    assert bench.candles.loads > 1
    for name in INTERVALS:
        expected = await bench.expected(name)
        newest = told(socket, name)[-1]
        assert newest | {"closed": True} == expected[-1]
        closed = [candle for candle in told(socket, name) if candle["closed"]]
        assert all(candle in expected for candle in closed)


async def test_each_period_is_closed_once_and_complete(bench: Bench) -> None:
    """Each period is sent as closed once, and not before its end."""
    socket = bench.follow(*INTERVALS)
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    for time_s in (1, 2, 30, 31, 89, 90, 1_900, 3_600, 3_601, 90_000, 400_000, 400_001, 3_000_000):
        await bench.trade(time_s, 100 + time_s % 7)
        before = {name: len(told(socket, name)) for name in INTERVALS}
        await bench.flush(await bench.waiting())
        for name, count in before.items():
            fresh = told(socket, name)[count:]
            assert [candle["closed"] for candle in fresh] in ([False], [True, False])
    for name in INTERVALS:
        expected = await bench.expected(name)
        closed = [candle for candle in told(socket, name) if candle["closed"]]
        assert closed == expected[:-1]
        assert told(socket, name)[-1] == expected[-1] | {"closed": False}
    assert bench.candles.loads == 1


async def test_one_candle_a_flush(bench: Bench) -> None:
    """An open candle is sent once a flush, however many trades the flush brings."""
    socket = bench.follow("1m", "1d")
    await bench.flush([])
    for time_s in range(20):
        await bench.trade(time_s)
    await bench.flush(await bench.waiting())
    await bench.trade(21)
    await bench.flush(await bench.waiting())
    assert [candle["trades"] for candle in told(socket, "1m")] == [20, 21]
    assert [candle["trades"] for candle in told(socket, "1d")] == [20, 21]


async def test_trades_that_redis_had_already_count_once(bench: Bench) -> None:
    """Trades that a candle from Redis includes already are not added a second time."""
    socket = bench.follow("1h")
    for time_s in range(5):
        await bench.trade(time_s)
    events = await bench.waiting()
    await bench.flush(events[:2])
    assert [candle["trades"] for candle in told(socket, "1h")] == [5]
    await bench.flush(events[2:])
    assert [candle["trades"] for candle in told(socket, "1h")] == [5]
    await bench.trade(6)
    await bench.flush(await bench.waiting())
    assert [candle["trades"] for candle in told(socket, "1h")] == [5, 6]


async def test_a_hole_has_the_candles_read_again(bench: Bench) -> None:
    """Trades that the feed lost are in the candles, because Redis has them."""
    socket = bench.follow("1m")
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    for time_s in range(1, 6):
        await bench.trade(time_s)
    events = await bench.waiting()
    await bench.flush(events[-1:])
    assert bench.candles.loads == 2
    assert told(socket, "1m")[-1]["trades"] == 6


async def test_another_epoch_has_the_candles_read_again(bench: Bench) -> None:
    """Trades of a new epoch are not added to candles of the epoch before."""
    socket = bench.follow("1m")
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    await bench.venue.client.flushall()
    await bench.venue.engine.publish_instruments(INSTRUMENTS)
    await bench.trade(1)
    await bench.trade(2)
    events = await bench.waiting()
    await bench.flush(events[1:])
    newest = told(socket, "1m")[-1]
    assert newest["trades"] == 2
    assert newest["epoch"] == events[0].epoch


async def test_time_closes_a_candle(bench: Bench) -> None:
    """Without a later trade a candle is sent as closed one second after its end, once."""
    socket = bench.follow("1m", "1h")
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    for elapsed_s, closed in ((29, [False]), (30, [False]), (31, [False, True]), (99, None)):
        bench.elapsed_s = elapsed_s
        await bench.flush([])
        told_minutes = [candle["closed"] for candle in told(socket, "1m")]
        assert told_minutes == ([False, True] if closed is None else closed)
    assert [candle["closed"] for candle in told(socket, "1h")] == [False, True]
    await bench.trade(120)
    await bench.flush(await bench.waiting())
    assert [candle["closed"] for candle in told(socket, "1m")] == [False, True, False]


async def test_a_late_trade_opens_a_candle_again(bench: Bench) -> None:
    """If the venue's clock stood still, a closed candle opens again and is closed again."""
    socket = bench.follow("1m")
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    bench.elapsed_s = 100
    await bench.flush([])
    await bench.trade(1)
    await bench.flush(await bench.waiting())
    bench.elapsed_s = 200
    await bench.flush([])
    states = [(candle["trades"], candle["closed"]) for candle in told(socket, "1m")]
    assert states == [(1, False), (1, True), (2, False), (2, True)]


async def test_the_first_candle_comes_as_soon_as_it_is_known(bench: Bench) -> None:
    """A subscriber is answered at once from memory, or else with the next flush."""
    await bench.trade(0)
    first = bench.follow("5m")
    assert bench.candles.state_frame(CANDLES["5m"], BTC) is None
    await bench.flush([])
    assert [candle["trades"] for candle in told(first, "5m")] == [1]
    frame = bench.candles.state_frame(CANDLES["5m"], BTC)
    assert frame == first.writes[0]


async def test_a_symbol_without_trades_has_no_first_candle(bench: Bench) -> None:
    """A symbol without trades is read once, and its first trade makes its first candle."""
    socket = bench.follow("1m")
    assert bench.candles.state_frame(CANDLES["1m"], BTC) is None
    await bench.flush([])
    assert bench.candles.state_frame(CANDLES["1m"], BTC) is None
    assert not bench.candles.wanted
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    assert [candle["trades"] for candle in told(socket, "1m")] == [1]


async def test_nothing_is_read_for_nobody(bench: Bench) -> None:
    """Candles are read and kept only while a client subscribes."""
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    assert bench.candles.loads == 0
    socket = bench.follow("1m")
    await bench.trade(1)
    await bench.flush(await bench.waiting())
    assert socket.session is not None
    socket.session.connection_closed()
    await bench.trade(2)
    await bench.flush(await bench.waiting())
    again = bench.follow("1m")
    assert bench.candles.state_frame(CANDLES["1m"], BTC) is None, "an old candle was kept"
    await bench.trade(3)
    await bench.flush(await bench.waiting())
    assert [candle["trades"] for candle in told(again, "1m")] == [4]
    assert bench.candles.loads == 2


@pytest.mark.parametrize(
    "wrong", [{"price": "x"}, {"quantity": "1.2.3"}, {"timestamp": "yesterday"}]
)
async def test_a_trade_that_is_not_one_is_survived(bench: Bench, wrong: dict[str, str]) -> None:
    """After a forged trade the candles are read from Redis again."""
    socket = bench.follow("1m")
    await bench.trade(0)
    await bench.flush(await bench.waiting())
    await bench.trade(1)
    [event] = await bench.waiting()
    members = {name: getattr(event, name) for name in TradeEvent.__slots__}
    await bench.flush([TradeEvent(**(members | wrong))])
    assert told(socket, "1m")[-1]["trades"] == 2


def test_timestamps_are_read_exactly() -> None:
    """Text to microseconds and back, also where a float would round."""
    for time_us in (0, 1, 999_999, 1_767_225_600_000_001, 253_402_300_799_999_999):
        assert parse_timestamp(format_timestamp(time_us)) == time_us
    assert parse_timestamp("2026-01-31T12:00:00+02:00") == parse_timestamp("2026-01-31T10:00:00Z")
    for wrong in ("", "today", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z"):
        with pytest.raises(ValueError, match=r".*"):
            parse_timestamp(wrong)


def test_only_candles_are_read_as_such() -> None:
    """Packed text with fewer than ten or more than twelve whole numbers is refused."""
    ten = b"1|1|1|1|1|1|1|1|1|1"
    assert read_candle(ten).taker_buy_lots == 0
    assert read_candle(ten + b"|2|3").taker_buy_notional == 3
    for wrong in (b"", b"1|2", b"a" + ten[1:], ten + b"|1|1|1"):
        with pytest.raises((ValueError, TypeError)):
            read_candle(wrong)
