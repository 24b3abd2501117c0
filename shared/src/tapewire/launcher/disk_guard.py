"""Keeps a venue readable on a full disk: refuses orders before the last bytes are used.

Redis ends when it cannot write its log and has to sync it before each answer. Therefore orders are
refused while there is still room. When there is room again, orders are accepted again.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tapewire.errors import ConfigurationError, RedisUnavailable

# Orders write about 20 MB a second at 40,000 a second, and the disk is looked at once a second.
RESERVE_BYTES = 64 * 1024 * 1024
RESUME_BYTES = 2 * RESERVE_BYTES


class GuardedServer(Protocol):
    """The interface of a server that the guard needs; RedisServer provides it."""

    def refuse_writes(self, refused: bool) -> None:
        """Refuse every write, or take writes again. Raises RedisUnavailable."""


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write on the disk of `path`. Raises OSError."""
    return shutil.disk_usage(path).free


class DiskGuard:
    """Watches the disk of one server."""

    def __init__(
        self,
        server: GuardedServer,
        directory: Path,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._server = server
        self._directory = directory
        self._free = free
        self._wanted = False
        self._done = True

    @property
    def is_full(self) -> bool:
        """Whether orders are refused because the disk is full."""
        return self._wanted

    def check_start(self) -> None:
        """Raise ConfigurationError if the disk is too full for a venue to start."""
        free = self._free(self._directory)
        if free < RESERVE_BYTES:
            raise ConfigurationError(
                f"the disk of {self._directory} is full ({_megabytes(free)} left), and a venue "
                f"needs {_megabytes(RESERVE_BYTES)}; make room, or choose another --data-dir"
            )

    def check(self) -> str | None:
        """Check the disk and set the server; returns a sentence if the state has changed."""
        try:
            free = self._free(self._directory)
        except OSError:
            return None
        news = None
        if not self._wanted and free < RESERVE_BYTES:
            self._wanted, self._done = True, False
            news = (
                f"the disk of {self._directory} is full ({_megabytes(free)} left): orders are "
                f"refused and reading goes on until there are {_megabytes(RESUME_BYTES)}"
            )
        elif self._wanted and free >= RESUME_BYTES:
            self._wanted, self._done = False, False
            news = (
                f"there is room again on the disk of {self._directory} "
                f"({_megabytes(free)}): orders are taken"
            )
        if not self._done:
            self._done = self._tell()
        return news

    def _tell(self) -> bool:
        """Whether the server was set; a server that is away is set at the next check."""
        try:
            self._server.refuse_writes(self._wanted)
        except RedisUnavailable:
            return False
        return True


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.0f} MB"
