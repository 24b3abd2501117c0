"""Child processes: stopped within a bound, tied to their parent, their words kept."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tapewire.errors import ConfigurationError
from tapewire.launcher.signals import Signals
from tapewire.redis.data_directory import DataDirectory
from tapewire.runtime.ports import KeptPort, PortTaken
from tapewire.runtime.processes import LOG_BYTES_MAX, ChildProcess
from tests.support.running.process_table import alive
from tests.support.wait import wait_for

STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True);"
    "signal.pause()"
)
PATIENT = "import signal; print('up', flush=True); signal.pause()"


def child_of(folder: Path, code: str) -> ChildProcess:
    return ChildProcess("child", [sys.executable, "-c", code], log_path=folder / "child.log")


def test_a_stop_waits_then_kills(tmp_path: Path) -> None:
    """A child that ignores SIGTERM is killed when its time is over."""
    child = child_of(tmp_path, STUBBORN)
    child.launch()
    wait_for(lambda: child.last_words() == ["up"], "the child ignores SIGTERM now")
    child.stop(0.1)
    assert (child.running, child.ending) == (False, "SIGKILL")


def test_its_words_are_those_of_the_latest_start(tmp_path: Path) -> None:
    """Output of earlier starts stays in the log but does not count as the latest."""
    child = child_of(tmp_path, "import os; print('pid', os.getpid()); raise SystemExit(3)")
    words = []
    for _ in range(2):
        child.launch()
        assert child.wait(10)
        words += child.last_words()
    assert child.ending == "exit status 3"
    assert len(set(words)) == 2
    assert child.log_path.read_text("utf-8").splitlines() == words


def test_a_command_that_does_not_exist_ends_with_a_sentence(tmp_path: Path) -> None:
    """The reason why nothing runs is in the log."""
    child = ChildProcess("child", [str(tmp_path / "none")], log_path=tmp_path / "log")
    try:
        child.launch()
    except FileNotFoundError:
        assert sys.platform != "linux"
    else:
        assert child.wait(10)
        assert child.last_words() == [f"cannot run {tmp_path / 'none'}: No such file or directory"]


def test_a_large_log_is_set_aside(tmp_path: Path) -> None:
    """At a start a log over the limit becomes the older log, and a new one begins."""
    child = child_of(tmp_path, "print('new')")
    child.log_path.write_bytes(b"x" * (LOG_BYTES_MAX + 1))
    child.launch()
    assert child.wait(10)
    assert child.log_path.read_text("utf-8") == "new\n"
    assert (tmp_path / "child.old.log").stat().st_size == LOG_BYTES_MAX + 1


VERBOSE = (
    "import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]);"
    f"sys.stdout.write('x' * {LOG_BYTES_MAX} + '!'); sys.stdout.flush();"
    "signal.sigwait([signal.SIGUSR1]); print('after', flush=True); signal.pause()"
)


def test_a_log_is_bounded_while_its_process_runs(tmp_path: Path) -> None:
    """A full log becomes the older log, and the process goes on in the file that it has open."""
    child = child_of(tmp_path, VERBOSE)
    child.launch()
    try:
        wait_for(lambda: child.log_path.stat().st_size > LOG_BYTES_MAX, "the log is full")
        child.bound_log()
        assert child.log_path.stat().st_size == 0
        assert (tmp_path / "child.old.log").stat().st_size == LOG_BYTES_MAX + 1
        os.kill(child.pid, signal.SIGUSR1)
        wait_for(lambda: child.log_path.read_text("utf-8") == "after\n", "it goes on")
        child.bound_log()
        assert child.last_words() == ["after"]
    finally:
        child.kill()


def test_standard_output_may_be_shared(tmp_path: Path) -> None:
    """Then only standard error is in the log, where the reason of an end is looked for."""
    log = tmp_path / "log"
    code = (
        "import pathlib, sys; from tapewire.runtime.processes import ChildProcess;"
        "command = [sys.executable, '-c', 'import sys; print(1); print(2, file=sys.stderr)'];"
        "log = pathlib.Path(sys.argv[1]);"
        "child = ChildProcess('child', command, log_path=log, shares_output=True);"
        "child.launch(); child.wait(10)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(log)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, log.read_text("utf-8")) == ("1\n", "2\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of the death")
def test_a_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """When the parent is killed, the child ends by itself."""
    log = tmp_path / "log"
    code = (
        "import pathlib, signal, sys; from tapewire.runtime.processes import ChildProcess;"
        f"child = ChildProcess('c', [sys.executable, '-c', {PATIENT!r}],"
        f" log_path=pathlib.Path({str(log)!r}));"
        "child.launch(); print(child.pid, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        wait_for(lambda: log.read_text("utf-8") == "up\n", "the child runs its command")
        assert alive(pid)
        parent.kill()
    wait_for(lambda: not alive(pid), "the child noticed")


def test_a_directory_is_taken_once(tmp_path: Path) -> None:
    """The second taker learns who was first; after that one left it is free."""
    with DataDirectory(tmp_path / "a" / "b") as first:
        assert first.path.is_dir()
        with pytest.raises(ConfigurationError, match=rf"process {os.getpid()}\)"):
            DataDirectory(first.path).lock()
    with DataDirectory(first.path):
        pass


def test_a_kept_port_can_be_shared_but_not_taken() -> None:
    """While it is kept, a socket that shares may bind it and one that does not may not."""
    with KeptPort("127.0.0.1", 0, "--port") as kept:
        assert kept.reachable == f"127.0.0.1:{kept.port}"
        with socket.socket() as worker, socket.socket() as stranger:
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", kept.port))
            worker.listen()
            with pytest.raises(OSError, match="in use"):
                stranger.bind(("127.0.0.1", kept.port))
            with pytest.raises(PortTaken, match="choose another with --port"):
                KeptPort("127.0.0.1", kept.port, "--port")
            # The keeper gets no connection: each of these reaches the worker.
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", kept.port), 5):
                    worker.accept()[0].close()


@pytest.mark.parametrize("host", ["203.0.113.1", "no such host", "x" * 300])
def test_a_host_of_another_machine_is_refused(host: str) -> None:
    """An address that is not ours is said to be none of ours."""
    with pytest.raises(ConfigurationError, match="is not an address of this machine"):
        KeptPort(host, 0, "--port")


def test_every_address_is_reached_on_loopback() -> None:
    """Who listens everywhere is shown with an address that a client can use."""
    with KeptPort("0.0.0.0", 0, "--port") as kept:  # noqa: S104 - for a moment
        assert kept.reachable == f"127.0.0.1:{kept.port}"


def test_signals_end_a_wait_and_are_counted() -> None:
    """A signal that came before the wait ends it too; afterwards all is as before."""
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        signals.wait(60)
        assert signals.stops == 1
        signals.wait(0)
    assert signal.getsignal(signal.SIGTERM) is before
