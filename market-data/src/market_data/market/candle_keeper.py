"""Live candles, built from the trades that the feed delivers; the venue clock closes them.

The first client of a symbol makes the service read its candles from Redis. From then on the feed
adds trades to them. A trade whose number the candles include is skipped; after a gap in the numbers
the candles are read again. A candle is sent at most once a flush, and once more when it closes.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from market_data.fanout.hub import Hub
from market_data.market.venue_clock import VenueClock
from market_data.topics import CANDLES
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import (
    INTERVALS,
    Candle,
    Interval,
    flat_candle,
    merge,
    render_candle,
    trade_candle,
)
from tapewire.market.market_records import MarketRecord
from tapewire.web.websocket_frames import json_frame
from tapewire.wire.trade_event import TradeEvent

logger = logging.getLogger(__name__)

_INTERVAL_OF = {channel: name for name, channel in CANDLES.items()}

CLOSE_DELAY_S = 1
"""Seconds after the end of its period at which a candle without a later trade closes."""


class KeptCandle(NamedTuple):
    """A candle, the market record it was read with, and whether its period has ended."""

    candle: Candle
    market: MarketRecord
    is_closed: bool


@dataclass(slots=True)
class _Followed:
    """The newest candles of one symbol, with all trades up to `seq`."""

    market: MarketRecord
    seq: int
    candles: dict[str, Candle]
    # Intervals whose candle was sent as closed.
    closed: set[str] = field(default_factory=set)

    def kept(self, name: str) -> KeptCandle:
        """The candle of an interval."""
        return KeptCandle(self.candles[name], self.market, name in self.closed)


class CandleKeeper(ABC):
    """The newest candles of the followed symbols, of some intervals.

    With `fills`, a period without a trade has a flat candle, else no candle.
    """

    def __init__(
        self,
        log: CandleLog,
        clock: VenueClock,
        intervals: Mapping[str, Interval],
        *,
        fills: bool = False,
    ) -> None:
        self._log = log
        self._clock = clock
        self._all_intervals = intervals
        self._fills = fills
        self._fresh: dict[str, list[TradeEvent]] = {}
        self._followed: dict[str, _Followed] = {}
        self._wanted: dict[str, None] = {}
        self._checked_s = 0
        self.loads = 0

    @property
    def wanted(self) -> bool:
        """Whether `load` has something to do."""
        return bool(self._wanted)

    def take(self, event: TradeEvent) -> None:
        """Note a delivered trade; the next `publish` adds it to the candles."""
        self._fresh.setdefault(event.symbol, []).append(event)

    def publish(self) -> None:
        """Send the candles that changed since the last call, and those that have closed."""
        fresh, self._fresh = self._fresh, {}
        for symbol, events in fresh.items():
            followed = self._followed.get(symbol)
            try:
                self.hear(events[-1].timestamp)
                if followed is not None:
                    self._add(symbol, followed, events)
                elif self._intervals(symbol):
                    self._wanted[symbol] = None
            except ValueError as error:
                logger.warning("%s: skipped a trade for candles: %s", symbol, error)
                self._forget(symbol)
        now_s = self._clock.now_s()
        if now_s != self._checked_s:
            self._checked_s = now_s
            for symbol, followed in self._followed.items():
                self._close_due(symbol, followed, now_s, tells=True)

    async def load(self) -> None:
        """Read the candles that clients wait for, and send them. Raises RedisError, OSError."""
        while self._wanted:
            symbol = next(iter(self._wanted))
            newest = await self._log.newest(symbol, self._all_intervals)
            self.loads += 1
            del self._wanted[symbol]
            if newest is None:
                continue
            market = newest.market
            followed = _Followed(market, market.seq, newest.candles)
            self._followed[symbol] = followed
            self._close_due(symbol, followed, self._clock.now_s(), tells=not self._fills)
            for name in self._intervals(symbol):
                if name in newest.candles and name not in followed.closed:
                    self._send(symbol, followed, name)

    def newest(self, name: str, symbol: str) -> KeptCandle | None:
        """The newest candle of an interval.

        None while the candle is being read, and before the first trade; it is sent later.
        """
        followed = self._followed.get(symbol)
        if followed is None:
            self._wanted[symbol] = None
            return None
        return followed.kept(name) if name in followed.candles else None

    @abstractmethod
    def has_clients(self, name: str, symbol: str) -> bool:
        """Whether a client follows the candles of an interval."""

    @abstractmethod
    def send(self, name: str, symbol: str, kept: KeptCandle) -> None:
        """Send the newest candle of an interval to its clients."""

    @abstractmethod
    def hear(self, timestamp: str) -> None:
        """Take notice of the time of the newest trade. Raises ValueError."""

    def restart(self) -> None:
        """Read all candles again, because the venue's data was replaced."""
        for symbol in tuple(self._followed):
            self._forget(symbol)

    def _intervals(self, symbol: str) -> list[str]:
        return [name for name in self._all_intervals if self.has_clients(name, symbol)]

    def _forget(self, symbol: str) -> None:
        self._followed.pop(symbol, None)
        if self._intervals(symbol):
            self._wanted[symbol] = None

    def _add(self, symbol: str, followed: _Followed, events: list[TradeEvent]) -> None:
        names = self._intervals(symbol)
        if not names:
            del self._followed[symbol]
            return
        pieces: list[Candle] = []
        for event in events:
            if event.epoch != followed.market.epoch or event.seq > followed.seq + 1:
                self._forget(symbol)
                return
            if event.seq == followed.seq + 1:
                followed.seq = event.seq
                trade = trade_candle(event, followed.market)
                if pieces and pieces[-1].start_s == trade.start_s:
                    pieces[-1] = merge(pieces[-1], trade)
                else:
                    pieces.append(trade)
        shortest = followed.candles.get(next(iter(self._all_intervals)))
        if pieces and shortest is not None and pieces[0].start_s < shortest.start_s:
            # The trade came so late that its period has ended without it.
            self._forget(symbol)
            return
        for piece in pieces:
            self._merge(symbol, followed, piece)
        if pieces:
            for name in names:
                self._send(symbol, followed, name)

    def _merge(self, symbol: str, followed: _Followed, piece: Candle) -> None:
        """Add the trades of one minute to every interval; an earlier candle closes."""
        for name, interval in self._all_intervals.items():
            start_s = interval.start_s(piece.start_s)
            current = followed.candles.get(name)
            if current is None or current.start_s != start_s:
                if current is not None and name not in followed.closed:
                    followed.closed.add(name)
                    self._send(symbol, followed, name)
                followed.candles[name] = replace(piece, start_s=start_s)
            elif current.trades:
                followed.candles[name] = merge(current, piece)
            else:
                followed.candles[name] = replace(piece, start_s=start_s)
            followed.closed.discard(name)

    def _close_due(self, symbol: str, followed: _Followed, now_s: int, *, tells: bool) -> None:
        for name, candle in followed.candles.items():
            interval = self._all_intervals[name]
            if interval.end_s(candle.start_s) + CLOSE_DELAY_S > now_s:
                continue
            if name not in followed.closed:
                followed.closed.add(name)
                if tells:
                    self._send(symbol, followed, name)
            if self._fills:
                start_s = interval.start_s(now_s)
                followed.candles[name] = flat_candle(start_s, candle.close, candle.last_seq)
                followed.closed.discard(name)
                if tells:
                    self._send(symbol, followed, name)

    def _send(self, symbol: str, followed: _Followed, name: str) -> None:
        if self.has_clients(name, symbol):
            self.send(name, symbol, followed.kept(name))


