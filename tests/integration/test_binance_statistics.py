"""Tickers, mean prices and candles of the Binance streams, compared with the replay log."""

import random
from itertools import pairwise
from typing import Any

import pytest_asyncio

from market_data.binance.names import Form, Stream
from market_data.binance.streams import Streams
from market_data.limits import FanoutLimits
from market_data.market.venue_clock import VenueClock
from tapewire import keys
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import BINANCE_INTERVALS, DAY_S, HOUR_S, Candle, merge
from tapewire.market.trade_log import TradeLog
from tapewire.values.types import Side, Symbol
from tapewire.wire.trade_event import TradeEvent, decode_trade
from tests.integration.test_candles import START_S, computed, trades_of
from tests.support.transport.fake_socket import FakeSocket
from tests.support.venue import BTC, INSTRUMENTS, ODD, Listener, Venue

SECOND_US = 1_000_000
NANOSECONDS = 1_000_000_000


class Bench:
    """Streams that get trades when the test says so; `elapsed_s` is their clock."""

    def __init__(self, venue: Venue, listener: Listener) -> None:
        """Start without a client, at START_S."""
        self.venue = venue
        self.elapsed_s = 0
        self.trades = TradeLog(venue.client)
        self.clock = VenueClock(lambda: self.elapsed_s * NANOSECONDS, lambda: START_S * NANOSECONDS)
        self.streams = Streams(
            FanoutLimits(),
            self.clock,
            candles=CandleLog(venue.client),
            trades=self.trades,
            known_symbols=lambda: list(INSTRUMENTS),
        )
        self._listener = listener
        self._taken = 0

    def follow(self, *channels: str, symbol: str = BTC) -> FakeSocket:
        """A client of some channels."""
        socket = FakeSocket()
        topics = [Stream(channel, symbol).topic(Form()) for channel in channels]
        socket.session = self.streams.hub.connect(socket, frozenset(topics))
        socket.session.send_states(topics)
        return socket

    async def arrive(self) -> list[TradeEvent]:
        """Deliver the trades that were published since the last call."""
        heard = await self._listener.heard(keys.TRADE_CHANNEL)
        fresh, self._taken = heard[self._taken :], len(heard)
        events = [decode_trade(payload).event for payload in fresh]
        for event in events:
            self.streams.take_trade(event, goes_on=False)
        return events

    async def second(self) -> None:
        """What happens every second."""
        await self.arrive()
        await self.streams.statistics.load()
        self.streams.statistics.publish()

    async def trade(
        self, time_s: int, ticks: int = 100, lots: int = 1, symbol: Symbol = BTC
    ) -> None:
        """One trade at a time after START_S, which is now."""
        self.elapsed_s = time_s
        self.venue.engine.clock_us = str((START_S + time_s) * SECOND_US)
        # Takers buy and sell in turns.
        sides = [Side.SELL, Side.BUY] if time_s % 2 else [Side.BUY, Side.SELL]
        for side in sides:
            await self.venue.submit(side, lots, ticks, symbol=symbol)

    async def total_since(self, start_s: int) -> Candle | None:
        """All trades of BTC from a time on, by the replay log."""
        total = None
        for trade in trades_of(await self.venue.trades(), BTC):
            if trade.start_s >= start_s:
                total = trade if total is None else merge(total, trade)
        return total


@pytest_asyncio.fixture
async def bench(venue: Venue, listener: Listener) -> Bench:
    """A bench without a client."""
    return Bench(venue, listener)


def klines(socket: FakeSocket, name: str) -> list[dict[str, Any]]:
    """The candles of an interval that a client was sent."""
    return [m["k"] for m in socket.messages() if m["e"] == "kline" and m["k"]["i"] == name]


def text(value: int, decimals: int) -> str:
    """An integer of `decimals` decimals."""
    return f"{value // 10**decimals}.{value % 10**decimals:0{decimals}d}"


