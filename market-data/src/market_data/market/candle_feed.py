"""Live candles, built from the trades that the feed delivers, and the venue clock that closes them.

The first client of a symbol makes the service read its candles from Redis. From then on the feed
adds trades to them. A trade whose number the candles include is skipped; after a gap in the numbers
the candles are read again. A candle is sent at most once a flush, and once more when it closes.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from market_data.fanout.hub import Hub
from market_data.topics import CANDLES
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import INTERVALS, MINUTE_S, Candle, merge, render_candle
from tapewire.market.market_records import MarketRecord
from tapewire.values.timestamps import parse_timestamp
from tapewire.web.websocket_frames import json_frame
from tapewire.wire.trade_event import TradeEvent

logger = logging.getLogger(__name__)

_INTERVAL_OF = {channel: name for name, channel in CANDLES.items()}

CLOSE_DELAY_S = 1
"""Seconds after the end of its period at which a candle without a later trade closes."""


class VenueClock:
    """The venue's time: the time of the newest trade plus the time passed since.

    The venue's clock is the clock of Redis, in a replay the clock of the recording. Before the
    first trade the clock of this machine is used.
    """

    def __init__(
        self,
        elapsed_ns: Callable[[], int] = time.monotonic_ns,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`elapsed_ns` only ever grows; `now_ns` counts from 1970 UTC and is read once."""
        self._elapsed_ns = elapsed_ns
        self._heard_us = now_ns() // 1_000
        self._heard_at_ns = elapsed_ns()

    def hear(self, timestamp: str) -> None:
        """Set the clock to the time of a trade that just arrived. Raises ValueError."""
        self._heard_us = parse_timestamp(timestamp)
        self._heard_at_ns = self._elapsed_ns()

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return self._heard_us + (self._elapsed_ns() - self._heard_at_ns) // 1_000

    def now_s(self) -> int:
        """Whole seconds since 1970 UTC."""
        return self.now_us() // 1_000_000


@dataclass(slots=True)
class _Followed:
    """The newest candles of one symbol, with all trades up to `seq`."""

    market: MarketRecord
    seq: int
    candles: dict[str, Candle]
    # Intervals whose candle was sent as closed.
    closed: set[str] = field(default_factory=set)


class CandleFeed:
    """The newest candles of the followed symbols. Only the feed calls the methods that write."""

    def __init__(self, log: CandleLog, hub: Hub, clock: VenueClock) -> None:
        self._log = log
        self._hub = hub
        self._clock = clock
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
                self._clock.hear(events[-1].timestamp)
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
                self._close_due(symbol, followed, now_s)

    async def load(self) -> None:
        """Read the candles that clients wait for, and send them. Raises RedisError, OSError."""
        while self._wanted:
            symbol = next(iter(self._wanted))
            newest = await self._log.newest(symbol)
            self.loads += 1
            del self._wanted[symbol]
            if newest is None:
                continue
            market = newest.market
            followed = _Followed(market, market.seq, newest.candles)
            self._followed[symbol] = followed
            self._close_due(symbol, followed, self._clock.now_s())
            for name in self._intervals(symbol):
                if name in newest.candles and name not in followed.closed:
                    self._send(symbol, followed, name)

    def state_frame(self, channel: str, symbol: str) -> bytes | None:
        """The initial state of a subscriber of `candles:<interval>`, framed.

        None while the candle is being read, and before the first trade; it is published later.
        """
        followed = self._followed.get(symbol)
        if followed is None:
            self._wanted[symbol] = None
            return None
        name = _INTERVAL_OF[channel]
        return self._frame(symbol, followed, name) if name in followed.candles else None

    def restart(self) -> None:
        """Read all candles again, because the venue's data was replaced."""
        for symbol in tuple(self._followed):
            self._forget(symbol)

    def _intervals(self, symbol: str) -> list[str]:
        has_topic = self._hub.has_topic
        return [name for name, channel in CANDLES.items() if has_topic(channel, symbol)]

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
                trade = _candle_of(event, followed.market)
                if pieces and pieces[-1].start_s == trade.start_s:
                    pieces[-1] = merge(pieces[-1], trade)
                else:
                    pieces.append(trade)
        for piece in pieces:
            self._merge(symbol, followed, piece)
        if pieces:
            for name in names:
                self._send(symbol, followed, name)

    def _merge(self, symbol: str, followed: _Followed, piece: Candle) -> None:
        """Add the trades of one minute to every interval; an earlier candle closes."""
        for name, interval in INTERVALS.items():
            start_s = interval.start_s(piece.start_s)
            current = followed.candles.get(name)
            if current is not None and current.start_s == start_s:
                followed.candles[name] = merge(current, piece)
            else:
                if current is not None and name not in followed.closed:
                    followed.closed.add(name)
                    self._send(symbol, followed, name)
                followed.candles[name] = replace(piece, start_s=start_s)
            followed.closed.discard(name)

    def _close_due(self, symbol: str, followed: _Followed, now_s: int) -> None:
        for name, candle in followed.candles.items():
            end_s = INTERVALS[name].end_s(candle.start_s)
            if name not in followed.closed and end_s + CLOSE_DELAY_S <= now_s:
                followed.closed.add(name)
                self._send(symbol, followed, name)

    def _send(self, symbol: str, followed: _Followed, name: str) -> None:
        channel = CANDLES[name]
        if self._hub.has_topic(channel, symbol):
            self._hub.publish(channel, symbol, None, self._frame(symbol, followed, name))

    def _frame(self, symbol: str, followed: _Followed, name: str) -> bytes:
        data = render_candle(
            followed.candles[name],
            symbol,
            INTERVALS[name],
            followed.market,
            closed=name in followed.closed,
        )
        message = {"type": "candle", "data": data}
        return json_frame(message)


def _candle_of(event: TradeEvent, market: MarketRecord) -> Candle:
    """One trade as a candle of its minute. Raises ValueError."""
    ticks = int(event.price.replace(".", "")) // market.tick_units
    lots = int(event.quantity.replace(".", "")) // market.lot_units
    time_s = parse_timestamp(event.timestamp) // 1_000_000
    return Candle(
        start_s=time_s - time_s % MINUTE_S,
        open=ticks,
        high=ticks,
        low=ticks,
        close=ticks,
        volume_lots=lots,
        notional=ticks * lots,
        trades=1,
        first_seq=event.seq,
        last_seq=event.seq,
    )
