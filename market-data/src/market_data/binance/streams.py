"""From the events of the feed to the streams: at once, or every 100 ms or second.

Differences of books are gathered for 100 ms or one second. A difference begins with the number
after the end of the difference before it, so that a client proves that it misses nothing. Where
that cannot be promised, the clients are closed, because Binance clients resynchronise then.
"""

import asyncio
from collections.abc import Callable, Collection

from market_data.binance.depth import Difference, Differences, difference_between
from market_data.binance.messages import (
    aggregate_trade_message,
    book_ticker_message,
    depth_message,
    partial_book_message,
    shutdown_message,
    trade_message,
)
from market_data.binance.names import (
    AGG_TRADE,
    BOOK_TICKER,
    DIFFERENCES,
    FAST,
    PARTIAL_BOOKS,
    SHUTDOWN,
    SLOW,
    TRADE,
    UNFORMED,
    SymbolTable,
)
from market_data.binance.outlet import Outlet, Render
from market_data.binance.statistics import Statistics
from market_data.errors import CloseCode
from market_data.fanout.hub import Hub
from market_data.limits import FanoutLimits
from market_data.market.book import Level2Book
from market_data.market.listener import Listener
from market_data.market.venue_clock import VenueClock
from market_data.topics import Subscription
from tapewire.market.candle_log import CandleLog
from tapewire.market.trade_log import TradeLog
from tapewire.values.timestamps import parse_timestamp
from tapewire.wire.book_event import BookUpdate, Level
from tapewire.wire.trade_event import TradeEvent

TICK_S = 0.1
TICKS_PER_S = 10

_LEVELS = {channel: count for books in PARTIAL_BOOKS.values() for channel, count in books.items()}
_DIFFERENCES = frozenset(channel for channels in DIFFERENCES.values() for channel in channels)
_TRADES = frozenset({TRADE, AGG_TRADE})


