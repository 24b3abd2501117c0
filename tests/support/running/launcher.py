"""A real `tapewire up` in a session of its own, for tests that stop, starve or kill it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.running.process_table import alive, children_of, command_line
from tests.support.running.processes import child_environment
from tests.support.wait import wait_for

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0

TAPEWIRE = (sys.executable, "-P", "-m", "tapewire")
# The last line of the start screen: the screen may be read while it is written.
SCREEN_END = "Ctrl-C stops everything. The data stays."
GATEWAY, MARKET_DATA, REDIS = "order_gateway", "market_data", "-server"


@dataclass(frozen=True, slots=True)
class Launcher:
    """One `tapewire up`; `output_path` holds its output, errors included."""

    process: subprocess.Popen[bytes]
    output_path: Path

    @property
    def output(self) -> str:
        """The output so far."""
        return self.output_path.read_text("utf-8")

    @property
    def data_dir(self) -> Path:
        """The data directory of the venue."""
        return self.output_path.parent / "data"

    @property
    def gateway_url(self) -> str:
        """Base URL of the gateway, as printed."""
        return self._printed(r"(https?://\S+)/v1/orders ")

    @property
    def feed_url(self) -> str:
        """URL of the feed, as printed."""
        return self._printed(r"(wss?://\S+/ws/market-data)")

    def wait_until_running(self) -> None:
        """Wait for the whole start screen. Raises AssertionError with the output if it ends."""
        wait_for(
            lambda: SCREEN_END in self.output or self.process.poll() is not None,
            "the launcher says that it runs",
            START_TIMEOUT_S,
        )
        assert self.process.poll() is None, self.output

    def wait_for_end(self) -> int:
        """Wait for the end; returns the exit status. Raises AssertionError if late."""
        wait_for(lambda: self.process.poll() is not None, "the launcher ends", STOP_TIMEOUT_S)
        return self.process.returncode

    def interrupt(self) -> int:
        """Press Ctrl-C and wait for the end; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.wait_for_end()

    def children(self, what: str = "") -> list[int]:
        """Process ids of its living children with `what` in their command line."""
        return [pid for pid in children_of(self.process.pid) if what in command_line(pid)]

    def _printed(self, pattern: str) -> str:
        match = re.search(pattern, self.output)
        assert match, self.output
        return match[1]


def start_launcher(
    folder: Path,
    *options: str,
    variables: Mapping[str, str] | None = None,
    stdout: IO[bytes] | None = None,
    before: Sequence[str] = (),
) -> Launcher:
    """Run `tapewire up` with its data below `folder`, on free ports unless `options` say which.

    Standard output goes to `stdout` if that is given, else to the output file, as errors do. The
    words `before` come in front of the command.
    """
    output_path = folder / f"output-{len(list(folder.glob('output-*')))}"
    ports = [
        f"{name}=0" for name in ("--gateway-port", "--market-data-port") if name not in options
    ]
    with output_path.open("wb") as output:
        process = subprocess.Popen(
            [*before, *TAPEWIRE, "up", f"--data-dir={folder / 'data'}", *ports, *options],
            env=child_environment(variables or {}),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout or output,
            stderr=output,
            start_new_session=True,
        )
    return Launcher(process, output_path)


@contextmanager
def launched(
    folder: Path,
    *options: str,
    variables: Mapping[str, str] | None = None,
    stdout: IO[bytes] | None = None,
    before: Sequence[str] = (),
) -> Iterator[Launcher]:
    """Run `tapewire up` until the block ends."""
    launcher = start_launcher(folder, *options, variables=variables, stdout=stdout, before=before)
    try:
        yield launcher
    finally:
        family = launcher.children()
        if launcher.process.poll() is None:
            launcher.process.terminate()
            try:
                launcher.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                launcher.process.kill()
                launcher.process.wait(STOP_TIMEOUT_S)
        for pid in family:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        # pytest keeps what is written here and shows it only when the test failed.
        sys.stdout.write(f"--- tapewire up\n{launcher.output}\n")
        for log in sorted((folder / "data").rglob("*.log")):
            sys.stdout.write(f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-4_000:]}\n")
