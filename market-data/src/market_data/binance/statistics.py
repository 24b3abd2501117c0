"""The streams of every second: tickers, mean prices, candles."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable

from redis.exceptions import RedisError

from market_data.binance.names import (
    ALL_MINI_TICKERS,
    ALL_TICKERS,
    AVERAGE_PRICE,
    KLINES,
    MINI_TICKER,
    TICKER,
    UNFORMED,
)
from market_data.binance.outlet import Outlet, Render
from market_data.binance.rolling import RollingTotal, RollingTotals
from market_data.binance.statistic_messages import (
    average_message,
    kline_message,
    mini_ticker_message,
    ticker_message,
)
from market_data.market.candle_keeper import CandleKeeper, KeptCandle
from market_data.market.venue_clock import VenueClock
from market_data.topics import Topic
from tapewire.binance.statistics import AVERAGE_MINS
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import BINANCE_INTERVALS, DAY_S, MINUTE_S
from tapewire.market.trade_log import TradeLog
from tapewire.wire.book_event import Level
from tapewire.wire.trade_event import TradeEvent

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0

Best = Callable[[str], tuple[Level | None, Level | None]]
"""The best bid and ask of a symbol."""

_CHANNEL_OF = {interval: channel for channel, interval in KLINES.items()}
_TICKERS = frozenset({TICKER, MINI_TICKER})
_ALL_TICKERS = frozenset({ALL_TICKERS, *ALL_MINI_TICKERS})


class Statistics:
    """Publishes the streams of every second; run it as a supervised task."""

    def __init__(
        self,
        outlet: Outlet,
        candles: CandleLog,
        trades: TradeLog,
        clock: VenueClock,
        best: Best,
    ) -> None:
        self._outlet = outlet
        self._clock = clock
        self._best = best
        self._days = RollingTotals(candles, trades, clock, length_s=DAY_S)
        self._averages = RollingTotals(candles, trades, clock, length_s=AVERAGE_MINS * MINUTE_S)
        self._klines = Klines(candles, clock, outlet)
        # Symbols whose best prices changed in the last second.
        self._new_best: dict[str, None] = {}
        # The states of this second by topic: an array of a large venue takes milliseconds to make.
        self._states: dict[Topic, bytes] = {}

    async def run(self) -> None:
        """Publish every second until the task is cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s = max(due_s + INTERVAL_S, loop.time())
            await asyncio.sleep(due_s - loop.time())
            try:
                await self.load()
            except (RedisError, OSError) as error:
                logger.debug("statistics could not be read: %s", error)
            self.publish()

    def take(self, event: TradeEvent) -> None:
        """Add the next trade of its symbol."""
        self._days.take(event)
        self._averages.take(event)
        self._klines.take(event)

    def change_best(self, symbol: str) -> None:
        """Note that the best prices of a symbol changed."""
        self._new_best[symbol] = None

    def restart(self) -> None:
        """Forget everything, because the venue's data was replaced."""
        self._days.restart()
        self._averages.restart()
        self._klines.restart()
        self._states.clear()

    async def load(self) -> None:
        """Read what clients follow and this process does not know. Raises RedisError, OSError."""
        days, averages = dict[str, None](), dict[str, None]()
        for name, symbol in self._outlet.hub.topics:
            channel = UNFORMED[name][0]
            if channel in _TICKERS:
                days[symbol] = None
            elif channel in _ALL_TICKERS:
                days |= dict.fromkeys(self._outlet.table.symbols.listed)
            elif channel == AVERAGE_PRICE:
                averages[symbol] = None
        self._days.follow(days)
        self._averages.follow(averages)
        await self._days.load()
        await self._averages.load()
        if self._klines.wanted:
            await self._klines.load()

    def publish(self) -> None:
        """Send what changed in the last second."""
        self._states.clear()
        now_us = self._clock.now_us()
        traded = self._days.take_changed()
        new_best, self._new_best = self._new_best, {}
        changed = {**dict.fromkeys(traded), **new_best}
        self._send_each(MINI_TICKER, traded, self._mini_ticker, now_us)
        self._send_each(TICKER, changed, self._ticker, now_us)
        for channel in ALL_MINI_TICKERS:
            self._send_all(channel, traded, self._mini_ticker, now_us)
        self._send_all(ALL_TICKERS, changed, self._ticker, now_us)
        self._send_each(AVERAGE_PRICE, self._averages.take_changed(), self._average, now_us)
        self._klines.publish()
        self._outlet.hub.flush()

    def state_frame(self, name: str, symbol: str) -> bytes | None:
        """What a new client of a channel starts from, framed; None while it is being read.

        Clients that come in the same second are given the same bytes. What changes meanwhile is
        published at the end of the second.
        """
        frame = self._states.get((name, symbol)) or self._make_state(name, symbol)
        if frame is not None:
            self._states[name, symbol] = frame
        return frame

    # Inside.

    def _make_state(self, name: str, symbol: str) -> bytes | None:
        channel, now_us = UNFORMED[name][0], self._clock.now_us()
        if channel in KLINES:
            return self._klines.state_frame(name, symbol)
        if channel in _ALL_TICKERS:
            make = self._ticker if channel == ALL_TICKERS else self._mini_ticker
            rendered = self._array(self._days.symbols, make, now_us)
            return self._outlet.frame(name, symbol, rendered) if rendered else None
        totals = self._averages if channel == AVERAGE_PRICE else self._days
        make = {TICKER: self._ticker, MINI_TICKER: self._mini_ticker}.get(channel, self._average)
        if totals.get(symbol) is None:
            return None
        return self._outlet.frame(name, symbol, make(symbol, now_us))

    def _send_each(
        self,
        channel: str,
        symbols: Iterable[str],
        make: Callable[[str, int], Render],
        now_us: int,
    ) -> None:
        for symbol in symbols:
            if self._outlet.has_clients(channel, symbol):
                self._outlet.publish(channel, symbol, make(symbol, now_us))

    def _send_all(
        self,
        channel: str,
        symbols: Collection[str],
        make: Callable[[str, int], Render],
        now_us: int,
    ) -> None:
        if self._outlet.has_clients(channel, ""):
            rendered = self._array(symbols, make, now_us)
            if rendered is not None:
                self._outlet.publish(channel, "", rendered)

    def _array(
        self, symbols: Iterable[str], make: Callable[[str, int], Render], now_us: int
    ) -> Render | None:
        """The tickers of symbols as an array; None without any."""
        each = [make(symbol, now_us) for symbol in symbols if symbol in self._days.symbols]
        if not each:
            return None
        return lambda unit_us: b"[%b]" % b",".join(render(unit_us) for render in each)

    def _ticker(self, symbol: str, now_us: int) -> Render:
        total, shown, best = (
            self._days[symbol],
            self._outlet.table.shown(symbol),
            self._best(symbol),
        )
        return lambda unit_us: ticker_message(
            total.market,
            total.total,
            total.last,
            best=best,
            start_s=total.start_s,
            shown=shown,
            time_us=now_us,
            unit_us=unit_us,
        )

    def _mini_ticker(self, symbol: str, now_us: int) -> Render:
        total, shown = self._days[symbol], self._outlet.table.shown(symbol)
        return lambda unit_us: mini_ticker_message(
            total.market, total.total, shown=shown, time_us=now_us, unit_us=unit_us
        )

    def _average(self, symbol: str, now_us: int) -> Render:
        total: RollingTotal = self._averages[symbol]
        shown = self._outlet.table.shown(symbol)
        return lambda unit_us: average_message(
            total.market, total.total, total.last, shown=shown, time_us=now_us, unit_us=unit_us
        )


