"""Opening recordings: gzip or not, which format, which symbol, which order book file."""

import gzip
from pathlib import Path

import pytest

from tapewire.replay.recording import Format, read_recording
from tapewire.replay.steps import Enter, ReplayError

BITSTAMP = '1 order_created {"price": "1", "amount": "1", "id": 1, "order_type": 0}\n'
LOBSTER = "34200.1,1,11,18,990000,1\n"
CSV = "time_us,action,id,side,price,quantity\n0,add,a,buy,1,1\n"


@pytest.mark.parametrize(
    ("name", "text", "expected", "symbol"),
    [
        ("flow.log", BITSTAMP, Format.BITSTAMP, "BTC-USD"),
        ("AAPL_2012-06-21_message_50.csv", LOBSTER, Format.LOBSTER, "AAPL"),
        ("messages.csv", LOBSTER, Format.LOBSTER, None),
        ("flow.csv", CSV, Format.CSV, None),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_the_format_is_guessed(
    tmp_path: Path, name: str, text: str, expected: Format, symbol: str | None, *, compressed: bool
) -> None:
    """The first line tells the format, the name of a LOBSTER file its ticker."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())

    recording = read_recording(path)

    assert (recording.format, recording.symbol) == (expected, symbol)
    assert len(recording.steps) == 1


def test_the_order_book_beside_the_messages_is_the_seed(tmp_path: Path) -> None:
    """A LOBSTER pair is recognised by its names; another file can be told."""
    path = tmp_path / "AAPL_2012-06-21_message_1.csv"
    path.write_text(LOBSTER)
    (tmp_path / "AAPL_2012-06-21_orderbook_1.csv").write_text("1010000,5,990000,18\n")
    other = tmp_path / "other.csv"
    other.write_text("1020000,7,990000,18\n")

    beside, told = read_recording(path), read_recording(path, book_path=other)

    for recording, quantity in ((beside, "5"), (told, "7")):
        seed = recording.steps[0]
        assert isinstance(seed, Enter)
        assert (seed.is_seed, seed.quantity) == (True, quantity)


@pytest.mark.parametrize("compressed", [True, False])
def test_the_order_book_is_found_when_one_file_of_two_is_gzip(
    tmp_path: Path, *, compressed: bool
) -> None:
    """A compressed message file finds a plain order book file, and the other way round."""
    suffixes = (".gz", "") if compressed else ("", ".gz")
    path = tmp_path / f"AAPL_2012-06-21_message_50.csv{suffixes[0]}"
    book = tmp_path / f"AAPL_2012-06-21_orderbook_50.csv{suffixes[1]}"
    for file, text in ((path, LOBSTER), (book, "1010000,5,990000,18\n")):
        content = text.encode()
        file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)

    seed = read_recording(path).steps[0]

    assert isinstance(seed, Enter)
    assert (seed.is_seed, seed.quantity) == (True, "5")


@pytest.mark.parametrize(
    ("name", "book", "shallow"),
    [
        ("AAPL_2012-06-21_message_1.csv", "", True),
        ("AAPL_2012-06-21_34200000_57600000_message_9.csv", "", True),
        ("AAPL_2012-06-21_message_50_first45000.csv", "1010000,5,990000,18\n", False),
        ("other.csv", "1010000,5,990000,18\n", True),
        ("other.csv", ",".join(["1010000,5,990000,18"] * 10), False),
        ("other.csv", "", False),
    ],
)
def test_a_file_of_few_levels_cannot_be_compared_with(
    tmp_path: Path, name: str, book: str, *, shallow: bool
) -> None:
    """The levels are those of the file name, else those of the order book file."""
    path = tmp_path / name
    path.write_text(LOBSTER)
    book_path = tmp_path / "book.csv"
    book_path.write_text(book)

    recording = read_recording(path, book_path=book_path if book else None)

    assert (recording.caveat is not None) is shallow


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "format of the file is unknown"),
        (b"hello\n", "format of the file is unknown"),
        (b"\xff\xfe\n", "cannot read"),
        (b"\x1f\x8bnot gzip", "cannot read"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "cannot read"),
    ],
)
def test_an_unreadable_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """Anything that is no recording raises ReplayError."""
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(ReplayError, match=reason):
        read_recording(path)


def test_an_empty_order_book_file_is_refused(tmp_path: Path) -> None:
    """A seed that was named, or that stands beside the messages, is never left out silently."""
    path = tmp_path / "AAPL_2012-06-21_message_10.csv"
    path.write_text(LOBSTER)
    (tmp_path / "AAPL_2012-06-21_orderbook_10.csv").write_text("\n")
    with pytest.raises(ReplayError, match="begins with no row"):
        read_recording(path)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ReplayError, match="absent"):
        read_recording(tmp_path / "absent")
