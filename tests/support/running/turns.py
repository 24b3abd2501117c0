"""Turns among the workers of one test run: most tests run side by side, a serial test runs alone.

Two lock files are shared by the workers of a run. Every test holds `machine` while it runs: a
serial test exclusively, all others together. A test takes `entrance` first and holds it until it
has `machine`. Therefore a serial test waits only for the tests that run already.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """The two locks, in a folder that all workers of a run share."""

    def __init__(self, folder: Path) -> None:
        """The folder must exist."""
        self.folder = folder
        self._entrance = folder / "entrance.lock"
        self._machine = folder / "machine.lock"

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Run a test beside others, or alone; waits until that is possible."""
        with _opened(self._machine) as machine:
            with _opened(self._entrance) as entrance:
                fcntl.flock(entrance, fcntl.LOCK_EX)
                fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Closing releases the lock, and so does the end of a worker that crashed.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
