"""Service processes that are forked from one warm process instead of started from nothing.

Importing a service takes about a second of processor time, which is most of the cost of its start.
The warm process has imported both services and done nothing else. A fork gets an environment, a
folder and a log of its own, and runs the `main()` that `python -m` runs. The tests of `tapewire up`
and of signals to a gateway use new interpreters.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.connection import wait as wait_for_sentinels
from pathlib import Path

# Imported by the warm process only, because the module changes its garbage collection.
WARM_MODULE = "tests.support.running.warm"

_context = multiprocessing.get_context("forkserver")


class ForkedProcess:
    """One service process, with the methods of `subprocess.Popen` that tests use."""

    def __init__(
        self, service: str, environment: Mapping[str, str], folder: Path, log_path: Path
    ) -> None:
        """Start a service; its output is added to `log_path`."""
        log_path.touch(0o600)
        # The warm process starts with the first fork, and ends with the process that runs tests.
        _context.set_forkserver_preload([__name__, WARM_MODULE])
        self._process = _context.Process(
            target=_run_service,
            args=(service, dict(environment), str(folder), str(log_path)),
            name=service,
            daemon=True,
        )
        self._process.start()
        # Reading the exit status twice at the same time would lose it.
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, the negative number of a signal, or None while it runs."""
        return self.poll()

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        with self._lock:
            return self._process.exitcode

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end; returns the exit status. Raises subprocess.TimeoutExpired."""
        wait_for_sentinels([self._process.sentinel], timeout_s)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout_s or 0.0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _run_service(service: str, environment: Mapping[str, str], folder: str, log_path: str) -> None:
    """Become the service: runs in the fork until the service ends."""
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [service]
    try:
        import_module(f"{service}.__main__").main()
    finally:
        # An interpreter does this at its end, a process of multiprocessing does not.
        atexit._run_exitfuncs()
