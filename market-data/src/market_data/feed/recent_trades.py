"""The newest trades of every symbol, framed, so that most resuming clients need no read of Redis.

The rings hold the same `bytes` objects, so the bytes of a trade are in memory once. Pure.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

RECENT_TRADES_MAX = 10_000
"""Trades kept per symbol; older trades come from the replay log."""


class RecentTrade(NamedTuple):
    """One trade: its seq, the payload as published, the payload as a WebSocket frame."""

    seq: int
    payload: bytes
    frame: bytes


class RecentTrades:
    """Unbroken runs of trades, one per symbol, oldest first."""

    def __init__(self, trades_max: int = RECENT_TRADES_MAX) -> None:
        self._trades_max = trades_max
        self._runs: dict[str, deque[RecentTrade]] = {}

    def add(self, symbol: str, trade: RecentTrade) -> None:
        """Append the trade that follows the last one; after a gap the run starts again with it."""
        run = self._runs.get(symbol)
        if run is None:
            run = self._runs[symbol] = deque(maxlen=self._trades_max)
        if run and run[-1].seq + 1 != trade.seq:
            run.clear()
        run.append(trade)

    def after(self, symbol: str, seq: int, last: int) -> list[RecentTrade] | None:
        """All trades from `seq` + 1 to `last`; None if the run does not hold all of them."""
        if seq >= last:
            return []
        run = self._runs.get(symbol)
        if not run or run[0].seq > seq + 1 or run[-1].seq < last:
            return None
        # Seqs in a run are contiguous, so a seq is an index.
        start = seq + 1 - run[0].seq
        return [run[index] for index in range(start, start + last - seq)]

    def run(self, symbol: str) -> Sequence[RecentTrade]:
        """The kept trades of a symbol, oldest first, without a gap."""
        return self._runs.get(symbol, ())

    def cut(self, symbol: str, seq: int) -> None:
        """Forget the trades of a symbol after `seq`."""
        run = self._runs.get(symbol)
        while run and run[-1].seq > seq:
            run.pop()

    def clear(self) -> None:
        """Forget all trades, because another epoch began."""
        self._runs.clear()
