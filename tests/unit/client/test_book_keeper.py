"""Copies of books: wrong ones are asked for again, hopeless ones are told."""

from decimal import Decimal
from typing import Any

from tapewire.client.book_copy import BookCopy
from tapewire.client.book_keeper import FAILURES_MAX, BookKeeper
from tapewire.client.errors import BookError
from tapewire.client.latest import LatestKeeper
from tapewire.client.replies import PriceLevel
from tapewire.client.tracker import Signal
from tests.support.feeds.samples import TIMESTAMP, gap, heartbeat, market_message, read, subscribed

# CRC32 of "9.0:1.00,8.0:2.00|10.0:3.00"
CHECKSUM = 2_403_500_086


def snapshot(checksum: int = CHECKSUM, seq: int = 5) -> dict[str, Any]:
    data = {
        "symbol": "A",
        "seq": seq,
        "epoch": "e1",
        "depth": 10,
        "bids": [["9.0", "1.00"], ["8.0", "2.00"]],
        "asks": [["10.0", "3.00"]],
        "checksum": checksum,
        "timestamp": TIMESTAMP,
    }
    return {"type": "book_snapshot", "data": data}


def update(seq: int, epoch: str = "e1", **sides: Any) -> dict[str, Any]:
    data = {"symbol": "A", "seq": seq, "epoch": epoch, "timestamp": TIMESTAMP}
    return {"type": "l2_update", "data": data | {"bids": [], "asks": []} | sides}


def beat(seq: int, checksum: int = CHECKSUM) -> dict[str, Any]:
    return heartbeat({}, book={"A": {"seq": seq, "checksum": checksum}})


def keeper() -> BookKeeper:
    """A keeper on an answered connection."""
    books = BookKeeper(["A"], 10)
    assert books.request() == {"op": "subscribe", "channels": ["book10"], "symbols": ["A"]}
    books.offer(read(subscribed({})))
    return books


def offer(books: BookKeeper, *messages: dict[str, Any]) -> list[Any]:
    return [outcome for message in messages for outcome in books.offer(read(message))]


def test_levels_are_decimals_best_first() -> None:
    """A snapshot and an update give sorted levels; quantity zero removes one."""
    books = keeper()
    change = update(6, bids=[["8.5", "4.00"], ["9.0", "0.00"]], asks=[["9.5", "1.00"]])
    (first, second) = offer(books, snapshot(), change)
    assert first is second
    assert isinstance(second, BookCopy)
    assert [str(level.price) for level in second.bids()] == ["8.5", "8.0"]
    assert [str(level.price) for level in second.asks()] == ["9.5", "10.0"]
    assert second.bids(1) == [PriceLevel(Decimal("8.5"), Decimal("4.00"))]
    assert second.seq == 6


def test_the_checksum_of_a_snapshot_is_checked() -> None:
    """A snapshot that contradicts itself is asked for again, and told after so many times."""
    books = keeper()
    for _ in range(FAILURES_MAX - 1):
        assert offer(books, snapshot(1)) == [Signal.RECONNECT]
    error, signal = offer(books, snapshot(1))
    assert isinstance(error, BookError)
    assert error.symbol == "A"
    assert signal is Signal.RECONNECT


def test_a_good_proof_ends_a_series_of_bad_ones() -> None:
    """Failures only count while nothing proves the book in between."""
    books = keeper()
    for _ in range(2 * FAILURES_MAX):
        assert len(offer(books, snapshot(), beat(5))) == 1
        assert offer(books, beat(5, 1)) == [Signal.RECONNECT]


def test_what_does_not_follow_is_asked_for_again() -> None:
    """A jump, another epoch, and a heartbeat ahead; a repetition is dropped."""
    for message in (update(7), update(6, "e2"), beat(6)):
        books = keeper()
        offer(books, snapshot())
        assert offer(books, update(5), beat(4)) == []
        assert offer(books, message) == [Signal.RECONNECT]


def test_after_a_gap_there_is_no_book_until_the_snapshot() -> None:
    """Updates without a book are passed over, and heartbeats notice that no snapshot comes."""
    books = keeper()
    offer(books, snapshot())
    assert offer(books, gap(6, 7, channel="book10"), update(8)) == []
    assert len(offer(books, snapshot(seq=8), update(9))) == 2
    assert offer(books, gap(10, 10, channel="book10"), beat(10), beat(10)) == []
    assert offer(books, beat(10)) == [Signal.RECONNECT]


def test_quotes_come_once() -> None:
    """The first quote of a new connection is dropped if nothing changed."""
    quotes = LatestKeeper("bbo", ["A"])
    assert quotes.request() == {"op": "subscribe", "channels": ["bbo"], "symbols": ["A"]}
    data = {"symbol": "A", "seq": 5, "epoch": "e1", "bid": ["9.0", "1.00"], "ask": None}
    message = read({"type": "bbo", "data": data | {"timestamp": TIMESTAMP}})
    assert len(quotes.offer(message)) == 1
    assert quotes.offer(message) == []
    assert quotes.offer(read(subscribed({}))) == []


def test_the_copy_of_a_delisted_book_is_dropped() -> None:
    """A new connection does not ask for it; the snapshot after it is listed again starts anew."""
    books = BookKeeper(["A", "B"], 10)
    books.request()
    offer(books, subscribed({}), snapshot(), market_message("A", "delisted"))
    assert books.copies == {}
    assert books.request()["symbols"] == ["B"]
    quotes = LatestKeeper("bbo", ["A", "B"])
    quotes.offer(read(market_message("A", "delisted")))
    assert quotes.request()["symbols"] == ["B"]
