"""Fails a test run that leaves processes running, names these processes, and ends them.

Linux gives the orphans of a "subreaper" to that process instead of to process 1. The process that
begins the test run is one, so that every process that a test started stays below it in the process
table: also one in a session of its own, without its environment, or whose parent was killed.
"""

import ctypes
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import sys
from collections.abc import Generator
from contextlib import suppress

import pytest

from tests.support.running.process_table import command_line, descendants_of, directory_of
from tests.support.wait import wait_for

# For processes that are ending: the helpers of `multiprocessing` end after their worker.
END_TIMEOUT_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36
_GREEN = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


class Leftovers:
    """The plugin of the process that begins the run; workers of xdist do not have it."""

    def __init__(self) -> None:
        """Note what runs below this process already: no test started it."""
        self._is_possible = sys.platform == "linux"
        self._known: set[int] = set()
        if self._is_possible:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
            self._known = descendants_of(os.getpid())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Look for processes once all fixtures are torn down and all workers have ended."""
        yield
        found = self._found() if self._is_possible else set()
        if not found:
            return
        lines = [f"{pid}: {command_line(pid)} (in {directory_of(pid)})" for pid in sorted(found)]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line("tests left these processes, which were killed:", red=True)
            for line in lines:
                reporter.write_line(line)
        if session.exitstatus in _GREEN:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _found(self) -> set[int]:
        """What is left at the end of the wait."""
        found: set[int] = set()

        def are_gone() -> bool:
            found.clear()
            found.update(descendants_of(os.getpid()) - self._known - _helpers())
            return not found

        with suppress(AssertionError):
            wait_for(are_gone, "no process is left", END_TIMEOUT_S)
        return found


def _helpers() -> set[int]:
    """Processes of `multiprocessing` that end with this process, and not before."""
    fork_server = multiprocessing.forkserver._forkserver
    tracker = multiprocessing.resource_tracker._resource_tracker
    pids = (getattr(fork_server, "_forkserver_pid", None), getattr(tracker, "_pid", None))
    return {pid for pid in pids if pid is not None}