async def test_every_period_has_one_closed_candle(bench: Bench) -> None:
    """Candles follow each other without a hole, whether or not there were trades."""
    chance = random.Random(1)
    names = ("1m", "3m", "5m", "1h")
    await bench.trade(0)
    socket = bench.follow(*(f"kline_{name}" for name in names))
    time_s = 0
    for _ in range(250):
        time_s += chance.choice([1, 7, 20, 45])
        if chance.random() < 0.15:
            await bench.trade(time_s, chance.randint(90, 110))
        bench.elapsed_s = time_s
        await bench.second()
    trades = trades_of(await bench.venue.trades(), BTC)
    for name in names:
        closed = [kline for kline in klines(socket, name) if kline["x"]]
        assert len(closed) > 1
        for earlier, later in pairwise(closed):
            assert later["t"] == earlier["T"] + 1
        expected = {
            candle.start_s * 1_000: candle for candle in computed(trades, BINANCE_INTERVALS[name])
        }
        for kline in closed:
            candle = expected.get(kline["t"])
            assert kline["n"] == (0 if candle is None else candle.trades)
            if candle is None:
                assert kline["o"] == kline["h"] == kline["l"] == kline["c"]
                assert (kline["f"], kline["L"]) == (-1, -1)
            else:
                assert kline["o"] == text(candle.open, 2)
                assert kline["c"] == text(candle.close, 2)
                assert kline["v"] == text(candle.volume_lots, 5)
                assert kline["V"] == text(candle.taker_buy_lots, 5)
                assert (kline["f"], kline["L"]) == (candle.first_seq, candle.last_seq)


async def test_the_newest_candle_of_every_interval(bench: Bench) -> None:
    """Days, weeks and months are made of what Redis has, and begin where the calendar says."""
    for day in (0, 3, 12, 20):
        await bench.trade(day * DAY_S, 100 + day)
    await bench.arrive()
    socket = bench.follow(*(f"kline_{name}" for name in BINANCE_INTERVALS))
    await bench.second()
    newest = {name: klines(socket, name)[-1] for name in BINANCE_INTERVALS}
    # The trades are of 20 and 23 June, 2 and 10 July 2026.
    assert {name: kline["n"] for name, kline in newest.items() if kline["n"] != 1} == {"1M": 2}
    assert newest["1M"]["t"] == 1_782_864_000_000
    assert newest["1M"]["T"] == 1_785_542_400_000 - 1
    assert (newest["1M"]["o"], newest["1M"]["c"]) == ("1.12", "1.20")


