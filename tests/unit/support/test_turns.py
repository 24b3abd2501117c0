"""Turns of the workers of a test run: serial tests run alone, and soon."""

import fcntl
import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.running.turns import Turns
from tests.support.wait import wait_for


class Worker:
    """A thread that takes one turn, notes it, and keeps it until it is told to end."""

    def __init__(self, turns: Turns, name: str, took: list[str], *, alone: bool) -> None:
        """Begin at once."""
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(turns, name, took, alone))
        self.thread.start()

    def _run(self, turns: Turns, name: str, took: list[str], alone: bool) -> None:
        with turns.turn(alone=alone):
            took.append(name)
            self.ended.wait()

    def end(self) -> None:
        """Give the turn back."""
        self.ended.set()
        self.thread.join()


def is_entrance_taken(folder: Path) -> bool:
    """Whether a worker waits for the machine."""
    descriptor = os.open(folder / "entrance.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_tests_run_side_by_side(tmp_path: Path) -> None:
    """Tests that need not be alone have their turns at the same time."""
    turns = Turns(tmp_path)
    with turns.turn(alone=False), turns.turn(alone=False):
        pass


@pytest.mark.parametrize("first_alone", [False, True])
def test_a_serial_test_runs_alone_and_before_those_that_came_later(
    tmp_path: Path, first_alone: bool
) -> None:
    """A serial test waits for the test that runs, and a later test waits for the serial one."""
    turns, took = Turns(tmp_path), list[str]()
    with ExitStack() as stack:
        running = Worker(turns, "running", took, alone=first_alone)
        stack.callback(running.end)
        wait_for(lambda: took == ["running"], "the first test runs")
        serial = Worker(turns, "serial", took, alone=True)
        stack.callback(serial.end)
        wait_for(lambda: is_entrance_taken(tmp_path), "the serial test waits")
        later = Worker(turns, "later", took, alone=False)
        stack.callback(later.end)
        assert took == ["running"]
        running.end()
        wait_for(lambda: len(took) == 2, "the next test runs")
        assert took == ["running", "serial"]
        serial.end()
        wait_for(lambda: len(took) == 3, "the last test runs")
