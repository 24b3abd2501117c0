"""A journal in a file: a header line, then one line of JSON per command; gzip if it is named so.

The last member of every line is a checksum of the file up to that line, so that a changed line is
noticed. The checksum guards against accidents only, because anybody can compute a new one.
"""

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, cast

from tapewire.journal.entries import JournalEntry, JournalError, parse_line
from tapewire.runtime.input_file import UnreadableFile, read_lines
from tapewire.runtime.output_file import output_file

FORMAT = "tapewire-journal"
FORMAT_VERSION = 1
GZIP_LEVEL = 6
PAGE_LINES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: the venue of the journal, and the numbers of its first and last command.

    `limits` are those of the newest command; a line has limits of its own only if they differ.
    """

    epoch: str
    venue_version: str
    first: int
    last: int
    limits: str
    instruments: list[dict[str, Any]]

    @property
    def is_partial(self) -> bool:
        """Whether the first commands of the venue are missing, so that none can be run again."""
        return self.first > 1


@contextmanager
def journal_output(path: Path) -> Iterator[BinaryIO]:
    """Open a file for `write_journal`; gzip if its name ends with .gz.

    A regular file appears only when the block has ended without an exception. Raises JournalError.
    """
    try:
        with output_file(path) as file:
            if path.suffix != ".gz":
                yield file
                return
            with gzip.GzipFile(path.stem, "wb", GZIP_LEVEL, file) as compressed:
                yield cast("BinaryIO", compressed)
    except (OSError, RuntimeError) as error:
        # pathlib raises RuntimeError for a circle of symbolic links.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise JournalError(f"{path} cannot be written: {reason}.") from None


async def write_journal(
    file: BinaryIO, header: Header, pages: AsyncIterator[list[JournalEntry]]
) -> int:
    """Write header and entries; returns the number of entries. Raises what the pages raise."""
    written = 0
    seal = _Seal()
    head = {"format": FORMAT, "version": FORMAT_VERSION} | asdict(header)
    file.write(seal.added(json.dumps(head)).encode())
    async for page in pages:
        file.writelines(seal.added(entry.text(header.limits)).encode() for entry in page)
        written += len(page)
    return written


class _Seal:
    """The running checksum of a file, which goes into each of its lines."""

    def __init__(self) -> None:
        self._sum = 0

    def added(self, text: str) -> str:
        """The sealed line of a JSON object."""
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
        self.header = self._read_header(next(self._lines(), ""), _Seal())

    def pages(self) -> Iterator[list[JournalEntry]]:
        """Every entry, in order. Raises JournalError that names the line at fault."""
        page: list[JournalEntry] = []
        due, limits = self.header.first, self.header.limits
        seal = _Seal()
        lines = self._lines()
        self._read_header(next(lines, ""), seal)
        for number, text in enumerate(lines, start=2):
            try:
                entry = parse_line(seal.check(text), limits)
            except (ValueError, TypeError, RecursionError) as error:
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
        except (ValueError, TypeError, KeyError, RecursionError):
            raise JournalError(f"{self.path.name} is not an exported journal.") from None

    def _fault(self, line: int, what: str) -> JournalError:
        return JournalError(f"{self.path.name}, line {line}: {what}.")

    def _lines(self) -> Iterator[str]:
        try:
            yield from read_lines(self.path)
        except UnreadableFile as error:
            raise JournalError(f"{self.path.name} cannot be read: {error}.") from None
