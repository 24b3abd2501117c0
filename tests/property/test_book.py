"""Random updates against the plainest model of a book: a dictionary, sorted when asked.

A client that follows a window must hold exactly the best levels of the true book, and its checksum
must be the book's, after every single update.
"""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from market_data.market.book import Level2Book
from tapewire.wire.book_event import Level

DEPTHS = (1, 3, 10, 50)
ZERO = "0.000"

# Few prices, so that levels come, change and go; quantity 0 removes.
changes = st.lists(
    st.tuples(st.integers(1, 80), st.sampled_from([0, 0, 0, 1, 5, 250])), max_size=12
)
updates = st.lists(st.tuples(changes, changes), max_size=40)


def levels_of(rows: list[tuple[int, int]]) -> list[Level]:
    """Ticks of 0.05 and lots of 0.001 as decimal text."""
    return [(f"{ticks * 5 // 100}.{ticks * 5 % 100:02}", f"0.{lots:03}") for ticks, lots in rows]


class Model:
    """One side of a book."""

    def __init__(self, *, is_bid: bool) -> None:
        """Make an empty side."""
        self.is_bid = is_bid
        self.levels: dict[str, str] = {}

    def set(self, levels: list[Level]) -> None:
        """Take new quantities over."""
        for price, quantity in levels:
            if quantity == ZERO:
                self.levels.pop(price, None)
            else:
                self.levels[price] = quantity

    def top(self, count: int | None) -> list[Level]:
        """The best levels, best first."""
        ordered = sorted(
            self.levels.items(), key=lambda level: float(level[0]), reverse=self.is_bid
        )
        return ordered[:count]


@given(start=st.tuples(changes, changes), updates=updates)
def test_windows_follow_the_book(
    start: tuple[list[tuple[int, int]], list[tuple[int, int]]],
    updates: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    """A windowed snapshot plus windowed updates always equals the top of the true book."""
    bids, asks = Model(is_bid=True), Model(is_bid=False)
    bids.set(levels_of(start[0]))
    asks.set(levels_of(start[1]))
    book = Level2Book(2, 3, bids=bids.levels.items(), asks=asks.levels.items())
    clients = {depth: (Model(is_bid=True), Model(is_bid=False)) for depth in DEPTHS}
    for depth, client in clients.items():
        for side, levels in zip(client, book.top(depth), strict=True):
            side.set(levels)
    for seq, (bid_changes, ask_changes) in enumerate(updates, start=1):
        changed = levels_of(bid_changes), levels_of(ask_changes)
        bids.set(changed[0])
        asks.set(changed[1])
        windows = book.apply(seq, *changed, DEPTHS)
        assert book.seq == seq
        assert book.top() == (bids.top(None), asks.top(None))
        assert book.best() == (next(iter(bids.top(1)), None), next(iter(asks.top(1)), None))
        for depth, window in zip(DEPTHS, windows, strict=True):
            for side, levels in zip(clients[depth], window, strict=True):
                side.set(levels)
            assert tuple(side.top(None) for side in clients[depth]) == book.top(depth)
        client_text = "|".join(
            ",".join(f"{price}:{quantity}" for price, quantity in side.top(10))
            for side in clients[10]
        )
        assert zlib.crc32(client_text.encode()) == book.checksum()
