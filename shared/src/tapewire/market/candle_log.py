"""Reads candles from Redis: closed ones from the streams, open ones from `candle_now`.

Each answer is read in one transaction, because a candle that closes moves to its stream.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapewire import keys
from tapewire.market.candles import (
    BASES_S,
    HOUR_S,
    INTERVALS,
    MINUTE_S,
    Candle,
    Interval,
    group,
    merge,
    read_candle,
)
from tapewire.market.market_records import MarketRecord, read_market
from tapewire.redis.client import AsyncRedis
from tapewire.values.types import Symbol


@dataclass(frozen=True, slots=True)
class CandlePage:
    """Candles in order, and the market record of the same instant."""

    market: MarketRecord
    candles: list[Candle]


@dataclass(frozen=True, slots=True)
class NewestCandles:
    """The newest candle of every interval by name; empty if the symbol never traded."""

    market: MarketRecord
    candles: dict[str, Candle]


class CandleLog:
    """The keys `candle_now:<symbol>` and `candles:<symbol>:<base>`."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client

    async def candles(
        self, symbol: str, interval: Interval, *, start_s: int | None, end_s: int | None, limit: int
    ) -> CandlePage | None:
        """Candles that start at `start_s` or later and before `end_s`, oldest first.

        With `start_s` the first `limit` candles, without it the last. Periods without a trade have
        no candle. None for an unknown symbol. Raises RedisError, OSError.
        """
        # A base candle belongs to the period in which it starts, so whole periods are read.
        first_s = interval.start_s(0) if start_s is None else interval.next_start_s(start_s)
        last = "+" if end_s is None else _stream_id(interval.next_start_s(end_s), -1)
        count = limit * (interval.length_s // interval.base_s)
        stream = keys.candles(Symbol(symbol), interval.base_s)
        pipeline: Any = self._client.pipeline(transaction=True)
        _read_now(pipeline, symbol)
        pipeline.xrange(stream, count=1)
        if start_s is None:
            pipeline.xrevrange(stream, max=last, count=count)
        else:
            pipeline.xrange(stream, min=_stream_id(first_s), max=last, count=count)
        fields, now, oldest, entries = await pipeline.execute()
        market = read_market(fields)
        if market is None:
            return None
        closed = _read_entries(entries)
        if start_s is None:
            closed.reverse()
        # If entries lie between the two parts, `limit` periods were read before them.
        parts = closed + _now_candles(now, interval.base_s)
        candles = [
            candle
            for candle in group(parts, interval)
            if first_s <= candle.start_s and (end_s is None or candle.start_s < end_s)
        ]
        lost = _cut_period_s(interval, _read_entries(oldest))
        if candles and candles[0].start_s == lost:
            del candles[0]
        return CandlePage(market, candles[:limit] if start_s is not None else candles[-limit:])

    async def newest(
        self, symbol: str, intervals: Mapping[str, Interval] = INTERVALS
    ) -> NewestCandles | None:
        """The newest candle of every interval; None for an unknown symbol.

        Raises RedisError, OSError.
        """
        pipeline: Any = self._client.pipeline(transaction=True)
        _read_now(pipeline, symbol)
        by_length = sorted(intervals.values(), key=lambda interval: interval.length_s)
        longest = {interval.base_s: interval for interval in by_length}
        for base_s, interval in longest.items():
            count = interval.length_s // base_s
            pipeline.xrevrange(keys.candles(Symbol(symbol), base_s), count=count)
        fields, now, *streams = await pipeline.execute()
        market = read_market(fields)
        if market is None:
            return None
        closed = dict(zip(longest, map(_read_entries, streams), strict=True))
        candles = {}
        for name, interval in intervals.items():
            parts = closed[interval.base_s][::-1] + _now_candles(now, interval.base_s)
            if parts:
                candles[name] = group(parts, interval)[-1]
        return NewestCandles(market, candles)

    async def since(self, symbol: str, start_s: int) -> CandlePage | None:
        """All trades since the minute `start_s` as one candle; no candle without a trade.

        Whole hours are read as such. None for an unknown symbol. Raises RedisError, OSError.
        """
        hour_s = INTERVALS["1h"].next_start_s(start_s)
        minutes, hours = (keys.candles(Symbol(symbol), base_s) for base_s in (MINUTE_S, HOUR_S))
        pipeline: Any = self._client.pipeline(transaction=True)
        _read_now(pipeline, symbol)
        pipeline.xrange(minutes, min=_stream_id(start_s), max=_stream_id(hour_s, -1))
        pipeline.xrange(hours, min=_stream_id(hour_s))
        fields, now, *streams = await pipeline.execute()
        market = read_market(fields)
        if market is None:
            return None
        first, whole = map(_read_entries, streams)
        hour = [read_candle(now[b"3600"])] if b"3600" in now else []
        minute = [read_candle(now[b"60"])] if b"60" in now else []
        # Of the first hour only some minutes count; the closed ones are in the minute stream.
        parts = first + whole + [candle for candle in hour if candle.start_s >= hour_s]
        parts += [candle for candle in minute if candle.start_s >= start_s]
        total = parts[:1]
        for candle in parts[1:]:
            total = [merge(total[0], candle)]
        return CandlePage(market, total)


def _read_now(pipeline: Any, symbol: str) -> None:  # noqa: ANN401 (redis-py's two pipelines)
    pipeline.hmget(keys.market(Symbol(symbol)), "steps", "state")
    pipeline.hgetall(keys.candle_now(Symbol(symbol)))


def _read_entries(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> list[Candle]:
    return [read_candle(fields[b"candle"]) for _, fields in entries]


def _stream_id(time_s: int, more_ms: int = 0) -> str:
    return str(max(0, time_s * 1_000 + more_ms))


def _now_candles(now: dict[bytes, bytes], base_s: int) -> list[Candle]:
    """Open candles that the stream of the base lacks: of the base and of the shorter bases."""
    names = [str(base).encode() for base in reversed(BASES_S) if base <= base_s]
    return [read_candle(now[name]) for name in names if name in now]


def _cut_period_s(interval: Interval, oldest: list[Candle]) -> int | None:
    """The start of the period whose first candles may be trimmed; None if no candle is missing."""
    if not oldest or oldest[0].first_seq == 1:
        return None
    start_s = interval.start_s(oldest[0].start_s)
    return None if start_s == oldest[0].start_s else start_s
