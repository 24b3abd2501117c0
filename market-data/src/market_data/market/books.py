"""The books of all symbols, kept from updates that prove to be complete, and told to the hub.

    seq == book's seq + 1   apply and publish
    seq <= book's seq       already in the book, drop
    anything else           the book is stale until `resync` has read it from Redis anew

An update that is lost is not refilled: levels are state, so the newest of them is all that counts,
and clients are sent a fresh snapshot instead of the updates they missed.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from market_data.fanout.frames import text_frame
from market_data.fanout.hub import Hub
from market_data.feed.sequencer import Positions
from market_data.market.book import Level2Book, WindowChange
from market_data.market.market_records import BookRecord, MarketRecords
from tapewire import keys
from tapewire.errors import MessageError, Unavailable, UnknownSymbol
from tapewire.values.timestamps import format_timestamp
from tapewire.wire.book_event import BookUpdate, Level, decode_book_update

logger = logging.getLogger(__name__)

Depth: TypeAlias = Literal[10, 50, "all"]

BOOK_CHANNELS: dict[str, Depth] = {"book": "all", "book10": 10, "book50": 50}
BBO_CHANNEL = "bbo"

_WINDOWS = {"book10": 10, "book50": 50}


class StaleBook(Unavailable):
    """Updates are missing; the book is being read anew."""

    code = "stale_data"


@dataclass(slots=True)
class BookCounters:
    """What the books have seen since the start."""

    updates: int = 0
    duplicates: int = 0
    garbage: int = 0
    stale: int = 0
    resyncs: int = 0


class Books:
    """Written by the feed alone; read by whoever needs a snapshot."""

    def __init__(self, records: MarketRecords, hub: Hub) -> None:
        self._records = records
        self._hub = hub
        self._books: dict[str, Level2Book] = {}
        self._stale: dict[str, None] = {}
        self._snapshots: dict[tuple[str, Depth], tuple[Level2Book, int, bytes]] = {}
        self._loaded = False
        self._has_venue = True
        self.counters = BookCounters()

    @property
    def stale(self) -> bool:
        """Whether `resync` has something to do."""
        return self._has_venue and bool(self._stale)

    def seqs(self, epoch: str) -> dict[str, int]:
        """The number of every book of an epoch that is known, by symbol."""
        return {symbol: book.seq for symbol, book in self._books.items() if book.epoch == epoch}

    def take(self, payload: bytes) -> None:
        """Apply one message of `book_updates` and publish it; what is not one is passed over."""
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

    def expect(self, positions: Positions) -> None:
        """Learn where the venue is at least; a book that is not there yet is stale.

        Without a venue in Redis all books are stale, until there is one again.
        """
        self._has_venue = bool(positions.epoch)
        if not self._has_venue:
            self.distrust_all()
            return
        for symbol, book_seq in positions.book_seqs.items():
            book = self._books.get(symbol)
            if book is None or book.epoch != positions.epoch or book.seq < book_seq:
                self._distrust(symbol)
        for symbol in self._books.keys() - positions.book_seqs.keys():
            self._distrust(symbol)

    def distrust_all(self) -> None:
        """Read every book anew: the subscription was away, and so may Redis' data have been."""
        for symbol in self._books:
            self._distrust(symbol)

    async def resync(self) -> None:
        """Read what is stale and publish fresh snapshots of it. Raises RedisError, OSError."""
        while self.stale:
            symbol = next(iter(self._stale))
            record = await self._records.book(symbol)
            self.counters.resyncs += 1
            del self._stale[symbol]
            if record is None:
                # Its instrument is gone (or never was, and the message was not the venue's).
                self._books.pop(symbol, None)
                for depth in BOOK_CHANNELS.values():
                    self._snapshots.pop((symbol, depth), None)
                continue
            self._books[symbol] = _book_of(record)
            self._publish_fresh(symbol)
        self._loaded = True

    def snapshot(self, symbol: str, depth: Depth) -> dict[str, Any]:
        """The message `book_snapshot` with the best levels. Raises UnknownSymbol, StaleBook."""
        book = self._fresh(symbol)
        bids, asks = book.top(None if depth == "all" else depth)
        return {
            "type": "book_snapshot",
            "data": {
                "symbol": symbol,
                "seq": book.seq,
                "epoch": book.epoch,
                "depth": depth,
                "bids": bids,
                "asks": asks,
                "checksum": book.checksum(),
                "timestamp": book.timestamp,
            },
        }

    def snapshot_frame(self, symbol: str, depth: Depth) -> bytes:
        """The snapshot, framed; built once however many clients ask between two updates.

        Raises UnknownSymbol, StaleBook.
        """
        book = self._fresh(symbol)
        held = self._snapshots.get((symbol, depth))
        if held is not None and held[0] is book and held[1] == book.seq:
            return held[2]
        frame = _frame(self.snapshot(symbol, depth))
        self._snapshots[symbol, depth] = (book, book.seq, frame)
        return frame

    def bbo(self, symbol: str) -> dict[str, Any]:
        """The message `bbo`: best bid and ask. Raises UnknownSymbol, StaleBook."""
        book = self._fresh(symbol)
        bid, ask = book.best()
        return {
            "type": "bbo",
            "data": {
                "symbol": symbol,
                "seq": book.seq,
                "bid": bid,
                "ask": ask,
                "timestamp": book.timestamp,
                "epoch": book.epoch,
            },
        }

    def bbo_frame(self, symbol: str) -> bytes:
        """The message `bbo`, framed. Raises UnknownSymbol, StaleBook."""
        return _frame(self.bbo(symbol))

    def checksum(self, symbol: str) -> int:
        """CRC32 of the ten best levels (`Level2Book.checksum`). Raises UnknownSymbol, StaleBook."""
        return self._fresh(symbol).checksum()

    def mark(self, symbol: str) -> dict[str, int] | None:
        """Seq and checksum, for a heartbeat; None while they are not known."""
        book = self._books.get(symbol)
        if book is None or symbol in self._stale:
            return None
        return {"seq": book.seq, "checksum": book.checksum()}

    def first_frame(self, channel: str, symbol: str) -> bytes | None:
        """What a new subscriber of `book`, `book10`, `book50` or `bbo` is sent first, framed.

        None while the book is not known: it is published on the channel as soon as it is.
        """
        if symbol not in self._books or symbol in self._stale:
            return None
        if channel == BBO_CHANNEL:
            return self.bbo_frame(symbol)
        return self.snapshot_frame(symbol, BOOK_CHANNELS[channel])

    def check_venue(self) -> None:
        """Raise StaleBook if Redis holds no venue now."""
        if not self._has_venue:
            raise StaleBook("Redis holds no venue now; ask again shortly.")

    def _fresh(self, symbol: str) -> Level2Book:
        self.check_venue()
        if symbol in self._stale or not self._loaded:
            raise StaleBook(f"The book of {symbol} is being read anew; ask again shortly.")
        if symbol not in self._books:
            raise UnknownSymbol("symbol is not traded here.")
        return self._books[symbol]

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
        if hub.has_topic("book", symbol):
            frame = text_frame(b'{"type":"l2_update","data":%b}' % payload)
            hub.publish("book", symbol, seq, frame)
        for name, change in zip(windows, changes, strict=True):
            hub.publish(name, symbol, seq, _window_frame(update, change))
        if hub.has_topic(BBO_CHANNEL, symbol) and book.best() != best:
            hub.publish(BBO_CHANNEL, symbol, None, self.bbo_frame(symbol))

    def _publish_fresh(self, symbol: str) -> None:
        for name, depth in BOOK_CHANNELS.items():
            if self._hub.has_topic(name, symbol):
                self._hub.publish(name, symbol, None, self.snapshot_frame(symbol, depth))
        if self._hub.has_topic(BBO_CHANNEL, symbol):
            self._hub.publish(BBO_CHANNEL, symbol, None, self.bbo_frame(symbol))


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
    # Every text in it is checked by BookUpdate, so that nothing needs escaping.
    bids, asks = change
    return text_frame(
        f'{{"type":"l2_update","data":{{"symbol":"{update.symbol}","seq":{update.seq},'
        f'"bids":[{_rows_json(bids)}],"asks":[{_rows_json(asks)}],'
        f'"timestamp":"{update.timestamp}","epoch":"{update.epoch}"}}}}'.encode()
    )


def _rows_json(levels: list[Level]) -> str:
    return ",".join(f'["{price}","{quantity}"]' for price, quantity in levels)


def _frame(message: dict[str, Any]) -> bytes:
    return text_frame(json.dumps(message, separators=(",", ":")).encode())