async def test_the_ticker_has_the_trades_of_24_hours(bench: Bench) -> None:
    """The window moves on by minutes; what leaves it is no longer counted."""
    socket = bench.follow("ticker", "miniTicker")
    for time_s, ticks in ((0, 100), (30, 90), (70, 120), (4_000, 110), (DAY_S + 40, 105)):
        await bench.trade(time_s, ticks, lots=3)
        await bench.second()
        expected = await bench.total_since((START_S + time_s - DAY_S) // 60 * 60)
        assert expected is not None
        ticker, mini = (
            [m for m in socket.messages() if m["e"] == kind][-1]
            for kind in ("24hrTicker", "24hrMiniTicker")
        )
        for told in (ticker, mini):
            assert told["o"] == text(expected.open, 2)
            assert told["h"] == text(expected.high, 2)
            assert told["l"] == text(expected.low, 2)
            assert told["c"] == text(expected.close, 2)
            assert told["v"] == text(expected.volume_lots, 5)
        assert (ticker["F"], ticker["L"], ticker["n"]) == (
            expected.first_seq, expected.last_seq, expected.trades,
        )  # fmt: skip
        assert ticker["Q"] == "0.00003"
        assert ticker["C"] == (START_S + time_s) * 1_000
    assert ticker["n"] == 4
    bench.elapsed_s = 3 * DAY_S
    await bench.second()
    last = [m for m in socket.messages() if m["e"] == "24hrTicker"][-1]
    assert (last["n"], last["c"], last["o"]) == (0, "1.05", "1.05")
    count = len(socket.messages())
    await bench.second()
    assert len(socket.messages()) == count


async def test_a_window_has_the_trades_of_its_hours(bench: Bench) -> None:
    """A ticker of one, four, or 24 hours counts the trades since its first minute."""
    socket = bench.follow("ticker_1h", "ticker_4h", "ticker_1d")
    for time_s in (0, 2 * HOUR_S, 5 * HOUR_S):
        await bench.trade(time_s)
        await bench.second()
    newest = {message["e"]: message for message in socket.messages()}
    assert {name: (told["n"], told["F"]) for name, told in newest.items()} == {
        "1hTicker": (1, 3),
        "4hTicker": (2, 2),
        "1dTicker": (3, 1),
    }
    arrays: Any = bench.follow("!ticker_4h@arr", symbol="")
    await bench.second()
    assert [ticker["s"] for ticker in arrays.messages()[0]][:1] == ["BTCUSDT"]


async def test_new_best_prices_before_the_ticker_is_known(bench: Bench) -> None:
    """The ticker waits until its trades are read; nothing fails."""
    await bench.trade(0)
    socket = bench.follow("ticker")
    bench.streams.statistics.change_best(BTC)
    bench.streams.statistics.publish()
    assert socket.messages() == []
    await bench.second()
    assert [message["n"] for message in socket.messages()] == [1]


async def test_the_mean_price_has_the_trades_of_five_minutes(bench: Bench) -> None:
    """Weighted with the quantities, and with the time of the last trade."""
    socket = bench.follow("avgPrice")
    await bench.trade(0, 100, lots=1)
    await bench.second()
    await bench.trade(200, 200, lots=3)
    await bench.second()
    await bench.trade(500, 300, lots=1)
    await bench.second()
    told = [(m["w"], m["T"]) for m in socket.messages()]
    expected = [("1.00000000", 0), ("1.75000000", 200), ("2.25000000", 500)]
    assert told == [(price, (START_S + time_s) * 1_000) for price, time_s in expected]


async def test_arrays_have_the_symbols_that_changed(bench: Bench) -> None:
    """A new client is sent every ticker that is known; then only those that changed."""
    socket = bench.follow("!miniTicker@arr", "!ticker@arr", symbol="")
    await bench.trade(0)
    await bench.trade(0, 4, 5, ODD)
    await bench.second()
    await bench.trade(1, 5, 5, ODD)
    await bench.second()
    arrays: Any = socket.messages()
    told = [(array[0]["e"], sorted(ticker["s"] for ticker in array)) for array in arrays]
    every = ["BTCUSDT", "HUGE", "ODD"]
    assert told == [
        ("24hrMiniTicker", every), ("24hrTicker", every),
        ("24hrMiniTicker", ["ODD"]), ("24hrTicker", ["ODD"]),
    ]  # fmt: skip
    newcomers = [bench.follow("!miniTicker@arr", symbol="") for _ in range(2)]
    newcomer: Any = newcomers[0].messages()
    assert sorted(ticker["s"] for ticker in newcomer[0]) == every
    # The state is made once for all clients that come in the same second.
    assert newcomers[0].writes[0] is newcomers[1].writes[0]


async def test_trades_that_arrive_during_a_read_count_once(bench: Bench) -> None:
    """Whether the read has them already or not."""
    socket = bench.follow("ticker")
    await bench.trade(0)
    newest = bench.trades.newest

    async def meanwhile(symbol: Symbol, limit: int) -> list[TradeEvent]:
        found = await newest(symbol, limit)
        # One trade reaches Redis and this process before the candles are read.
        await bench.trade(1)
        await bench.arrive()
        return found

    bench.trades.newest = meanwhile  # type: ignore[method-assign]
    await bench.arrive()
    await bench.streams.statistics.load()
    bench.trades.newest = newest  # type: ignore[method-assign]
    await bench.trade(2, lots=7)
    await bench.second()
    (told,) = socket.messages()
    assert (told["n"], told["L"], told["Q"]) == (3, 3, "0.00007")


async def test_candles_of_every_second_do_not_set_the_clock_back(bench: Bench) -> None:
    """The time of a trade is over when the second ends in which it came."""
    bench.follow("kline_1m")
    await bench.trade(0)
    await bench.arrive()
    bench.elapsed_s = 1
    await bench.second()
    assert bench.clock.now_s() == START_S + 1


async def test_missing_trades_are_read(bench: Bench) -> None:
    """After a hole in the numbers totals and candles come from Redis again."""
    socket = bench.follow("ticker", "avgPrice", "kline_1m")
    await bench.trade(0)
    await bench.second()
    await bench.trade(1)
    await bench.trade(2)
    events = [decode_trade(payload).event for payload in await bench.venue.log()]
    bench._taken = 3
    bench.streams.take_trade(events[2], goes_on=False)
    # The first second finds the hole in the candles, the next one reads them.
    await bench.second()
    await bench.second()
    ticker, kline = ([m for m in socket.messages() if m["e"] == kind][-1]
                     for kind in ("24hrTicker", "kline"))  # fmt: skip
    assert (ticker["n"], kline["k"]["n"]) == (3, 3)
