"""A client that follows the book channels by the rules of docs/protocol.md only."""

from typing import Any

from market_data.fanout.hub import Hub
from market_data.fanout.session import Session
from market_data.market.book import Level2Book
from tapewire.values.types import Instrument
from tests.support.transport.fake_socket import FakeSocket

CHANNELS = {"book": "all", "book10": 10, "book50": 50}


class BookClient:
    """Holds one symbol's book from one channel; a hole in the sequence fails the test."""

    def __init__(self, hub: Hub, channel: str, instrument: Instrument) -> None:
        """Subscribe to one channel of one symbol."""
        self.depth = CHANNELS.get(channel)
        self._instrument = instrument
        self.socket = FakeSocket()
        self.session: Session = hub.connect(
            self.socket, frozenset({(channel, str(instrument.symbol))})
        )
        self.socket.session = self.session
        self.book: Level2Book | None = None
        self.quotes: list[dict[str, Any]] = []
        self.snapshots = 0
        self.updates = 0
        self._read = 0

    def read(self) -> None:
        """Take every message since the last call."""
        messages = self.socket.messages()
        for message in messages[self._read :]:
            self._take(message["type"], message["data"])
        self._read = len(messages)

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        assert data["symbol"] == self._instrument.symbol
        if kind == "bbo":
            self.quotes.append(data)
            return
        bids, asks = ([(price, quantity) for price, quantity in data[key]]
                      for key in ("bids", "asks"))  # fmt: skip
        if kind == "book_snapshot":
            assert data["depth"] == self.depth
            self.snapshots += 1
            self.book = Level2Book(
                self._instrument.price_decimals, self._instrument.quantity_decimals,
                epoch=data["epoch"], seq=data["seq"], bids=bids, asks=asks,
            )  # fmt: skip
            assert self.book.checksum() == data["checksum"]
            return
        assert kind == "l2_update"
        if self.book is None:
            return
        assert data["epoch"] == self.book.epoch
        assert data["seq"] == self.book.seq + 1, "an update is missing"
        self.updates += 1
        self.book.apply(data["seq"], bids, asks)
