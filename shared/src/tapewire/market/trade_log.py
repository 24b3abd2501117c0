"""Reads trades of a symbol from the replay log of Redis, by number or by time."""

from typing import Any

from tapewire import keys
from tapewire.errors import MessageError
from tapewire.redis.client import AsyncRedis
from tapewire.values.timestamps import parse_timestamp
from tapewire.values.types import Symbol
from tapewire.wire.trade_event import TradeEvent, decode_trade


class TradeLog:
    """The streams `trades:<symbol>`. Every method raises RedisError, OSError."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client: Any = client

    async def newest(self, symbol: Symbol, limit: int) -> list[TradeEvent]:
        """The last `limit` trades, oldest first."""
        entries = await self._client.xrevrange(keys.replay_log(symbol), count=limit)
        return _read(entries[::-1])

    async def since(self, symbol: Symbol, seq: int, limit: int) -> list[TradeEvent]:
        """The first `limit` trades that are numbered `seq` or higher, oldest first."""
        entries = await self._client.xrange(keys.replay_log(symbol), min=str(seq), count=limit)
        return _read(entries)

    async def first_at(self, symbol: Symbol, time_us: int) -> int:
        """The number of the first trade at `time_us` or later; one more than the last if none.

        A binary search, because the log is ordered by number: about 20 reads of one trade.
        """
        newest = await self.newest(symbol, 1)
        oldest = await self.since(symbol, 0, 1)
        if not newest or not oldest:
            return 1
        low, high = oldest[0].seq, newest[0].seq + 1
        while low < high:
            middle = (low + high) // 2
            found = await self.since(symbol, middle, 1)
            # The log lost its oldest entries meanwhile, so the search continues above them.
            if found and parse_timestamp(found[0].timestamp) < time_us:
                low = max(middle, found[0].seq) + 1
            else:
                high = middle
        return low


def _read(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> list[TradeEvent]:
    """The trades among entries; an entry that is not a trade is skipped."""
    trades = []
    for _, fields in entries:
        try:
            trades.append(decode_trade(fields.get(b"event", b"")).event)
        except MessageError:
            continue
    return trades
