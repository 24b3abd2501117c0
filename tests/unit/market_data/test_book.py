"""The level-2 book of one symbol; random sequences are in tests/property/test_book.py."""

import zlib

import pytest

from market_data.market.book import Level2Book
from tapewire.errors import MessageError
from tapewire.wire.book_event import Level


def make_book(bids: list[Level], asks: list[Level]) -> Level2Book:
    """A book with two price decimals and one quantity decimal."""
    return Level2Book(2, 1, epoch="e", seq=7, timestamp="t", bids=bids, asks=asks)


def test_best_first_on_both_sides() -> None:
    """The highest bid and the lowest ask come first, compared as numbers and not as text."""
    book = make_book([("9.00", "1.0"), ("10.00", "2.0")], [("100.00", "3.0"), ("11.00", "4.0")])
    assert book.top() == (
        [("10.00", "2.0"), ("9.00", "1.0")],
        [("11.00", "4.0"), ("100.00", "3.0")],
    )
    assert book.best() == (("10.00", "2.0"), ("11.00", "4.0"))
    assert book.top(1) == ([("10.00", "2.0")], [("11.00", "4.0")])


def test_empty_book_has_no_best() -> None:
    """A book without levels has no best prices, but has a checksum."""
    book = make_book([], [])
    assert book.best() == (None, None)
    assert book.top(10) == ([], [])
    assert book.checksum() == zlib.crc32(b"|")


def test_checksum_is_that_of_the_documented_text() -> None:
    """The checksum covers the ten best levels of each side, and no other level."""
    bids = [(f"{price}.00", "1.0") for price in range(20, 5, -1)]
    book = make_book(bids, [("21.00", "0.5")])
    text = ",".join(f"{price}.00:1.0" for price in range(20, 10, -1)) + "|21.00:0.5"
    assert book.checksum() == zlib.crc32(text.encode())
    book.apply(8, [("6.00", "9.0")], [])
    assert book.checksum() == zlib.crc32(text.encode())
    book.apply(9, [("11.00", "9.0")], [])
    assert book.checksum() == zlib.crc32(text.replace("11.00:1.0", "11.00:9.0").encode())


def test_window_sends_the_level_that_takes_a_freed_place() -> None:
    """When a level leaves the window for good, the next one behind it is sent."""
    book = make_book([("3.00", "1.0"), ("2.00", "1.0"), ("1.00", "1.0")], [])
    [window] = book.apply(8, [("3.00", "0.0")], [], [2])
    assert window == ([("3.00", "0.0"), ("1.00", "1.0")], [])


def test_window_sends_the_level_that_is_pushed_out() -> None:
    """A level that a better one pushes out of the window is sent with quantity zero."""
    book = make_book([("3.00", "1.0"), ("2.00", "1.0")], [])
    [window] = book.apply(8, [("4.00", "5.0")], [], [2])
    assert window == ([("2.00", "0.0"), ("4.00", "5.0")], [])


def test_change_behind_the_window_is_not_sent() -> None:
    """A change behind a window is no change of it; a wider window has the change."""
    book = make_book([("3.00", "1.0"), ("2.00", "1.0")], [])
    assert book.apply(8, [("1.00", "5.0")], [], [2, 3]) == [([], []), ([("1.00", "5.0")], [])]


@pytest.mark.parametrize("level", [("3.0", "1.0"), ("3.00", "1"), ("3", "1.0"), ("300", "1.0")])
def test_other_decimals_change_nothing(level: Level) -> None:
    """A level whose decimals are not the instrument's is refused before anything is applied."""
    book = make_book([("3.00", "1.0")], [])
    with pytest.raises(MessageError, match="decimals"):
        book.apply(8, [("3.00", "0.0")], [level])
    assert book.seq == 7
    assert book.top() == ([("3.00", "1.0")], [])


def test_instruments_without_decimals() -> None:
    """Whole numbers are prices and quantities too."""
    book = Level2Book(0, 0, bids=[("9", "1"), ("10", "1")])
    book.apply(1, [("9", "0")], [("11", "5")])
    assert book.top() == ([("10", "1")], [("11", "5")])
