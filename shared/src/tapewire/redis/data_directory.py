"""The directory that holds a venue's data, locked so that only one process tree writes to it.

The lock is advisory (flock) on an open file: the kernel drops it when the last holder dies, so a
crash never leaves a stale one. A child that inherits the descriptor holds it too.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tapewire.errors import ConfigurationError

LOCK_FILE = "lock"
# The data of a venue are for its owner only: accounts, keys and the password of Redis.
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


class DataDirectory:
    """A directory that this process holds while the object is open."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        """The locked descriptor, for a child process that keeps the lock until the child ends."""
        if self._fd is None:
            raise RuntimeError(f"{self.path} is not locked")
        return self._fd

    def lock(self) -> None:
        """Create the directory if needed and take it.

        Raises ConfigurationError if it cannot be written or another process holds it.
        """
        if self._fd is not None:
            return
        try:
            self.path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            fd = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except OSError as error:
            raise ConfigurationError(
                f"the data directory {self.path} cannot be written: {error.strerror}"
            ) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            os.close(fd)
            raise ConfigurationError(
                f"the data directory {self.path} is in use by another Tapewire"
                f"{f' (process {owner})' if owner else ''}; stop it, or choose another directory"
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        self._fd = fd

    def unlock(self) -> None:
        """Release the lock; children that inherited the lock keep it until they end."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.lock()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.unlock()
