"""Opens a recording: plain or gzip; the format is given or recognised by the first line."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tapewire.replay import cme
from tapewire.replay.bitstamp import read_bitstamp
from tapewire.replay.flow_csv import COLUMNS, read_flow_csv
from tapewire.replay.lobster import read_lobster
from tapewire.replay.steps import ReplayError, Step
from tapewire.runtime.input_file import UnreadableFile, read_lines

GZIP_SUFFIX = ".gz"
DEFAULT_BITSTAMP_SYMBOL = "BTC-USD"
SAMPLE_NAME = "sample.csv.gz"
SAMPLE_SYMBOL = "BTC-USDT"
# A LOBSTER file shows an order only while its price is among so many levels of its side. With
# fewer than this the replayed book fills with orders whose end the file does not show.
SCORED_LEVELS_MIN = 10
LOBSTER_LEVEL_COLUMNS = 4
# Times of a CSV from 2000 on are moments; smaller ones count from an unknown beginning.
ABSOLUTE_TIME_MIN_US = 946_684_800_000_000

_BITSTAMP_LINE = re.compile(r"\d+ [a-z_]+ \{")
_LOBSTER_LINE = re.compile(r"\d+(\.\d+)?,[1-7],\d+,\d+,\d+,-?1\s*$")
_TICKER = re.compile(r"([A-Z0-9]{1,8})_\d{4}-\d{2}-\d{2}_")
_DATE = re.compile(r"_(\d{4}-\d{2}-\d{2})_")
_MESSAGE_LEVELS = re.compile(r"_message_(\d{1,4})(?!\d)")


class Format(StrEnum):
    """Which reader understands a recording."""

    BITSTAMP = "bitstamp"
    LOBSTER = "lobster"
    CME = "cme"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Recording:
    """The steps of a file. `symbol` is None where neither name nor content of the file has it.

    `start_us` is the moment of time 0 of the steps, in microseconds since 1970 UTC; None where the
    file does not tell it. `caveat` says why trades of a replay cannot be compared with those of
    the file; None: they can.
    """

    format: Format
    symbol: str | None
    steps: list[Step]
    start_us: int | None = None
    caveat: str | None = None


def read_recording(
    path: Path, recording_format: Format | None = None, book_path: Path | None = None
) -> Recording:
    """Read a whole recording.

    `book_path` is the order book file of a LOBSTER recording, by default the one beside `path`.
    Raises ReplayError that says what cannot be read.
    """
    lines = _read_lines(path)
    first = next(lines, "")
    recording_format = recording_format or _guess(first)
    lines = itertools.chain([first], lines)
    if recording_format is Format.BITSTAMP:
        return Recording(recording_format, DEFAULT_BITSTAMP_SYMBOL, read_bitstamp(lines), 0)
    if recording_format is Format.CSV:
        steps = read_flow_csv(lines)
        is_absolute = bool(steps) and steps[0].time_us >= ABSOLUTE_TIME_MIN_US
        return Recording(recording_format, None, steps, 0 if is_absolute else None)
    ticker = _TICKER.match(path.name)
    symbol = ticker[1] if ticker else None
    if recording_format is Format.CME:
        return Recording(recording_format, symbol, cme.read_cme(lines), 0)
    book_path = book_path or _book_beside(path)
    book_row = _first_row(book_path) if book_path else None
    steps = read_lobster(lines, book_row)
    midnight_us = _new_york_midnight_us(path.name)
    caveat = _lobster_caveat(path.name, book_row)
    return Recording(recording_format, symbol, steps, midnight_us, caveat)


@contextmanager
def sample_file() -> Iterator[Path]:
    """The recording that comes with the package."""
    with resources.as_file(resources.files("tapewire.replay") / SAMPLE_NAME) as path:
        yield path


def _read_lines(path: Path) -> Iterator[str]:
    try:
        yield from read_lines(path)
    except UnreadableFile as error:
        raise ReplayError(f"cannot read {path}: {error}") from None


def _first_row(path: Path) -> str:
    """The row of an order book file that is the seed. Raises ReplayError if there is none."""
    row = next(_read_lines(path), "")
    if not row.strip():
        raise ReplayError(f"the order book file {path} begins with no row: it has no seed")
    return row


def _guess(first: str) -> Format:
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
    """`AAPL_..._orderbook_50.csv` belongs to `AAPL_..._message_50.csv`; either may be gzip."""
    name = path.name.replace("message", "orderbook")
    if name == path.name:
        return None
    plain = name.removesuffix(GZIP_SUFFIX)
    candidates = (path.with_name(each) for each in (name, plain, plain + GZIP_SUFFIX))
    return next((each for each in candidates if each.is_file()), None)


def _new_york_midnight_us(name: str) -> int | None:
    """The moment from which LOBSTER counts, if the file name has the day."""
    day = _DATE.search(name)
    if day is None:
        return None
    try:
        midnight = datetime.fromisoformat(day[1]).replace(tzinfo=ZoneInfo("America/New_York"))
    except (ValueError, ZoneInfoNotFoundError):
        return None
    return int(midnight.timestamp()) * 1_000_000


def _lobster_caveat(name: str, book_row: str | None) -> str | None:
    """Why a LOBSTER file is too shallow to be compared with; None if it is deep enough."""
    named = _MESSAGE_LEVELS.search(name)
    if named is not None:
        levels = int(named[1])
    elif book_row is not None:
        levels = (book_row.count(",") + 1) // LOBSTER_LEVEL_COLUMNS
    else:
        return None
    if levels >= SCORED_LEVELS_MIN:
        return None
    return (
        f"the file shows {levels} price level{'' if levels == 1 else 's'} a side, so it does not "
        "tell when orders outside them end"
    )
