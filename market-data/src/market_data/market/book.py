"""The level-2 book of one symbol: price levels, best prices, checksum, windows. Pure.

Decimal text comes in and goes out unchanged. Inside, the key of a price is the integer of its
digits. Keys can be compared because all prices of a symbol have the same number of decimals.
"""

import zlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from tapewire.errors import MessageError
from tapewire.values.decimals import format_units
from tapewire.wire.book_event import Level

CHECKSUM_LEVELS = 10

WindowChange = tuple[list[Level], list[Level]]
"""The changed bids and asks of a window; quantity zero removes a level from the window."""

_Rows = list[tuple[int, Level]]


class Level2Book:
    """All price levels of one symbol as of update `seq` of `epoch`."""

    __slots__ = ("_asks", "_bids", "_checksum", "_price_decimals", "_quantity_decimals", "_zero",
                 "epoch", "seq", "timestamp")  # fmt: skip

    def __init__(
        self, price_decimals: int, quantity_decimals: int, *, epoch: str = "", seq: int = 0,
        timestamp: str = "", bids: Iterable[Level] = (), asks: Iterable[Level] = (),
    ) -> None:  # fmt: skip
        """Make a book of these levels. Raises MessageError for text with other decimals."""
        self._price_decimals = price_decimals
        self._quantity_decimals = quantity_decimals
        self._zero = format_units(0, quantity_decimals)
        self._bids = _BookSide(self._rows(bids, 1), self._zero)
        self._asks = _BookSide(self._rows(asks, -1), self._zero)
        self._checksum: int | None = None
        self.epoch = epoch
        self.seq = seq
        self.timestamp = timestamp

    def apply(
        self, seq: int, bids: Iterable[Level], asks: Iterable[Level], depths: Sequence[int] = ()
    ) -> list[WindowChange]:
        """Set levels (quantity zero removes one), and set `seq`; the caller checks that it follows.

        Returns, per depth, the changes in the window of that many best levels. Raises
        MessageError, with nothing changed, for text with other decimals than the book's.
        """
        bid_rows, ask_rows = self._rows(bids, 1), self._rows(asks, -1)
        self.seq = seq
        self._checksum = None
        if not depths:
            self._bids.change(bid_rows)
            self._asks.change(ask_rows)
            return []
        bid_changes = self._bids.apply(bid_rows, depths)
        ask_changes = self._asks.apply(ask_rows, depths)
        return list(zip(bid_changes, ask_changes, strict=True))

    @property
    def zero(self) -> str:
        """Quantity zero in the decimals of the book."""
        return self._zero

    @property
    def zero_price(self) -> str:
        """Price zero in the decimals of the book."""
        return format_units(0, self._price_decimals)

    def best(self) -> tuple[Level | None, Level | None]:
        """The best bid and the best ask."""
        return self._bids.best(), self._asks.best()

    def top(self, count: int | None = None) -> tuple[list[Level], list[Level]]:
        """The best `count` bids and asks, or all, best first."""
        return self._bids.top(count), self._asks.top(count)

    def checksum(self) -> int:
        """CRC32 of the ten best bids and asks.

        The text is `price:quantity` of each level, best first, joined by commas: bids, then a
        bar, then asks.
        """
        if self._checksum is None:
            bids, asks = self.top(CHECKSUM_LEVELS)
            text = f"{_checksum_text(bids)}|{_checksum_text(asks)}"
            self._checksum = zlib.crc32(text.encode("ascii"))
        return self._checksum

    def _rows(self, levels: Iterable[Level], sign: int) -> _Rows:
        rows = []
        for level in levels:
            price, quantity = level
            whole, _, fraction = price.partition(".")
            if (
                len(fraction) != self._price_decimals
                or len(quantity.partition(".")[2]) != self._quantity_decimals
            ):
                raise MessageError(f"level {price}, {quantity} has other decimals than its book")
            rows.append((sign * int(whole + fraction), level))
        return rows


class _BookSide:
    """Levels by key: the price for bids, minus the price for asks; the best key is the last.

    Most changes happen near the best price, where a sorted list moves least.
    """

    __slots__ = ("_keys", "_levels", "_zero")

    def __init__(self, rows: _Rows, zero: str) -> None:
        self._zero = zero
        self._levels = {key: level for key, level in rows if level[1] != zero}
        self._keys = sorted(self._levels)

    def best(self) -> Level | None:
        return self._levels[self._keys[-1]] if self._keys else None

    def top(self, count: int | None) -> list[Level]:
        levels = self._levels
        if count is None:
            return [levels[key] for key in reversed(self._keys)]
        return [levels[key] for key in self._keys[: -count - 1 : -1]]

    def change(self, rows: _Rows) -> None:
        keys, levels = self._keys, self._levels
        for key, level in rows:
            if level[1] == self._zero:
                if levels.pop(key, None) is not None:
                    del keys[bisect_left(keys, key)]
            else:
                if key not in levels:
                    insort(keys, key)
                levels[key] = level

    def apply(self, rows: _Rows, depths: Sequence[int]) -> list[list[Level]]:
        if not rows:
            return [[] for _ in depths]
        keys = self._keys
        before = [keys[-depth:] for depth in depths]
        self.change(rows)
        return [
            self._changes(window, keys[-depth:], rows)
            for window, depth in zip(before, depths, strict=True)
        ]

    def _changes(self, before: list[int], after: list[int], rows: _Rows) -> list[Level]:
        levels = self._levels
        if before == after:
            return [levels[key] for key, _ in rows if after and key >= after[0] and key in levels]
        changed = dict(rows)
        earlier, now = set(before), set(after)
        gone = [
            ((changed.get(key) or levels[key])[0], self._zero) for key in before if key not in now
        ]
        return gone + [levels[key] for key in after if key in changed or key not in earlier]


def _checksum_text(levels: list[Level]) -> str:
    return ",".join(f"{price}:{quantity}" for price, quantity in levels)
