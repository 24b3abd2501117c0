"""Differences of books: the levels that changed between two update numbers. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from market_data.market.book import Level2Book
from tapewire.wire.book_event import Level


@dataclass(slots=True)
class Difference:
    """The levels that updates `first` to `last` changed: price to quantity, by side."""

    first: int
    last: int
    bids: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)

    def add(self, last: int, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Add the levels of the updates up to `last`, which follow."""
        self.last = last
        self.bids.update(bids)
        self.asks.update(asks)


class Differences:
    """The difference of every symbol since it was last taken.

    A symbol that no client follows has none. The first difference of a client begins with the first
    update after its subscription, or before it.
    """

    def __init__(self) -> None:
        self._differences: dict[str, Difference] = {}

    def add(
        self, symbol: str, first: int, last: int, bids: Iterable[Level], asks: Iterable[Level]
    ) -> None:
        """Add updates `first` to `last` of a followed symbol."""
        difference = self._differences.get(symbol)
        # Updates are missing here if no client followed the symbol when they came.
        if difference is None or difference.last + 1 != first:
            difference = self._differences[symbol] = Difference(first, last)
        difference.add(last, bids, asks)

    def forget(self, symbol: str) -> None:
        """Forget the difference of a symbol that no client follows."""
        self._differences.pop(symbol, None)

    def take(self) -> Mapping[str, Difference]:
        """All differences by symbol, which begin anew."""
        taken, self._differences = self._differences, {}
        return taken


def difference_between(before: Level2Book, book: Level2Book) -> tuple[list[Level], list[Level]]:
    """The bids and asks by which a later state of a book differs from an earlier one."""
    zero = book.zero
    bids, asks = (
        _changed(dict(earlier), dict(later), zero)
        for earlier, later in zip(before.top(), book.top(), strict=True)
    )
    return bids, asks


def _changed(earlier: dict[str, str], later: dict[str, str], zero: str) -> list[Level]:
    gone: list[Level] = [(price, zero) for price in earlier if price not in later]
    return gone + [level for level in later.items() if earlier.get(level[0]) != level[1]]
