"""`venue.json`: where a running venue is, left in its data directory by `tapewire up`.

The file is readable by its owner only (mode 600), because the address of Redis may hold a password.
The writer holds a lock (flock) on the file, and the kernel drops the lock when the writer dies. A
file without a lock is therefore stale, whatever process ids it names.
"""

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from tapewire.errors import ConfigurationError

VENUE_FILE = "venue.json"
VENUE_FILE_BYTES_MAX = 65_536
# A writer replaces the file when a part of the venue was restarted. A reader that opened the file
# before it was replaced sees no lock, so it opens the new one.
READ_ATTEMPTS = 5


class RunningService(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two services: base URL, port, process ids, certificate file for https."""

    url: str
    port: int
    process_ids: tuple[int, ...]
    certificate: str | None = None


class RunningRedis(msgspec.Struct, frozen=True, kw_only=True):
    """The Redis of the venue; `process_id` is None for a Redis that `tapewire up` did not start."""

    url: str
    process_id: int | None = None


class RunningVenue(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `venue.json` says. `started` is a time of this machine, ISO 8601 in UTC."""

    version: str
    started: str
    process_id: int
    auth: str
    gateway: RunningService
    market_data: RunningService
    feed_url: str
    redis: RunningRedis
    # The file of the master secret of signed calls.
    signing_master: str | None = None


class StaleVenueFile(ConfigurationError):
    """The venue that wrote the file ended without removing it."""


class VenueFile:
    """The `venue.json` of a data directory, held by the process that runs the venue."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / VENUE_FILE
        self._fd: int | None = None

    def write(self, venue: RunningVenue) -> None:
        """Create or replace the file in one step. Raises ConfigurationError if that fails."""
        draft = self.path.with_name(f".{VENUE_FILE}.{os.getpid()}")
        try:
            draft.unlink(missing_ok=True)
            fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(fd, msgspec.json.format(msgspec.json.encode(venue)) + b"\n")
                draft.replace(self.path)
            except BaseException:
                os.close(fd)
                draft.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be written: {error.strerror}") from None
        self._close()
        self._fd = fd

    def remove(self) -> None:
        """Remove the file if this process wrote it."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def read_venue_file(data_dir: Path) -> RunningVenue | None:
    """Read the file of a running venue; None if the directory has no such file.

    Raises StaleVenueFile if the venue does not run any more, and ConfigurationError if the file
    cannot be read.
    """
    path = data_dir / VENUE_FILE
    for _ in range(READ_ATTEMPTS):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
        try:
            content = os.read(fd, VENUE_FILE_BYTES_MAX)
            if not _is_locked(fd):
                if _is_replaced(fd, path):
                    continue
                raise StaleVenueFile(_stale_sentence(path, content))
        finally:
            os.close(fd)
        return _decode(path, content)
    raise ConfigurationError(f"{path} is being replaced all the time; try again")


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _is_replaced(fd: int, path: Path) -> bool:
    """Whether `path` is no longer the file that was opened."""
    try:
        return path.stat().st_ino != os.fstat(fd).st_ino
    except OSError:
        return True


def _decode(path: Path, content: bytes) -> RunningVenue:
    try:
        return msgspec.json.decode(content, type=RunningVenue)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(
            f"{path} is not a venue file that this version of Tapewire reads: {error}"
        ) from None


def _stale_sentence(path: Path, content: bytes) -> str:
    try:
        who = f" (process {msgspec.json.decode(content, type=RunningVenue).process_id})"
    except (msgspec.DecodeError, RecursionError):
        who = ""
    return (
        f"the venue in {path.parent} is not running: its `tapewire up`{who} ended and left "
        f"{path.name} behind; start it again, or name another venue"
    )
