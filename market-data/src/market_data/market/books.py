"""The books of all symbols, built from numbered updates, and published to the hub.

    seq == book's seq + 1   apply and publish
    seq <= book's seq       already in the book, drop
    anything else           the book is stale until `resync` has read it from Redis again

Lost updates are not read from a log, because only the newest state of a level counts. Clients get a
fresh snapshot instead of the updates that they missed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from market_data.errors import StaleData, unknown_symbol
from market_data.fanout.hub import Hub
from market_data.market.book import Level2Book, WindowChange
from market_data.market.listener import Listener
from market_data.topics import BBO, BOOK_DEPTHS, Depth
from tapewire import keys
from tapewire.errors import MessageError
from tapewire.market.market_records import BookRecord, MarketRecords
from tapewire.values.timestamps import format_timestamp
from tapewire.web.websocket_frames import json_frame, text_frame
from tapewire.wire.book_event import BookUpdate, decode_book_update

logger = logging.getLogger(__name__)

_WINDOWS = {channel: depth for channel, depth in BOOK_DEPTHS.items() if depth != "all"}
_WHOLE_BOOK = next(channel for channel, depth in BOOK_DEPTHS.items() if depth == "all")


@dataclass(slots=True)
class _Snapshot:
    """A book as JSON as of `seq`, and its WebSocket message once a client needed it."""

    book: Level2Book
    seq: int
    data: bytes
    framed: bytes | None = None

    def frame(self) -> bytes:
        if self.framed is None:
            self.framed = text_frame(b'{"type":"book_snapshot","data":%b}' % self.data)
        return self.framed


@dataclass(slots=True)
class BookCounters:
    """The counters of the books since the process started."""

    updates: int = 0
    duplicates: int = 0
    garbage: int = 0
    stale: int = 0
    resyncs: int = 0


class Books:
    """The book of every symbol. The feed writes them; clients and HTTP routes read them."""

    def __init__(self, records: MarketRecords, hub: Hub, listener: Listener | None = None) -> None:
        """`listener` hears of every change after the clients of the hub."""
        self._records = records
        self._listener = listener or Listener()
        self._hub = hub
        self._books: dict[str, Level2Book] = {}
        self._stale: dict[str, None] = {}
        self._snapshots: dict[tuple[str, Depth], _Snapshot] = {}
        self._loaded = False
        self._has_venue = True
        self.counters = BookCounters()

    @property
    def records(self) -> MarketRecords:
        """The records that the books are read from."""
        return self._records

    @property
    def stale(self) -> bool:
        """Whether `resync` has something to do."""
        return self._has_venue and bool(self._stale)

    @property
    def loaded(self) -> bool:
        """Whether all books were read from Redis at least once."""
        return self._loaded

    def is_stale(self, symbol: str) -> bool:
        """Whether the book of a symbol is being read from Redis."""
        return symbol in self._stale or symbol not in self._books

    def seqs(self, epoch: str) -> dict[str, int]:
        """The number of every book of an epoch that is known, by symbol."""
        return {symbol: book.seq for symbol, book in self._books.items() if book.epoch == epoch}

    def take(self, payload: bytes) -> None:
        """Apply one message of `book_updates` and publish it; invalid messages are skipped."""
        try:
            update = decode_book_update(payload)
            book = self._books.get(update.symbol)
            if book is None or update.symbol in self._stale:
                self._distrust(update.symbol)
            elif update.epoch == book.epoch and update.seq <= book.seq:
                self.counters.duplicates += 1
            elif update.epoch == book.epoch and update.seq == book.seq + 1:
                self._apply(book, update, payload)
            else:
                self._distrust(update.symbol)
        except MessageError as error:
            self.counters.garbage += 1
            logger.warning("skipped a message on %s: %s", keys.BOOK_CHANNEL, error)

    def expect(self, epoch: str, seqs: Mapping[str, int]) -> None:
        """Compare the books with the venue's epoch and numbers; a book behind its number is stale.

        Without a venue in Redis (no epoch) all books are stale until Redis has one again.
        """
        self._has_venue = bool(epoch)
        if not self._has_venue:
            self.distrust_all()
            return
        for symbol, seq in seqs.items():
            book = self._books.get(symbol)
            if book is None or book.epoch != epoch or book.seq < seq:
                self._distrust(symbol)
        for symbol in self._books.keys() - seqs.keys():
            self._distrust(symbol)

    def distrust_all(self) -> None:
        """Make every book stale, because updates may have been lost with the subscription."""
        for symbol in self._books:
            self._distrust(symbol)

    async def resync(self) -> None:
        """Read the stale books and publish fresh snapshots. Raises RedisError, OSError."""
        while self.stale:
            symbol = next(iter(self._stale))
            record = await self._records.book(symbol)
            self.counters.resyncs += 1
            del self._stale[symbol]
            if record is None:
                # The instrument was removed, or the message that named the symbol was forged.
                self._listener.renew_book(symbol, self._books.pop(symbol, None), None)
                for depth in BOOK_DEPTHS.values():
                    self._snapshots.pop((symbol, depth), None)
                continue
            before, book = self._books.get(symbol), _book_of(record)
            self._books[symbol] = book
            self._publish_fresh(symbol)
            self._listener.renew_book(symbol, before, book)
        self._loaded = True

    def snapshot_json(self, symbol: str, depth: Depth) -> bytes:
        """The book with its best levels as JSON, encoded once per update.

        Raises UnknownSymbol, StaleData.
        """
        return self._snapshot(symbol, depth).data

    def quote(self, symbol: str) -> dict[str, Any]:
        """Best bid and best ask. Raises UnknownSymbol, StaleData."""
        book = self._fresh(symbol)
        bid, ask = book.best()
        return {
            "symbol": symbol,
            "seq": book.seq,
            "bid": bid,
            "ask": ask,
            "timestamp": book.timestamp,
            "epoch": book.epoch,
        }

    def checksum(self, symbol: str) -> int:
        """CRC32 of the ten best levels (`Level2Book.checksum`). Raises UnknownSymbol, StaleData."""
        return self._fresh(symbol).checksum()

    def mark(self, symbol: str) -> dict[str, int] | None:
        """Number and checksum of a book, for a heartbeat; None while the book is being read."""
        book = self._books.get(symbol)
        if book is None or symbol in self._stale:
            return None
        return {"seq": book.seq, "checksum": book.checksum()}

    def state_frame(self, channel: str, symbol: str) -> bytes | None:
        """The initial state of a subscriber of `book`, `book10`, `book50` or `bbo`, framed.

        None while the book is being read; `resync` then publishes the state on the channel.
        """
        if symbol not in self._books or symbol in self._stale:
            return None
        if channel == BBO:
            return self._quote_frame(symbol)
        return self._snapshot(symbol, BOOK_DEPTHS[channel]).frame()

    def _snapshot(self, symbol: str, depth: Depth) -> _Snapshot:
        book = self._fresh(symbol)
        known = self._snapshots.get((symbol, depth))
        if known is not None and known.book is book and known.seq == book.seq:
            return known
        bids, asks = book.top(None if depth == "all" else depth)
        body = {
            "symbol": symbol,
            "seq": book.seq,
            "epoch": book.epoch,
            "depth": depth,
            "bids": bids,
            "asks": asks,
            "checksum": book.checksum(),
            "timestamp": book.timestamp,
        }
        made = self._snapshots[symbol, depth] = _Snapshot(book, book.seq, msgspec.json.encode(body))
        return made

    def _quote_frame(self, symbol: str) -> bytes:
        return json_frame({"type": "bbo", "data": self.quote(symbol)})

    def check_venue(self) -> None:
        """Raise StaleData if Redis holds no venue now."""
        if not self._has_venue:
            raise StaleData("Redis holds no venue now; ask again shortly.")

    def _fresh(self, symbol: str) -> Level2Book:
        self.check_venue()
        book = self._books.get(symbol)
        if symbol in self._stale or (book is None and not self._loaded):
            raise StaleData(f"The book of {symbol} is being read again; ask again shortly.")
        if book is None:
            raise unknown_symbol(symbol)
        return book

    def _distrust(self, symbol: str) -> None:
        if symbol in self._stale:
            return
        self._stale[symbol] = None
        if symbol in self._books:
            self.counters.stale += 1

    def _apply(self, book: Level2Book, update: BookUpdate, payload: bytes) -> None:
        hub, symbol, seq = self._hub, update.symbol, update.seq
        windows = [name for name in _WINDOWS if hub.has_topic(name, symbol)]
        best = book.best()
        changes = book.apply(seq, update.bids, update.asks, [_WINDOWS[name] for name in windows])
        book.timestamp = update.timestamp
        self.counters.updates += 1
        if hub.has_topic(_WHOLE_BOOK, symbol):
            frame = text_frame(b'{"type":"l2_update","data":%b}' % payload)
            hub.publish(_WHOLE_BOOK, symbol, seq, frame)
        for name, change in zip(windows, changes, strict=True):
            hub.publish(name, symbol, seq, _window_frame(update, change))
        is_best_new = book.best() != best
        if is_best_new and hub.has_topic(BBO, symbol):
            hub.publish(BBO, symbol, None, self._quote_frame(symbol))
        self._listener.change_book(update, book, is_best_new=is_best_new)

    def _publish_fresh(self, symbol: str) -> None:
        for channel in (*BOOK_DEPTHS, BBO):
            if self._hub.has_topic(channel, symbol):
                frame = self.state_frame(channel, symbol)
                if frame is not None:
                    self._hub.publish(channel, symbol, None, frame)


def _book_of(record: BookRecord) -> Level2Book:
    market = record.market
    return Level2Book(
        market.price_decimals,
        market.quantity_decimals,
        epoch=market.epoch,
        seq=market.book_seq,
        timestamp=format_timestamp(market.clock_us),
        bids=record.bids,
        asks=record.asks,
    )


def _window_frame(update: BookUpdate, change: WindowChange) -> bytes:
    bids, asks = change
    data = {
        "symbol": update.symbol,
        "seq": update.seq,
        "bids": bids,
        "asks": asks,
        "timestamp": update.timestamp,
        "epoch": update.epoch,
    }
    return json_frame({"type": "l2_update", "data": data})