class Klines(CandleKeeper):
    """The candles of the streams, without holes."""

    def __init__(self, log: CandleLog, clock: VenueClock, outlet: Outlet) -> None:
        super().__init__(log, clock, BINANCE_INTERVALS, fills=True)
        self._outlet = outlet
        self._venue_clock = clock

    def has_clients(self, name: str, symbol: str) -> bool:
        """As for every keeper."""
        return self._outlet.has_clients(_CHANNEL_OF[name], symbol)

    def send(self, name: str, symbol: str, kept: KeptCandle) -> None:
        """As for every keeper."""
        self._outlet.publish(_CHANNEL_OF[name], symbol, self._render(name, symbol, kept))

    def state_frame(self, hub_name: str, symbol: str) -> bytes | None:
        """The newest candle of a channel, framed; None while it is being read."""
        name = KLINES[UNFORMED[hub_name][0]]
        kept = self.newest(name, symbol)
        if kept is None:
            return None
        return self._outlet.frame(hub_name, symbol, self._render(name, symbol, kept))

    def _render(self, name: str, symbol: str, kept: KeptCandle) -> Render:
        shown, now_us = self._outlet.table.shown(symbol), self._venue_clock.now_us()
        interval = BINANCE_INTERVALS[name]
        return lambda unit_us: kline_message(
            kept.candle,
            interval,
            kept.market,
            is_closed=kept.is_closed,
            shown=shown,
            time_us=now_us,
            unit_us=unit_us,
        )
