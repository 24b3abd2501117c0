"""A test run that leaves a process fails and names that process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running.process_table import alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

ROOT = Path(__file__).parents[3]
# Plugins whose import costs time, and that the sample does not need.
UNUSED = ("schemathesis", "valkey", "hypothesispytest", "playwright", "asyncio", "anyio")
PLUGINS = ("-p", "no:cacheprovider", *(word for name in UNUSED for word in ("-p", f"no:{name}")))
# A fixture that ends its process, a process that ends soon, and a process that is left: in a
# session of its own, without an environment, and with a parent that ends at once.
TESTS = """
import subprocess

import pytest


@pytest.fixture(scope="session", autouse=True)
def ended():
    process = subprocess.Popen(["sleep", "901"])
    yield
    process.kill()
    process.wait()


def test_ends_soon():
    subprocess.run(["sh", "-c", "sleep 0.1 &"], check=True)


def test_leaves():
    start = "cd {folder}; sleep 902 & echo $! > left"
    subprocess.run(["sh", "-c", start], check=True, env={{}}, start_new_session=True)
"""


@pytest.mark.parametrize("options", [(), ("-n1",)], ids=["one process", "a worker"])
def test_a_process_that_is_left_fails_the_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    """The run names the process with its folder, although all tests passed, and ends it.

    The run has the hooks of this suite. A process that a fixture ends, and one that ends soon, are
    not named.
    """
    file = tmp_path / "unit" / "test_sample.py"
    file.parent.mkdir()
    file.write_text(TESTS.format(folder=tmp_path), "utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-c", os.devnull, f"--rootdir={tmp_path}",
            *("-p", "tests.conftest"), *PLUGINS, *options, str(file),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    pid = int((tmp_path / "left").read_text("ascii"))
    was_ended = not alive(pid)
    if not was_ended:
        os.kill(pid, signal.SIGKILL)
    assert was_ended
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done
    *_, summary, message, line = done.stdout.splitlines()
    assert summary.startswith("2 passed")
    assert message.startswith("tests left these processes")
    assert line == f"{pid}: sleep 902 (in {tmp_path})"
