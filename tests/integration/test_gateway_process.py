"""The gateway as a process: how it starts, refuses to start, and ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from tests.support.running.forks import ForkedProcess
from tests.support.running.process_table import alive, children_of
from tests.support.running.processes import (
    Service,
    child_environment,
    running_gateway,
    running_market_data,
)
from tests.support.transport.rest import place
from tests.support.wait import wait_for

AnyProcess: TypeAlias = ForkedProcess | subprocess.Popen[bytes]

START_TIMEOUT_S = 30
GARBAGE_CONNECTIONS = 400
CLOSED_REDIS = "redis://:secret@127.0.0.1:1/0"
LEFT_OUT = re.compile(r"(\d+) lines like this were left out")
CONFLICT = """
[[instrument]]
symbol = "BTC-USDT"
base = "BTC"
quote = "USDT"
tick_size = "0.5"
lot_size = "0.00001"
min_quantity = "0.00001"
max_quantity = "100"
"""


def start(variables: Mapping[str, str], log_path: Path) -> ForkedProcess:
    """Start a gateway on a free port of its own choice; its output goes to `log_path`."""
    environment = child_environment({"TAPEWIRE_GATEWAY_PORT": "0"} | dict(variables))
    return ForkedProcess("order_gateway", environment, log_path.parent, log_path)


def start_interpreter(variables: Mapping[str, str], log_path: Path) -> subprocess.Popen[bytes]:
    """The same with `python -m`, as operators do it."""
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "order_gateway"],
            env=child_environment({"TAPEWIRE_GATEWAY_PORT": "0"} | dict(variables)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@contextmanager
def running(
    variables: Mapping[str, str],
    log_path: Path,
    starter: Callable[[Mapping[str, str], Path], AnyProcess] = start,
) -> Iterator[tuple[AnyProcess, int]]:
    """A gateway that listens, and its port."""
    process = starter(variables, log_path)
    try:
        wait_for(lambda: "listening" in log_path.read_text(), "the gateway listens", 30)
        match = re.search(r"listening on http://127\.0\.0\.1:(\d+)", log_path.read_text())
        assert match is not None
        yield process, int(match[1])
    finally:
        process.kill()
        process.wait(START_TIMEOUT_S)


def refuse_to_start(variables: Mapping[str, str], log_path: Path) -> list[str]:
    """Start a gateway that must end with status 1; returns what it wrote, line by line."""
    process = start(variables, log_path)
    try:
        assert process.wait(START_TIMEOUT_S) == 1
    finally:
        process.kill()
    text = log_path.read_text()
    assert "Traceback" not in text
    assert "secret" not in text
    return text.splitlines()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"TAPEWIRE_GATEWEY_PORT": "1"}, "unknown setting TAPEWIRE_GATEWEY_PORT"),
        ({"TAPEWIRE_GATEWAY_PORT": "99999"}, "setting TAPEWIRE_GATEWAY_PORT: "),
        ({"TAPEWIRE_REDIS_TIMEOUT_S": "-1"}, "setting TAPEWIRE_REDIS_TIMEOUT_S: "),
        ({"TAPEWIRE_INSTRUMENTS": "none.toml"}, "cannot read instrument file none.toml"),
        (
            {"TAPEWIRE_GATEWAY_HOST": "192.0.2.1", "TAPEWIRE_OPEN_TO_NETWORK": "true"},
            "cannot listen on 192.0.2.1:0",
        ),
        (
            {"TAPEWIRE_GATEWAY_HOST": "192.0.2.1"},
            "an open venue that listens on 192.0.2.1 lets every client",
        ),
        ({"TAPEWIRE_AUTH": "none"}, "setting TAPEWIRE_AUTH: Input should be 'open' or 'keys'"),
        ({"REDIS_URL": "http://127.0.0.1"}, "REDIS_URL: "),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_sentence(
    variables: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    """One line, status 1, no traceback."""
    (line,) = refuse_to_start(variables, tmp_path / "log")
    assert line.startswith(f"order-gateway: {sentence}")


def test_a_bad_instrument_file_ends_the_start_with_its_line(tmp_path: Path) -> None:
    """The sentence has file, line and reason."""
    path = tmp_path / "shares.toml"
    path.write_text(CONFLICT.replace('"0.5"', '"0"'), "utf-8")
    (line,) = refuse_to_start({"TAPEWIRE_INSTRUMENTS": str(path)}, tmp_path / "log")
    assert line.endswith("shares.toml, line 2: tick_size must be greater than zero.")


def test_a_redis_that_is_away_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    """The gateway says that it waits, how long, and why it ends; the password is not shown."""
    variables = {"REDIS_URL": CLOSED_REDIS, "TAPEWIRE_STARTUP_TIMEOUT_S": "0.3"}
    waiting, ending = refuse_to_start(variables, tmp_path / "log")
    assert "waiting up to 0.3 s for Redis at redis://127.0.0.1:1/0" in waiting
    assert ending.startswith("order-gateway: Redis at redis://127.0.0.1:1/0 did not answer within")


def test_a_taken_port_ends_the_start_with_one_sentence(tmp_path: Path) -> None:
    """A taken port is found before the gateway connects to Redis."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        variables = {"TAPEWIRE_GATEWAY_PORT": str(port), "REDIS_URL": CLOSED_REDIS}
        (line,) = refuse_to_start(variables, tmp_path / "log")
    expected = f"order-gateway: cannot listen on 127.0.0.1:{port}: address already in use; stop"
    assert line.startswith(expected)