class Streams(Listener):
    """Publishes all streams; run it as a supervised task. The feed calls the other methods."""

    def __init__(
        self,
        limits: FanoutLimits,
        clock: VenueClock,
        *,
        candles: CandleLog,
        trades: TradeLog,
        known_symbols: Callable[[], Collection[str]],
    ) -> None:
        """`known_symbols` returns the symbols that the venue has now."""
        # A hub of their own, because these clients understand no message of the feed.
        self.hub = Hub(limits=limits, farewell=lambda _since: b"")
        self.outlet = Outlet(self.hub, SymbolTable(known_symbols))
        self.statistics = Statistics(self.outlet, candles, trades, clock, self._best_levels)
        self._clock = clock
        self._ticks = 0
        self._books: dict[str, Level2Book] = {}
        # By speed: the changes since the last message of that speed.
        self._differences = {speed: Differences() for speed in DIFFERENCES}
        self._changed: dict[str, dict[str, None]] = {speed: {} for speed in PARTIAL_BOOKS}
        # By channel and symbol: the partial book that was sent last.
        self._tops: dict[tuple[str, str], tuple[list[Level], list[Level]]] = {}
        # The time of the last trade as text and in microseconds; a sweep has one for all trades.
        self._moment = ("", 0)
        self.hub.find_states_with(self._state_frame)

    async def run(self) -> None:
        """Tick until the task is cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            # Ticks that a busy loop missed are left out.
            due_s = max(due_s + TICK_S, loop.time())
            await asyncio.sleep(due_s - loop.time())
            self.tick()

    def tick(self) -> None:
        """Send the changes of the last 100 ms, and every tenth time those of the last second."""
        self._ticks += 1
        self._send_books(FAST)
        if self._ticks % TICKS_PER_S == 0:
            self._send_books(SLOW)
        self.hub.flush()

    def tell_shutdown(self, _within_ms: int) -> None:
        """Tell every client that the process is about to stop."""
        time_us = self._clock.now_us()
        self.outlet.publish(SHUTDOWN, "", lambda unit_us: shutdown_message(time_us, unit_us))

    # Called by the feed.

    def take_trade(self, event: TradeEvent, *, goes_on: bool) -> None:
        """Publish a trade."""
        self.statistics.take(event)
        if not self.hub.sessions:
            return
        outlet, symbol = self.outlet, event.symbol
        for channel, message in ((TRADE, trade_message), (AGG_TRADE, aggregate_trade_message)):
            if outlet.has_clients(channel, symbol):
                shown, time_us = outlet.table.shown(symbol), self._time_us(event.timestamp)
                outlet.publish(
                    channel,
                    symbol,
                    _with_unit(message, event, shown, time_us),
                    seq=event.seq,
                    goes_on=goes_on,
                )

    def lose_trades(self, symbol: str) -> None:
        """Close the clients of the trades of a symbol."""
        self._close_followers(_TRADES, symbol)

    def change_book(self, update: BookUpdate, book: Level2Book, *, is_best_new: bool) -> None:
        """Note the levels of an update, and publish new best prices."""
        if not self.hub.sessions:
            return
        self._note(book, update.symbol, update.seq, update.bids, update.asks)
        if is_best_new:
            self._send_best(update.symbol, book)

    def renew_book(self, symbol: str, before: Level2Book | None, book: Level2Book | None) -> None:
        """Note the difference of a book from its earlier state of the same epoch."""
        if book is None:
            self._books.pop(symbol, None)
            self._close_followers(UNFORMED_CHANNELS, symbol)
            return
        self._books[symbol] = book
        if before is None or before.epoch != book.epoch or before.seq > book.seq:
            self._close_followers(_DIFFERENCES, symbol)
        elif before.seq < book.seq:
            bids, asks = difference_between(before, book)
            self._note(book, symbol, before.seq + 1, bids, asks)
        if before is None or before.best() != book.best():
            self._send_best(symbol, book)

    def restart(self) -> None:
        """Close every client, because a new epoch numbers from the start."""
        self.statistics.restart()
        for session in tuple(self.hub.sessions):
            session.close(CloseCode.TRY_AGAIN, "resync")

    def flush(self) -> None:
        """Write the trades and best prices of a poll."""
        self.hub.flush()

    # Inside.

    def _time_us(self, timestamp: str) -> int:
        if self._moment[0] != timestamp:
            try:
                time_us = parse_timestamp(timestamp)
            except ValueError:
                time_us = self._clock.now_us()
            self._moment = timestamp, time_us
        return self._moment[1]

    def _note(
        self,
        book: Level2Book,
        symbol: str,
        first: int,
        bids: Collection[Level],
        asks: Collection[Level],
    ) -> None:
        for speed, channels in DIFFERENCES.items():
            self._changed[speed][symbol] = None
            if any(self.outlet.has_clients(channel, symbol) for channel in channels):
                self._differences[speed].add(symbol, first, book.seq, bids, asks)

    def _send_books(self, speed: str) -> None:
        time_us = self._clock.now_us()
        for symbol, difference in self._differences[speed].take().items():
            render = _difference_render(difference, self.outlet.table.shown(symbol), time_us)
            for channel in DIFFERENCES[speed]:
                self.outlet.publish(channel, symbol, render)
        changed, self._changed[speed] = self._changed[speed], {}
        for symbol in changed:
            book = self._books.get(symbol)
            for channel, levels in PARTIAL_BOOKS[speed].items():
                if book is None or not self.outlet.has_clients(channel, symbol):
                    self._tops.pop((channel, symbol), None)
                    continue
                top = book.top(levels)
                if self._tops.get((channel, symbol)) != top:
                    self._tops[channel, symbol] = top
                    payload = partial_book_message(book.seq, *top)
                    self.outlet.publish(channel, symbol, _constant(payload))

    def _send_best(self, symbol: str, book: Level2Book) -> None:
        self.statistics.change_best(symbol)
        if self.outlet.has_clients(BOOK_TICKER, symbol):
            self.outlet.publish(BOOK_TICKER, symbol, _constant(self._best(symbol, book)))

    def _best(self, symbol: str, book: Level2Book) -> bytes:
        bid, ask = book.best()
        empty = (book.zero_price, book.zero)
        return book_ticker_message(
            book.seq, bid or empty, ask or empty, self.outlet.table.shown(symbol)
        )

    def _best_levels(self, symbol: str) -> tuple[Level | None, Level | None]:
        book = self._books.get(symbol)
        return (None, None) if book is None else book.best()

    def _state_frame(self, name: str, symbol: str) -> bytes | None:
        """The first state of a channel for a new client; None if it is not known yet."""
        channel, _ = UNFORMED[name]
        if channel != BOOK_TICKER and channel not in _LEVELS:
            return self.statistics.state_frame(name, symbol)
        book = self._books.get(symbol)
        if book is None:
            return None
        if channel == BOOK_TICKER:
            payload = self._best(symbol, book)
        else:
            # Another client may have an earlier book, so the next change is sent to all.
            self._tops.pop((channel, symbol), None)
            payload = partial_book_message(book.seq, *book.top(_LEVELS[channel]))
        return self.outlet.frame(name, symbol, _constant(payload))

    def _close_followers(self, channels: Collection[str], symbol: str) -> None:
        """Close the clients that follow one of the channels of a symbol."""
        # Looked for by subscription, because thousands of clients share a few.
        following = {
            subscription
            for subscription in self.hub.subscriptions
            if _follows(subscription, channels, symbol)
        }
        for session in tuple(self.hub.sessions) if following else ():
            if session.subscription in following:
                session.close(CloseCode.TRY_AGAIN, "resync")


UNFORMED_CHANNELS = frozenset(channel for channel, _ in UNFORMED.values())

STATEFUL = UNFORMED_CHANNELS - _TRADES - _DIFFERENCES - {SHUTDOWN}
"""The channels whose new clients are sent the present state first."""


def _follows(subscription: Subscription, channels: Collection[str], symbol: str) -> bool:
    return any(name == symbol and UNFORMED[topic][0] in channels for topic, name in subscription)


def _constant(payload: bytes) -> Render:
    """A form of messages without times."""
    return lambda _unit_us: payload


def _with_unit(
    message: Callable[[TradeEvent, str, int, int], bytes],
    event: TradeEvent,
    shown: str,
    time_us: int,
) -> Render:
    return lambda unit_us: message(event, shown, time_us, unit_us)


def _difference_render(difference: Difference, shown: str, time_us: int) -> Render:
    return lambda unit_us: depth_message(
        difference.first,
        difference.last,
        difference.bids.items(),
        difference.asks.items(),
        shown=shown,
        time_us=time_us,
        unit_us=unit_us,
    )
