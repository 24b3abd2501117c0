"""The recorded venue's own book: what it holds and what it foresees."""

from tapewire.replay.recorded_book import RecordedBook
from tapewire.values.types import Side

ASK_101, ASK_102, BID_99 = (Side.SELL, 101), (Side.SELL, 102), (Side.BUY, 99)


def test_it_foresees_price_time_priority() -> None:
    """Best price first, oldest first, within the worst price, not more than the quantity."""
    book = RecordedBook()
    book.add(ASK_102, "c", 5)
    book.add(ASK_101, "a", 5)
    book.add(ASK_101, "b", 5)
    book.add(BID_99, "d", 5)

    assert book.foresee(Side.SELL, 12, 102) == [
        ("a", ASK_101, 5),
        ("b", ASK_101, 5),
        ("c", ASK_102, 2),
    ]
    assert book.foresee(Side.SELL, 12, 101) == [("a", ASK_101, 5), ("b", ASK_101, 5)]
    assert book.foresee(Side.BUY, 1, 99) == [("d", BID_99, 1)]
    assert book.foresee(Side.BUY, 1, 100) == []


def test_taking_removes_an_emptied_order() -> None:
    """An order leaves when all of it was taken; unknown orders and levels are ignored."""
    book = RecordedBook()
    book.add(ASK_101, "a", 5)
    book.take(ASK_101, "a", 2)
    book.take(ASK_101, "x", 2)
    book.take(ASK_102, "x", 2)
    assert book.orders(ASK_101) == {"a": 3}

    book.take(ASK_101, "a", 9)

    assert not book.holds(ASK_101, "a")
    assert book.orders(ASK_101) == {}
    assert book.foresee(Side.SELL, 1, 200) == []
