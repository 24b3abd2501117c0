"""Reads files that a user names: text lines of a bounded length, plain or gzip; bounded files."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tapewire.errors import TapewireError
from tapewire.limits import FILE_LINE_CHARACTERS_MAX

GZIP_MAGIC = b"\x1f\x8b"


class UnreadableFile(TapewireError):
    """A file cannot be read; the text is the reason."""


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 text file, plain or gzip, without their ends. The file may be a pipe.

    Raises UnreadableFile at a line of more than `FILE_LINE_CHARACTERS_MAX` characters, and for a
    file that cannot be opened or decoded.
    """
    try:
        with path.open("rb") as raw:
            binary: Any = raw
            if raw.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
                binary = gzip.GzipFile(fileobj=raw, mode="rb")
            with io.TextIOWrapper(binary, "utf-8") as text:
                number = 0
                while line := text.readline(FILE_LINE_CHARACTERS_MAX + 1):
                    number += 1
                    if len(line) > FILE_LINE_CHARACTERS_MAX:
                        raise UnreadableFile(
                            f"line {number} has more than {FILE_LINE_CHARACTERS_MAX:,} characters"
                        )
                    yield line.removesuffix("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UnreadableFile(reason or str(error)) from None


def read_whole(path: Path, bytes_max: int) -> bytes:
    """The content of a file. Raises UnreadableFile, also above `bytes_max`."""
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error)) from None
    if len(content) > bytes_max:
        raise UnreadableFile(f"the file has more than {bytes_max:,} bytes")
    return content
