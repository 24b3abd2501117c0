"""Candles (open, high, low, close and volume of the trades of a period), and their periods. Pure.

Prices are in ticks, volumes in lots, notionals in ticks x lots, times in seconds since 1970 UTC.
Redis keeps three base periods (`tapewire/matching/lua/core/candles.lua`); every other one is
made of whole base candles.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from tapewire.market.market_records import MarketRecord
from tapewire.packed.layout import CANDLE
from tapewire.values.timestamps import format_timestamp, parse_timestamp
from tapewire.values.types import Side
from tapewire.wire.trade_event import TradeEvent

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
BASES_S = (MINUTE_S, HOUR_S, DAY_S)
INTERVAL_NAMES = ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w")
MONTH = "1M"
BINANCE_INTERVAL_NAMES = (
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", MONTH,
)  # fmt: skip

# 1970-01-05 was a Monday.
_FIRST_MONDAY_S = 4 * DAY_S


@dataclass(frozen=True, slots=True)
class Interval:
    """A kind of period; `first_s` is the start of any period, `length_s` the longest one's length.

    Every period has the same length, but for months.
    """

    name: str
    length_s: int
    base_s: int
    first_s: int = 0

    def start_s(self, time_s: int) -> int:
        """The start of the period that a time falls in."""
        return time_s - (time_s - self.first_s) % self.length_s

    def end_s(self, start_s: int) -> int:
        """The start of the period after the one that starts at `start_s`."""
        return start_s + self.length_s

    def next_start_s(self, time_s: int) -> int:
        """The start of the first period that begins at `time_s` or later."""
        start_s = self.start_s(time_s)
        return start_s if start_s == time_s else self.end_s(start_s)


class Months(Interval):
    """Calendar months, UTC."""

    __slots__ = ()

    def start_s(self, time_s: int) -> int:
        """The start of the first day of the month."""
        first = datetime.fromtimestamp(time_s, UTC).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        return int(first.timestamp())

    def end_s(self, start_s: int) -> int:
        """The start of the next month."""
        return self.start_s(start_s + self.length_s)


def _read_interval(name: str) -> Interval:
    """A count and a unit: m, h, d, w or M."""
    count, unit = int(name[:-1]), name[-1]
    if name == MONTH:
        return Months(name, 31 * DAY_S, DAY_S)
    if unit == "w":
        return Interval(name, count * 7 * DAY_S, DAY_S, _FIRST_MONDAY_S)
    base_s = {"m": MINUTE_S, "h": HOUR_S, "d": DAY_S}[unit]
    return Interval(name, count * base_s, base_s)


INTERVALS: Mapping[str, Interval] = MappingProxyType(
    {name: _read_interval(name) for name in INTERVAL_NAMES}
)
BINANCE_INTERVALS: Mapping[str, Interval] = MappingProxyType(
    {name: _read_interval(name) for name in BINANCE_INTERVAL_NAMES}
)


@dataclass(frozen=True, slots=True)
class Candle:
    """Trades `first_seq` to `last_seq` of a symbol, all of one period."""

    start_s: int
    open: int
    high: int
    low: int
    close: int
    volume_lots: int
    notional: int
    trades: int
    first_seq: int
    last_seq: int
    # The parts of these volumes that takers bought.
    taker_buy_lots: int = 0
    taker_buy_notional: int = 0


def read_candle(text: bytes) -> Candle:
    """Read a candle as Redis holds it. Raises ValueError, TypeError for anything else."""
    return Candle(*map(int, CANDLE.read(text.decode())))


def merge(earlier: Candle, later: Candle) -> Candle:
    """One candle of the trades of both; it starts when the earlier one starts."""
    return Candle(
        start_s=earlier.start_s,
        open=earlier.open,
        high=max(earlier.high, later.high),
        low=min(earlier.low, later.low),
        close=later.close,
        volume_lots=earlier.volume_lots + later.volume_lots,
        notional=earlier.notional + later.notional,
        trades=earlier.trades + later.trades,
        first_seq=earlier.first_seq,
        last_seq=later.last_seq,
        taker_buy_lots=earlier.taker_buy_lots + later.taker_buy_lots,
        taker_buy_notional=earlier.taker_buy_notional + later.taker_buy_notional,
    )


def flat_candle(start_s: int, close: int, last_seq: int) -> Candle:
    """The candle of a period without a trade; `close` and `last_seq` are of the trade before it."""
    return Candle(
        start_s=start_s,
        open=close,
        high=close,
        low=close,
        close=close,
        volume_lots=0,
        notional=0,
        trades=0,
        first_seq=last_seq,
        last_seq=last_seq,
    )


def trade_candle(event: TradeEvent, market: MarketRecord) -> Candle:
    """One trade as a candle of its minute. Raises ValueError."""
    ticks = int(event.price.replace(".", "")) // market.tick_units
    lots = int(event.quantity.replace(".", "")) // market.lot_units
    time_s = parse_timestamp(event.timestamp) // 1_000_000
    bought = lots if event.aggressor_side is Side.BUY else 0
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
        taker_buy_lots=bought,
        taker_buy_notional=ticks * bought,
    )


def group(candles: Iterable[Candle], interval: Interval) -> list[Candle]:
    """Merge candles of a shorter period, oldest first, into candles of the interval."""
    grouped: list[Candle] = []
    for candle in candles:
        start_s = interval.start_s(candle.start_s)
        if grouped and grouped[-1].start_s == start_s:
            grouped[-1] = merge(grouped[-1], candle)
        else:
            grouped.append(replace(candle, start_s=start_s))
    return grouped


def render_candle(
    candle: Candle, symbol: str, interval: Interval, market: MarketRecord, *, closed: bool
) -> dict[str, Any]:
    """The candle as clients see it, with the decimals of its instrument."""
    return {
        "symbol": symbol,
        "interval": interval.name,
        "start": format_timestamp(candle.start_s * 1_000_000),
        "open": market.price_text(candle.open),
        "high": market.price_text(candle.high),
        "low": market.price_text(candle.low),
        "close": market.price_text(candle.close),
        "volume": market.quantity_text(candle.volume_lots),
        "quote_volume": market.notional_text(candle.notional),
        "taker_buy_volume": market.quantity_text(candle.taker_buy_lots),
        "taker_buy_quote_volume": market.notional_text(candle.taker_buy_notional),
        "trades": candle.trades,
        "first_seq": candle.first_seq,
        "last_seq": candle.last_seq,
        "closed": closed,
        "epoch": market.epoch,
    }
