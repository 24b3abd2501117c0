"""Opens a recording: plain or gzip, its format told or guessed from the first line."""

import gzip
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tapewire.replay import cme
from tapewire.replay.bitstamp import read_bitstamp
from tapewire.replay.flow_csv import COLUMNS, read_flow_csv
from tapewire.replay.lobster import read_lobster
from tapewire.replay.steps import ReplayError, Step

GZIP_MAGIC = b"\x1f\x8b"
DEFAULT_BITSTAMP_SYMBOL = "BTC-USD"

_BITSTAMP_LINE = re.compile(r"\d+ [a-z_]+ \{")
_LOBSTER_LINE = re.compile(r"\d+(\.\d+)?,[1-7],\d+,\d+,\d+,-?1\s*$")
_TICKER = re.compile(r"([A-Z0-9]{1,8})_\d{4}-\d{2}-\d{2}_")


class Format(StrEnum):
    """Which reader understands a recording."""

    BITSTAMP = "bitstamp"
    LOBSTER = "lobster"
    CME = "cme"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds; `symbol` is None where the file does not tell it."""

    format: Format
    symbol: str | None
    steps: list[Step]


def read_recording(
    path: Path, recording_format: Format | None = None, book_path: Path | None = None
) -> Recording:
    """Read a whole recording.

    `book_path` is the order book file of a LOBSTER recording; without it the one next to `path`.
    Raises ReplayError saying what cannot be read.
    """
    lines = _read_lines(path)
    recording_format = recording_format or _guess(lines)
    if recording_format is Format.BITSTAMP:
        return Recording(recording_format, DEFAULT_BITSTAMP_SYMBOL, read_bitstamp(lines))
    if recording_format is Format.CSV:
        return Recording(recording_format, None, read_flow_csv(lines))
    ticker = _TICKER.match(path.name)
    symbol = ticker[1] if ticker else None
    if recording_format is Format.CME:
        return Recording(recording_format, symbol, cme.read_cme(lines))
    book_path = book_path or _book_beside(path)
    book_lines = _read_lines(book_path) if book_path else []
    steps = read_lobster(lines, book_lines[0] if book_lines else None)
    return Recording(recording_format, symbol, steps)


def _read_lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
        if content.startswith(GZIP_MAGIC):
            content = gzip.decompress(content)
        return content.decode("utf-8").splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ReplayError(f"cannot read {path}: {error}") from None


def _guess(lines: list[str]) -> Format:
    first = lines[0] if lines else ""
    if _BITSTAMP_LINE.match(first):
        return Format.BITSTAMP
    if _LOBSTER_LINE.match(first):
        return Format.LOBSTER
    if first.strip() == ",".join(COLUMNS):
        return Format.CSV
    if first.strip() == ",".join(cme.COLUMNS):
        return Format.CME
    raise ReplayError("the format of the file is unknown: pass --format")


def _book_beside(path: Path) -> Path | None:
    """`AAPL_..._orderbook_50.csv` belongs to `AAPL_..._message_50.csv`."""
    beside = path.with_name(path.name.replace("message", "orderbook"))
    return beside if beside != path and beside.is_file() else None
