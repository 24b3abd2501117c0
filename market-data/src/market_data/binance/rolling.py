"""All trades of a window that ends now, as one candle per symbol: of 24 hours, of five minutes.

The window begins with a whole minute. When the window moves on, the total is read from Redis anew,
because the trades that leave it are not in memory. Between two reads the trades of the feed are
added.
"""

from collections.abc import Collection
from dataclasses import dataclass

from market_data.market.venue_clock import VenueClock
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import MINUTE_S, Candle, merge, trade_candle
from tapewire.market.market_records import MarketRecord
from tapewire.market.trade_log import TradeLog
from tapewire.values.types import Symbol
from tapewire.wire.trade_event import TradeEvent


@dataclass(slots=True)
class RollingTotal:
    """All trades since `start_s`, up to number `seq`; `last` is the last trade ever."""

    market: MarketRecord
    start_s: int
    seq: int
    total: Candle | None
    last: TradeEvent | None

    def add(self, event: TradeEvent) -> bool:
        """Add the next trade; False if trades are missing before it. Raises ValueError."""
        if event.epoch != self.market.epoch or event.seq > self.seq + 1:
            return False
        if event.seq == self.seq + 1:
            piece = trade_candle(event, self.market)
            self.seq, self.last = event.seq, event
            self.total = piece if self.total is None else merge(self.total, piece)
        return True


class RollingTotals:
    """The totals of the symbols that clients follow, of one length of window."""

    def __init__(
        self, candles: CandleLog, trades: TradeLog, clock: VenueClock, *, length_s: int
    ) -> None:
        """`length_s` is a number of whole minutes."""
        self._candles = candles
        self._trades = trades
        self._clock = clock
        self._length_s = length_s
        self._totals: dict[str, RollingTotal] = {}
        self._wanted: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        # Trades that arrive while their symbol is read; they may be newer than the trades read.
        self._reading: tuple[str, list[TradeEvent]] | None = None

    def get(self, symbol: str) -> RollingTotal | None:
        """The total of a symbol; None while it is being read."""
        return self._totals.get(symbol)

    @property
    def symbols(self) -> Collection[str]:
        """The symbols whose totals are known."""
        return self._totals.keys()

    def take(self, event: TradeEvent) -> None:
        """Add the next trade of a symbol, if a client follows the symbol."""
        if self._reading is not None and self._reading[0] == event.symbol:
            self._reading[1].append(event)
        total = self._totals.get(event.symbol)
        if total is None:
            return
        try:
            follows = total.add(event)
        except ValueError:
            follows = False
        if follows:
            self._changed[event.symbol] = None
        else:
            self._forget(event.symbol)

    def follow(self, symbols: Collection[str]) -> None:
        """Keep the totals of these symbols and no others; `load` reads missing and old totals."""
        for symbol in self._totals.keys() - set(symbols):
            del self._totals[symbol]
        start_s = self._start_s()
        self._wanted = {
            symbol: None
            for symbol in symbols
            if (total := self._totals.get(symbol)) is None or total.start_s != start_s
        }

    async def load(self) -> None:
        """Read the totals that are missing or old. Raises RedisError, OSError."""
        while self._wanted:
            symbol = next(iter(self._wanted))
            before = self._totals.get(symbol)
            total = await self._read(symbol)
            self._wanted.pop(symbol, None)
            if total is None:
                self._totals.pop(symbol, None)
                continue
            self._totals[symbol] = total
            if before is None or before.total != total.total:
                self._changed[symbol] = None

    def restart(self) -> None:
        """Forget all totals, because the venue's data was replaced."""
        self._totals.clear()
        self._changed.clear()

    def take_changed(self) -> Collection[str]:
        """The symbols whose totals changed since the last call."""
        changed, self._changed = self._changed, {}
        return [symbol for symbol in changed if symbol in self._totals]

    async def _read(self, symbol: str) -> RollingTotal | None:
        start_s, arrived = self._start_s(), list[TradeEvent]()
        self._reading = symbol, arrived
        try:
            last = await self._trades.newest(Symbol(symbol), 1)
            page = await self._candles.since(symbol, start_s)
        finally:
            self._reading = None
        if page is None:
            return None
        total = RollingTotal(
            page.market,
            start_s,
            page.market.seq,
            page.candles[0] if page.candles else None,
            last[0] if last else None,
        )
        for event in arrived:
            if not total.add(event):
                return None
            if total.last is None or total.last.seq < event.seq:
                total.last = event
        return total

    def _start_s(self) -> int:
        start_s = self._clock.now_s() - self._length_s
        return max(0, start_s - start_s % MINUTE_S)

    def _forget(self, symbol: str) -> None:
        del self._totals[symbol]
        self._changed.pop(symbol, None)
