"""A whole venue that is measured: `tapewire up` as a process."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

START_TIMEOUT_S = 60.0


@contextlib.contextmanager
def running_venue(python: str, folder: Path, options: Sequence[str] = ()) -> Iterator[int]:
    """`tapewire up` on free ports; yields its process id."""
    ports = [f"--{name}-port=0" for name in ("gateway", "market-data", "redis")]
    words = [python, "-P", "-m", "tapewire", "up", f"--data-dir={folder}", *ports, *options]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        try:
            deadline_s = time.monotonic() + START_TIMEOUT_S
            while not (folder / "venue.json").exists():
                if process.poll() is not None or time.monotonic() > deadline_s:
                    raise RuntimeError("the venue did not start; see its output")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_TIMEOUT_S)
