"""The streams of every second: tickers, mean prices, candles."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from redis.exceptions import RedisError

from market_data.binance.names import (
    ARRAYS,
    AVERAGE_PRICE,
    KLINES,
    MINI_TICKER,
    TICKER,
    UNFORMED,
    WINDOW_TICKERS,
)
from market_data.binance.outlet import Outlet, Render
from market_data.binance.rolling import RollingTotal, RollingTotals
from market_data.binance.statistic_messages import (
    average_message,
    kline_message,
    mini_ticker_message,
    ticker_message,
    window_ticker_message,
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

Make = Callable[[str, RollingTotal, int], Render]
"""Makes a message, given a symbol, its total, and the time in microseconds."""

_CHANNEL_OF = {interval: channel for channel, interval in KLINES.items()}


class _Kind(NamedTuple):
    """A channel that shows a total of each symbol."""

    totals: RollingTotals
    make: Make


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
        lengths_s = {DAY_S, AVERAGE_MINS * MINUTE_S, *WINDOW_TICKERS.values()}
        totals = {
            length_s: RollingTotals(candles, trades, clock, length_s=length_s)
            for length_s in lengths_s
        }
        self._totals = tuple(totals.values())
        self._kinds: Mapping[str, _Kind] = {
            MINI_TICKER: _Kind(totals[DAY_S], self._mini_ticker),
            TICKER: _Kind(totals[DAY_S], self._ticker),
            AVERAGE_PRICE: _Kind(totals[AVERAGE_MINS * MINUTE_S], self._average),
            **{
                channel: _Kind(totals[length_s], partial(self._window_ticker, channel))
                for channel, length_s in WINDOW_TICKERS.items()
            },
        }
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
        for totals in self._totals:
            totals.take(event)
        self._klines.take(event)

    def change_best(self, symbol: str) -> None:
        """Note that the best prices of a symbol changed."""
        self._new_best[symbol] = None

    def restart(self) -> None:
        """Forget everything, because the venue's data was replaced."""
        for totals in self._totals:
            totals.restart()
        self._klines.restart()
        self._states.clear()

    async def load(self) -> None:
        """Read the followed statistics that this process lacks. Raises RedisError, OSError."""
        followed = {totals: dict[str, None]() for totals in self._totals}
        for name, symbol in self._outlet.hub.topics:
            channel = UNFORMED[name][0]
            kind = self._kinds.get(ARRAYS.get(channel, channel))
            if kind is not None:
                named = self._outlet.table.symbols.listed if channel in ARRAYS else (symbol,)
                followed[kind.totals] |= dict.fromkeys(named)
        for totals, symbols in followed.items():
            totals.follow(symbols)
        for totals in self._totals:
            await totals.load()
        if self._klines.wanted:
            await self._klines.load()

    def publish(self) -> None:
        """Send the statistics that changed in the last second."""
        self._states.clear()
        now_us = self._clock.now_us()
        traded = {totals: totals.take_changed() for totals in self._totals}
        new_best, self._new_best = self._new_best, {}
        for channel, kind in self._kinds.items():
            changed = dict.fromkeys(traded[kind.totals])
            if channel == TICKER:
                changed |= new_best
            for symbol in changed:
                if self._outlet.has_clients(channel, symbol):
                    rendered = self._render(kind, symbol, now_us)
                    if rendered is not None:
                        self._outlet.publish(channel, symbol, rendered)
            for array, shown in ARRAYS.items():
                if shown == channel and self._outlet.has_clients(array, ""):
                    rendered = self._array(kind, changed, now_us)
                    if rendered is not None:
                        self._outlet.publish(array, "", rendered)
        self._klines.publish()
        self._outlet.hub.flush()

    def state_frame(self, name: str, symbol: str) -> bytes | None:
        """The first state for a new client of a channel, framed; None while it is being read.

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
        kind = self._kinds[ARRAYS.get(channel, channel)]
        if channel in ARRAYS:
            rendered = self._array(kind, kind.totals.symbols, now_us)
        else:
            rendered = self._render(kind, symbol, now_us)
        return None if rendered is None else self._outlet.frame(name, symbol, rendered)

    def _render(self, kind: _Kind, symbol: str, now_us: int) -> Render | None:
        """The message about a symbol; None while its total is being read."""
        total = kind.totals.get(symbol)
        return None if total is None else kind.make(symbol, total, now_us)

    def _array(self, kind: _Kind, symbols: Iterable[str], now_us: int) -> Render | None:
        """The messages about symbols as an array; None without any."""
        found = [self._render(kind, symbol, now_us) for symbol in symbols]
        each = [rendered for rendered in found if rendered is not None]
        if not each:
            return None
        return lambda unit_us: b"[%b]" % b",".join(render(unit_us) for render in each)

    def _ticker(self, symbol: str, total: RollingTotal, now_us: int) -> Render:
        shown, best = self._outlet.table.shown(symbol), self._best(symbol)
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

    def _mini_ticker(self, symbol: str, total: RollingTotal, now_us: int) -> Render:
        shown = self._outlet.table.shown(symbol)
        return lambda unit_us: mini_ticker_message(
            total.market, total.total, shown=shown, time_us=now_us, unit_us=unit_us
        )

    def _window_ticker(self, channel: str, symbol: str, total: RollingTotal, now_us: int) -> Render:
        shown = self._outlet.table.shown(symbol)
        return lambda unit_us: window_ticker_message(
            total.market,
            total.total,
            channel=channel,
            start_s=total.start_s,
            shown=shown,
            time_us=now_us,
            unit_us=unit_us,
        )

    def _average(self, symbol: str, total: RollingTotal, now_us: int) -> Render:
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

    def hear(self, timestamp: str) -> None:
        """As for every keeper: do nothing, because the trade came up to a second ago."""

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
