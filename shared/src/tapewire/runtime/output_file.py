"""A file that a command writes: complete under its name, or absent."""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# The mode of a file of a shell's `>`, less the umask of the process.
MODE_DEFAULT = 0o666


@contextmanager
def output_file(path: Path, *, mode: int = MODE_DEFAULT) -> Iterator[BinaryIO]:
    """Open `path` for writing; all written bytes are on disk when the block has ended.

    A regular file appears, or is replaced with its mode kept, when the block ends without an
    exception; a symbolic link stays and its target is written. A pipe, a device and standard
    output are written at once, because nothing can be replaced there. `mode` is that of a new file,
    less the umask. Raises OSError.
    """
    if _is_stream(path):
        with _opened_stream(path) as stream:
            yield stream
        return
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        kept_mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            if kept_mode is not None:
                os.fchmod(descriptor, kept_mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(status.st_mode) or _is_standard_output(path)


def _is_standard_output(path: Path) -> bool:
    """Whether `path` is the output of this process, such as /dev/stdout under `> FILE`."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False


def _opened_stream(path: Path) -> BinaryIO:
    if _is_standard_output(path):
        # The same open file, so that later output continues at the right position.
        sys.stdout.flush()
        return os.fdopen(os.dup(1), "wb")
    return path.open("wb")
