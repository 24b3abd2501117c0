"""Keeps copies of books and proves them: by seq at every update, by checksum at heartbeats. Pure.

A wrong copy is dropped and the book is subscribed to again. A book that is wrong FAILURES_MAX times
in a row is a BookError.
"""

from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias

from tapewire.client.book_copy import BookCopy
from tapewire.client.errors import BookError, ContinuityError
from tapewire.client.tracker import Selection, Signal
from tapewire.wire.book_event import BookUpdate
from tapewire.wire.feed_messages import (
    BookMark,
    BookSnapshot,
    BookState,
    FeedMessage,
    Gap,
    Heartbeat,
    L2Update,
    Market,
    Subscribed,
    UnknownMessage,
)
from tapewire.wire.market_event import MarketEvent

FAILURES_MAX = 3

MARKS_WITHOUT_COPY_MAX = 3
"""Heartbeats in a row that speak of a book without a snapshot, while no other snapshot comes.

The service makes the snapshots of a request one after the other, as the client takes them.
"""

BookDepth: TypeAlias = Literal[10, 50] | None
"""Price levels of each side; None means all."""

Outcome: TypeAlias = BookCopy | ContinuityError | Signal


class BookKeeper:
    """The copies of one subscription to books, over all its connections."""

    def __init__(self, symbols: Collection[str] = (), depth: BookDepth = None) -> None:
        """Follow the books of these symbols, or all."""
        self._selection = Selection(symbols)
        self._channel = "book" if depth is None else f"book{depth}"
        self._failures: dict[str, int] = {}
        # By symbol without a copy: heartbeats with its mark since the last snapshot of any book.
        self._awaited: dict[str, int] = {}
        self._answered = False
        self.copies: dict[str, BookCopy] = {}

    def request(self) -> dict[str, object]:
        """The subscription for a new connection; earlier copies are dropped."""
        self.copies.clear()
        self._awaited.clear()
        self._answered = False
        body: dict[str, object] = {"op": "subscribe", "channels": [self._channel]}
        return body | self._selection.members()

    def offer(self, message: FeedMessage | UnknownMessage) -> list[Outcome]:
        """Take the next message of the connection; returns copies, errors and signals in order."""
        self._selection.take(message)
        match message:
            case Market(data=MarketEvent(symbol=symbol, change="delisted")):
                self.copies.pop(symbol, None)
            case Subscribed():
                self._answered = True
            case BookSnapshot():
                return self._start(message.data)
            case L2Update():
                return self._update(message.data)
            case Gap(channel=self._channel):
                # There is no copy until the snapshot that follows.
                self.copies.pop(message.symbol, None)
            case Heartbeat(book=marks) if marks and self._answered:
                return self._prove(marks)
        return []

    def _start(self, state: BookState) -> list[Outcome]:
        self._awaited.clear()
        copy = BookCopy(state)
        if copy.checksum() != state.checksum:
            return self._distrust(state.symbol)
        self.copies[copy.symbol] = copy
        return [copy]

    def _update(self, update: BookUpdate) -> list[Outcome]:
        copy = self.copies.get(update.symbol)
        if copy is None or (update.epoch == copy.epoch and update.seq <= copy.seq):
            return []
        if update.epoch != copy.epoch or update.seq != copy.seq + 1:
            return self._lose(update.symbol)
        copy.apply(update)
        return [copy]

    def _prove(self, marks: Mapping[str, BookMark]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for symbol, mark in marks.items():
            copy = self.copies.get(symbol)
            if copy is not None and copy.seq < mark.seq:
                outcomes += self._lose(symbol)
            elif copy is None:
                self._awaited[symbol] = self._awaited.get(symbol, 0) + 1
                if self._awaited[symbol] >= MARKS_WITHOUT_COPY_MAX:
                    outcomes += self._distrust(symbol)
            elif copy.seq == mark.seq and copy.checksum() != mark.checksum:
                outcomes += self._distrust(symbol)
            elif copy.seq == mark.seq:
                self._failures.pop(symbol, None)
        # The stream reads outcomes up to the first signal.
        return sorted(outcomes, key=lambda outcome: isinstance(outcome, Signal))

    def _lose(self, symbol: str) -> list[Outcome]:
        """A message was lost; the next copy is not under suspicion."""
        del self.copies[symbol]
        return [Signal.RECONNECT]

    def _distrust(self, symbol: str) -> list[Outcome]:
        self.copies.pop(symbol, None)
        failures = self._failures[symbol] = self._failures.get(symbol, 0) + 1
        if failures < FAILURES_MAX:
            return [Signal.RECONNECT]
        del self._failures[symbol]
        return [BookError(symbol), Signal.RECONNECT]
