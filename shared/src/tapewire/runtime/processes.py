"""Child processes that are started, stopped within a bound, and never left behind.

A child runs in a process group of its own, so a Ctrl-C in the terminal reaches only its parent,
which then stops the children in order. Its output goes straight to a file: a parent that stalls or
dies can neither block nor break it.

When the parent is killed, the kernel sends the child SIGTERM (Linux, PR_SET_PDEATHSIG). That was
chosen over a pipe that every child would have to watch, because redis-server cannot be taught to.
A small interpreter asks for the signal and then becomes the command, because running Python
between fork and exec (`preexec_fn`) can deadlock in a process with threads. Elsewhere than on Linux
the lock in `tapewire.redis.data_directory` keeps a forgotten server's data from being opened twice.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

KILL_TIMEOUT_S = 5.0
LOG_BYTES_MAX = 16 * 1024 * 1024  # twice that with the older log
LAST_WORDS_BYTES_MAX = 8_192

# argv: the parent's pid, then the command. A parent that died before the request is noticed too.
_BECOME_COMMAND = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"cannot run {sys.argv[2]}: {error.strerror}")
"""


class ChildProcess:
    """One command that may be started again after it ended. Not thread-safe."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_path: Path | None = None,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        kept_fds: Sequence[int] = (),
        shares_output: bool = False,
    ) -> None:
        """`command[0]` is a path; `environment` replaces the parent's; `kept_fds` stay open.

        Standard error goes to the log, and so does standard output, which with `shares_output` is
        that of this process. Without a log both are those of this process.
        """
        self.name = name
        self._log_path = log_path
        self._command = list(command)
        self._environment = environment
        self._directory = directory
        self._kept_fds = tuple(kept_fds)
        self._shares_output = shares_output or log_path is None
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start_bytes = 0

    @property
    def log_path(self) -> Path:
        """Where the log is. Raises RuntimeError without a log."""
        if self._log_path is None:
            raise RuntimeError(f"{self.name} has no log")
        return self._log_path

    @property
    def pid(self) -> int:
        """Process id. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def ending(self) -> str:
        """The end of the process in words: `exit status 1` or `SIGKILL`."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return "still running"
        if status >= 0:
            return f"exit status {status}"
        try:
            return signal.Signals(-status).name
        except ValueError:
            return f"signal {-status}"

    def launch(self) -> None:
        """Start the process, which must not be running, and return at once.

        Raises OSError if its log cannot be written.
        """
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        command = self._command
        if sys.platform == "linux":
            interpreter = [sys.executable, "-I", "-S", "-c", _BECOME_COMMAND]
            command = [*interpreter, str(os.getpid()), *command]
        self.bound_log()
        with contextlib.ExitStack() as stack:
            log = None
            if self._log_path is not None:
                log = stack.enter_context(self._log_path.open("ab"))
                self._log_start_bytes = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - commands come from this package
                command,
                stdin=subprocess.DEVNULL,
                stdout=None if self._shares_output else log,
                stderr=log,
                env=self._environment,
                cwd=self._directory,
                pass_fds=self._kept_fds,
                start_new_session=True,
            )

    def ask_to_stop(self) -> None:
        """Send SIGTERM and return at once."""
        if self.running:
            self._send(signal.SIGTERM)

    def stop(self, timeout_s: float) -> None:
        """Ask the process to stop, wait `timeout_s`, then kill it; no error if it has ended."""
        self.ask_to_stop()
        if not self.wait(timeout_s):
            self.kill()

    def kill(self) -> None:
        """End the process without warning (SIGKILL) and wait until it is gone."""
        if self.running:
            self._send(signal.SIGKILL)
        self.wait(KILL_TIMEOUT_S)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of the process; False if it still runs after `timeout_s`."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> list[str]:
        """The last lines in the log since the latest start, oldest first."""
        if self._log_path is None:
            return []
        try:
            with self._log_path.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start_bytes, end - LAST_WORDS_BYTES_MAX))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [line.strip() for line in text.splitlines() if line.strip()]

    def bound_log(self) -> None:
        """Move a log of more than `LOG_BYTES_MAX` to `.old.log`; the process may go on writing.

        A running process appends to the file that it has open, so the file is copied and emptied.
        Lines that are written in between are lost. On a full disk the file is only emptied.
        """
        path = self._log_path
        try:
            if path is None or path.stat().st_size <= LOG_BYTES_MAX:
                return
            older = path.with_suffix(".old.log")
            try:
                shutil.copyfile(path, older)
            except OSError:
                older.unlink(missing_ok=True)
            os.truncate(path, 0)
        except OSError:
            return
        self._log_start_bytes = 0

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
