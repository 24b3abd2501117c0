"""Real service processes for end-to-end tests: start, wait until ready, show the log, stop.

Nothing here waits without a bound, and nothing outlives its `with` block.
"""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tapewire.runtime.ports import free_port
from tapewire.web.tls import unverified_context
from tests.support.running.forks import ForkedProcess
from tests.support.wait import wait_for

READY_TIMEOUT_S = 60.0
REQUEST_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 10.0
START_ATTEMPTS_MAX = 3
LOG_LINES_SHOWN_MAX = 200
# Money is no limit in most tests; 2,000 accounts can have this balance.
RICH = "*=20000000"


class ServiceFailed(Exception):
    """A service ended or was not ready in time; the message carries the end of its log."""


class _PortTaken(Exception):
    """Another process bound the port between its choice and the start of the service."""


@dataclass(frozen=True, slots=True)
class Service:
    """One running service process."""

    name: str
    port: int
    process: ForkedProcess
    log_path: Path
    secure: bool = False

    @property
    def url(self) -> str:
        """Base URL of its REST interface, without a slash at the end."""
        return f"http{'s' if self.secure else ''}://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        """Base URL of its WebSocket interface, without a slash at the end."""
        return f"ws{'s' if self.secure else ''}://127.0.0.1:{self.port}"

    def log(self) -> str:
        """The last lines of its stdout and stderr."""
        lines = self.log_path.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES_SHOWN_MAX:])

    def stop(self) -> int:
        """End the process with SIGTERM, or SIGKILL after `STOP_TIMEOUT_S`; returns the status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(STOP_TIMEOUT_S)


def is_setting(name: str) -> bool:
    """Whether a variable of the environment is a setting of a venue."""
    return name.upper().startswith("TAPEWIRE_") or name.upper() == "REDIS_URL"


def child_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests with `variables`, without settings of a venue."""
    inherited = {name: value for name, value in os.environ.items() if not is_setting(name)}
    return inherited | {"PYTHONUNBUFFERED": "1"} | dict(variables)


@contextmanager
def running_gateway(
    redis_url: str, log_dir: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Run an order gateway until the block ends. Raises ServiceFailed."""
    settings = {"REDIS_URL": redis_url, "TAPEWIRE_PAPER_BALANCES": RICH} | dict(variables or {})
    with _running("order_gateway", "TAPEWIRE_GATEWAY_PORT", settings, log_dir) as service:
        yield service


@contextmanager
def running_market_data(
    redis_url: str, log_dir: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Run a market-data service until the block ends. Raises ServiceFailed."""
    settings = {"REDIS_URL": redis_url} | dict(variables or {})
    with _running("market_data", "TAPEWIRE_MARKET_DATA_PORT", settings, log_dir) as service:
        yield service


@contextmanager
def _running(
    name: str, port_variable: str, settings: Mapping[str, str], log_dir: Path
) -> Iterator[Service]:
    service = _start_ready(name, port_variable, settings, log_dir)
    try:
        yield service
    finally:
        service.stop()
        # pytest keeps what is written here and shows it only when the test failed.
        sys.stdout.write(f"--- log of {name} on port {service.port}\n{service.log()}\n")


def _start_ready(
    name: str, port_variable: str, settings: Mapping[str, str], log_dir: Path
) -> Service:
    """Start on a free port; on another one if a process took the first meanwhile."""
    for _ in range(START_ATTEMPTS_MAX):
        service = start(name, port_variable, settings, log_dir)
        try:
            wait_until_ready(service)
        except _PortTaken:
            continue
        except BaseException:
            service.stop()
            raise
        return service
    raise ServiceFailed(f"{name}: every port that was free at first was taken at the start")


def start(
    name: str,
    port_variable: str,
    settings: Mapping[str, str],
    log_dir: Path,
    port: int | None = None,
) -> Service:
    """Start a service and return at once; the caller waits for it and stops it."""
    port = port or free_port()
    log_path = log_dir / f"{name}-{port}.log"
    environment = child_environment(dict(settings) | {port_variable: str(port)})
    process = ForkedProcess(name, environment, log_dir, log_path)
    secure = port_variable.replace("PORT", "TLS_CERTIFICATE") in settings
    return Service(name, port, process, log_path, secure)


def wait_until_ready(service: Service, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Poll `/readyz` until it answers 200. Raises ServiceFailed with the log."""
    last: str | None = "no answer yet"

    def is_ready() -> bool:
        nonlocal last
        _check_alive(service)
        last = _ask_ready(service)
        return last is None

    try:
        wait_for(is_ready, f"{service.name} ready", timeout_s)
    except AssertionError as error:
        raise ServiceFailed(f"{error} ({last}):\n{service.log()}") from None


def _check_alive(service: Service) -> None:
    if service.process.poll() is None:
        return
    log = service.log()
    if "address already in use" in log.lower():
        raise _PortTaken
    raise ServiceFailed(f"{service.name} ended with status {service.process.returncode}:\n{log}")


def _ask_ready(service: Service) -> str | None:
    """None if the service is ready, else its answer or the error."""
    address, timeout_s = ("127.0.0.1", service.port), REQUEST_TIMEOUT_S
    connection = http.client.HTTPConnection(*address, timeout=timeout_s)
    if service.secure:
        context = unverified_context()
        connection = http.client.HTTPSConnection(*address, timeout=timeout_s, context=context)
    try:
        connection.request("GET", "/readyz")
        reply = connection.getresponse()
        body = reply.read()
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()
    return None if reply.status == 200 else f"{reply.status}: {body[:500]!r}"
