"""A client's copies of books against the service's own book, over a connection that loses."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from market_data.market.book import Level2Book
from tapewire.client.book_copy import BookCopy
from tapewire.client.book_keeper import BookDepth, BookKeeper
from tapewire.client.tracker import Signal
from tests.support.feeds.samples import TIMESTAMP, heartbeat, read, subscribed

prices = st.integers(90, 120).map(lambda units: f"{units / 10:.1f}")
quantities = st.integers(0, 3).map(lambda lots: f"{lots}.00")
levels = st.lists(st.tuples(prices, quantities), max_size=4, unique_by=lambda level: level[0])
steps = st.lists(
    st.tuples(st.sampled_from(["send", "lose", "repeat", "beat", "cut"]), levels, levels),
    max_size=40,
)


class BookService:
    """One book, its messages for one depth, and the client's keeper at the end of the wire."""

    def __init__(self, depth: BookDepth) -> None:
        """Start with a subscribed client."""
        self.depth = depth
        self.book = Level2Book(1, 2, epoch="e1", timestamp=TIMESTAMP)
        self.keeper = BookKeeper(["A"], depth)
        self.answer()

    def answer(self) -> None:
        """A new connection: acknowledgement and snapshot."""
        self.keeper.request()
        self.deliver(subscribed({}))
        bids, asks = self.book.top(self.depth)
        data = {"symbol": "A", "seq": self.book.seq, "epoch": "e1", "depth": self.depth or "all",
                "bids": bids, "asks": asks, "checksum": self.book.checksum(),
                "timestamp": TIMESTAMP}  # fmt: skip
        self.deliver({"type": "book_snapshot", "data": data})

    def update(self, bids: list[Any], asks: list[Any]) -> dict[str, Any]:
        """Change the book; returns the message that says so."""
        depths = [] if self.depth is None else [self.depth]
        changes = self.book.apply(self.book.seq + 1, bids, asks, depths)
        if changes:
            ((bids, asks),) = changes
        data = {"symbol": "A", "seq": self.book.seq, "bids": bids, "asks": asks,
                "timestamp": TIMESTAMP, "epoch": "e1"}  # fmt: skip
        return {"type": "l2_update", "data": data}

    def beat(self) -> None:
        """A heartbeat with the mark of the book."""
        mark = {"seq": self.book.seq, "checksum": self.book.checksum()}
        self.deliver(heartbeat({}, book={"A": mark}))

    def deliver(self, message: dict[str, Any]) -> None:
        """Give the client a message and connect it again if it asks for that."""
        for outcome in self.keeper.offer(read(message)):
            assert isinstance(outcome, BookCopy | Signal)
            if outcome is Signal.RECONNECT:
                self.answer()

    def check(self) -> None:
        """The copy is the book."""
        copy = self.keeper.copies["A"]
        bids, asks = self.book.top(self.depth)
        assert copy.seq == self.book.seq
        assert [(str(price), str(quantity)) for price, quantity in copy.bids()] == bids
        assert [(str(price), str(quantity)) for price, quantity in copy.asks()] == asks


@example(depth=None, actions=[(action, [], []) for action in ["lose", "send"] * 3])
@example(depth=None, actions=[(action, [], []) for action in ["lose", "beat"] * 3])
@given(depth=st.sampled_from([None, 10, 50]), actions=steps)
def test_a_copy_is_the_book_at_every_proof(depth: BookDepth, actions: list[Any]) -> None:
    """Lost, repeated and cut-off updates never leave a wrong copy behind a heartbeat."""
    service = BookService(depth)
    for action, bids, asks in actions:
        if action == "cut":
            service.answer()
        elif action == "beat":
            service.beat()
            service.check()
        else:
            update = service.update(bids, asks)
            for _ in range({"send": 1, "repeat": 2, "lose": 0}[action]):
                service.deliver(update)
            if action != "lose":
                service.check()
    service.beat()
    service.check()