class CandleFeed(CandleKeeper):
    """The candles of the feed's own clients. Only the feed calls the methods that write."""

    def __init__(self, log: CandleLog, hub: Hub, clock: VenueClock) -> None:
        super().__init__(log, clock, INTERVALS)
        self._hub = hub

    def hear(self, timestamp: str) -> None:
        """As for every keeper: set the clock, because the trade has just arrived."""
        self._clock.hear(timestamp)

    def has_clients(self, name: str, symbol: str) -> bool:
        """As for every keeper."""
        return self._hub.has_topic(CANDLES[name], symbol)

    def send(self, name: str, symbol: str, kept: KeptCandle) -> None:
        """As for every keeper."""
        self._hub.publish(CANDLES[name], symbol, None, _frame(name, symbol, kept))

    def state_frame(self, channel: str, symbol: str) -> bytes | None:
        """The initial state of a subscriber of `candles:<interval>`, framed (`newest`)."""
        name = _INTERVAL_OF[channel]
        kept = self.newest(name, symbol)
        return None if kept is None else _frame(name, symbol, kept)


def _frame(name: str, symbol: str, kept: KeptCandle) -> bytes:
    data = render_candle(kept.candle, symbol, INTERVALS[name], kept.market, closed=kept.is_closed)
    return json_frame({"type": "candle", "data": data})
