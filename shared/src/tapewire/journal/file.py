"""A journal in a file: a header line, then one line of JSON per command; gzip if it is named so.

The last member of every line is a checksum of the file up to there, so that a changed line is
noticed. It guards against accidents: who means to deceive can make a new one.
"""

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any

from tapewire.journal.entries import JournalEntry, JournalError, parse_line

FORMAT = "tapewire-journal"
FORMAT_VERSION = 1
GZIP_LEVEL = 6
PAGE_LINES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: whose journal it is, and how far it reaches.

    `limits` are those of the newest command; a line names its own only if they differ.
    """

    epoch: str
    venue_version: str
    first: int
    last: int
    limits: str
    instruments: list[dict[str, Any]]

    @property
    def is_partial(self) -> bool:
        """Whether the beginning of the venue is missing, so that nothing can be run again."""
        return self.first > 1


async def write_journal(
    path: Path, header: Header, pages: AsyncIterator[list[JournalEntry]]
) -> int:
    """Write a whole file, which appears under its name only when it is complete; its entries.

    Raises JournalError, and whatever the pages raise.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    written = 0
    try:
        with _opened(unfinished, "wt", compressed=path.suffix == ".gz") as file:
            seal = _Seal()
            head = {"format": FORMAT, "version": FORMAT_VERSION} | asdict(header)
            file.write(seal.added(json.dumps(head)))
            async for page in pages:
                file.writelines(seal.added(entry.text(header.limits)) for entry in page)
                written += len(page)
        unfinished.replace(path)
    except OSError as error:
        raise JournalError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return written


class _Seal:
    """The running checksum of a file, which goes into each of its lines."""

    def __init__(self) -> None:
        self._sum = 0

    def added(self, text: str) -> str:
        """A JSON object as a sealed line."""
        self._sum = zlib.crc32(text.encode(), self._sum)
        return f'{text[:-1]},"sum":"{self._sum:08x}"}}\n'

    def check(self, line: str) -> str:
        """The JSON object of a sealed line. Raises ValueError if it was changed."""
        text = f"{line.rstrip()[:-_SEAL_CHARACTERS]}}}"
        if self.added(text).rstrip() != line.rstrip():
            raise ValueError("it was changed, or one before it")
        return text


_SEAL_CHARACTERS = len(',"sum":"00000000"}')


class JournalFile:
    """A file that `write_journal` wrote, read from its start to its end."""

    def __init__(self, path: Path) -> None:
        """Read the header. Raises JournalError."""
        self.path = path
        with self._reading() as file:
            self.header = self._read_header(file.readline(), _Seal())

    def pages(self) -> Iterator[list[JournalEntry]]:
        """Every entry, in order. Raises JournalError that names the line at fault."""
        page: list[JournalEntry] = []
        due, limits = self.header.first, self.header.limits
        seal = _Seal()
        with self._reading() as file:
            self._read_header(file.readline(), seal)
            for number, text in enumerate(file, start=2):
                try:
                    entry = parse_line(seal.check(text), limits)
                except (ValueError, TypeError) as error:
                    raise self._fault(number, str(error)) from None
                if entry.number != due:
                    raise self._fault(number, f"command {entry.number} where {due} is due")
                due += 1
                page.append(entry)
                if len(page) == PAGE_LINES:
                    yield page
                    page = []
        if due <= self.header.last:
            raise JournalError(
                f"{self.path.name} ends before command {due:,}; its header promises "
                f"{self.header.last:,}."
            )
        if page:
            yield page

    def _read_header(self, text: str, seal: _Seal) -> Header:
        try:
            members = json.loads(seal.check(text))
            if members["format"] != FORMAT:
                raise ValueError
            if members["version"] != FORMAT_VERSION:
                raise JournalError(
                    f"{self.path.name} has version {members['version']} of the format, not "
                    f"{FORMAT_VERSION}."
                )
            return Header(**{field.name: members[field.name] for field in fields(Header)})
        except (ValueError, TypeError, KeyError):
            raise JournalError(f"{self.path.name} is not an exported journal.") from None

    def _fault(self, line: int, what: str) -> JournalError:
        return JournalError(f"{self.path.name}, line {line}: {what}.")

    @contextmanager
    def _reading(self) -> Iterator[IO[str]]:
        try:
            with self.path.open("rb") as raw:
                compressed = raw.read(2) == b"\x1f\x8b"
            with _opened(self.path, "rt", compressed=compressed) as file:
                yield file
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise JournalError(f"{self.path.name} cannot be read: {error}.") from None


def _opened(path: Path, mode: str, *, compressed: bool) -> IO[str]:
    if not compressed:
        return path.open(mode, encoding="utf-8")
    opened: Any = gzip.open(path, mode, GZIP_LEVEL, "utf-8")  # noqa: SIM115 (the caller closes it)
    file: IO[str] = opened
    return file
