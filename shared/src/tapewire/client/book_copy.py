"""A client's copy of a book: snapshot, then updates, proven by checksum. Pure."""

import zlib
from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal

from tapewire.client.replies import PriceLevel
from tapewire.wire.book_event import BookUpdate, Level
from tapewire.wire.feed_messages import BookState

CHECKSUM_LEVELS = 10


class BookCopy:
    """The levels of one symbol as of `seq` of `epoch`; it changes with every update."""

    __slots__ = ("_asks", "_bids", "epoch", "seq", "symbol", "timestamp")

    def __init__(self, state: BookState) -> None:
        """Start from a snapshot."""
        self.symbol = state.symbol
        self.epoch = state.epoch
        self.seq = state.seq
        self.timestamp = state.timestamp
        self._bids = _Side(state.bids, -1)
        self._asks = _Side(state.asks, 1)

    def apply(self, update: BookUpdate) -> None:
        """Set the levels and the seq of an update, which the caller knows to be the next one."""
        self.seq = update.seq
        self.timestamp = update.timestamp
        self._bids.apply(update.bids)
        self._asks.apply(update.asks)

    def bids(self, count: int | None = None) -> list[PriceLevel]:
        """The best `count` bids, or all, highest first."""
        return self._bids.levels(count)

    def asks(self, count: int | None = None) -> list[PriceLevel]:
        """The best `count` asks, or all, lowest first."""
        return self._asks.levels(count)

    def checksum(self) -> int:
        """CRC32 of the ten best levels, as the feed defines it."""
        return zlib.crc32(f"{self._bids.text()}|{self._asks.text()}".encode("ascii"))


class _Side:
    """Levels in the order of their keys: the price, or for bids the negated price."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, levels: Iterable[Level], sign: int) -> None:
        self._sign = sign
        self._keys: list[Decimal] = []
        self._levels: dict[Decimal, Level] = {}
        self.apply(levels)

    def apply(self, levels: Iterable[Level]) -> None:
        for price, quantity in levels:
            key = self._sign * Decimal(price)
            if Decimal(quantity):
                if key not in self._levels:
                    insort(self._keys, key)
                self._levels[key] = (price, quantity)
            elif self._levels.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]

    def levels(self, count: int | None) -> list[PriceLevel]:
        texts = (self._levels[key] for key in self._keys[:count])
        return [PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in texts]

    def text(self) -> str:
        best = (self._levels[key] for key in self._keys[:CHECKSUM_LEVELS])
        return ",".join(f"{price}:{quantity}" for price, quantity in best)