def test_an_instrument_with_other_steps_ends_the_start(redis_url: str, tmp_path: Path) -> None:
    """Resting orders are counted in the old steps, so the old steps stay."""
    path = tmp_path / "conflict.toml"
    path.write_text(CONFLICT, "utf-8")
    with running({"REDIS_URL": redis_url}, tmp_path / "first.log"):
        variables = {"REDIS_URL": redis_url, "TAPEWIRE_INSTRUMENTS": str(path)}
        (line,) = refuse_to_start(variables, tmp_path / "second.log")
    assert line.startswith("order-gateway: Redis holds this instrument with another")
    assert "BTC-USDT" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_good_order(
    number: signal.Signals, redis_url: str, tmp_path: Path
) -> None:
    """Status 0, also with an idle connection open, and nothing to complain of in the log."""
    log_path = tmp_path / "log"
    with running({"REDIS_URL": redis_url}, log_path, start_interpreter) as (process, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as api:
            place(api)
            process.send_signal(number)
            assert process.wait(START_TIMEOUT_S) == 0
        assert not re.search("ERROR|WARNING|Traceback", log_path.read_text())


def test_a_signal_ends_the_wait_for_redis(tmp_path: Path) -> None:
    """A signal ends the start at once."""
    log_path = tmp_path / "log"
    process = start({"REDIS_URL": CLOSED_REDIS}, log_path)
    try:
        wait_for(lambda: "waiting up to" in log_path.read_text(), "the gateway waits", 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()
    assert "stopped before the start was complete" in log_path.read_text()


def test_workers_share_a_port(redis_url: str, tmp_path: Path) -> None:
    """With reuse_port a second worker starts on the port of the first and goes on alone."""
    shared = {"REDIS_URL": redis_url, "TAPEWIRE_GATEWAY_REUSE_PORT": "1"}
    with running(shared, tmp_path / "first.log") as (first, port):
        again = shared | {"TAPEWIRE_GATEWAY_PORT": str(port)}
        with running(again, tmp_path / "second.log") as (_, second_port):
            assert second_port == port
            first.terminate()
            assert first.wait(START_TIMEOUT_S) == 0
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as api:
                assert place(api)["status"] == "new"


@pytest.mark.parametrize("running", [running_gateway, running_market_data])
def test_a_flood_of_garbage_writes_a_bounded_log(
    redis_url: str, tmp_path: Path, running: Callable[..., AbstractContextManager[Service]]
) -> None:
    """Clients that send no HTTP cannot fill the disk; the last line says how many there were."""
    # Market-data needs the instruments that a gateway knows.
    with running_gateway(redis_url, tmp_path), running(redis_url, tmp_path) as service:
        for _ in range(GARBAGE_CONNECTIONS):
            with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
                connection.sendall(b"\x16\x03\x01garbage\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
        service.stop()
        lines = [line for line in service.log().splitlines() if "Invalid HTTP" in line]
    # A slow machine needs more than one window for so many connections.
    assert len(lines) < GARBAGE_CONNECTIONS / 2
    counts = [int(found[1]) for line in lines if (found := LEFT_OUT.search(line))]
    assert sum(counts) + len(lines) - len(counts) == GARBAGE_CONNECTIONS


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_workers_share_the_port_and_come_back(redis_url: str, tmp_path: Path) -> None:
    """One command runs several processes on one port, restarts them, and stops all of them."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    variables = {
        "REDIS_URL": redis_url,
        "TAPEWIRE_GATEWAY_PORT": port,
        "TAPEWIRE_GATEWAY_WORKERS": "2",
    }
    log = tmp_path / "log"
    process = start(variables, log)
    url = f"http://127.0.0.1:{port}/readyz"

    def ready() -> bool:
        try:
            return httpx.get(url, trust_env=False).is_success
        except httpx.TransportError:
            return False

    try:
        wait_for(lambda: log.read_text().count("listening on") == 2, "both listen", 60)
        wait_for(ready, "the port answers", START_TIMEOUT_S)
        workers = children_of(process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        wait_for(lambda: log.read_text().count("listening on") == 3, "one came back", 60)
        assert len(children_of(process.pid)) == 2
        assert "worker 1 ended (SIGKILL)" in log.read_text()
        workers = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_TIMEOUT_S) == 0
        assert not any(alive(pid) for pid in workers)
    finally:
        process.kill()
        process.wait(START_TIMEOUT_S)
