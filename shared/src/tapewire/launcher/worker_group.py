"""Several processes of one service on one port, in place of one: for containers and by hand.

`tapewire up` starts its workers by itself. A service with `WORKERS` above 1 becomes the supervisor
of that many processes of itself, which share the port and the output.
"""

import os
import sys
import time
from collections.abc import Sequence

from tapewire.errors import ConfigurationError
from tapewire.launcher.member import Member
from tapewire.launcher.services import SERVICE_STOP_TIMEOUT_S, python_command
from tapewire.launcher.signals import Signals
from tapewire.runtime.ports import KeptPort
from tapewire.runtime.processes import ChildProcess
from tapewire.web.server import start_the_collector
from tapewire.web.serving import ServerSettings

SUPERVISION_INTERVAL_S = 1.0
STOP_POLL_INTERVAL_S = 0.05


def run_workers(package: str, prefix: str, settings: ServerSettings) -> None:
    """Run `settings.workers` processes of `package` until SIGINT or SIGTERM.

    A process that dies is started again. A process that does not stop within
    `SERVICE_STOP_TIMEOUT_S` is killed. Raises LaunchFailed when a process died too often, and
    ConfigurationError if the port cannot be had.
    """
    start_the_collector()
    with Signals() as signals, KeptPort(settings.host, settings.port, f"{prefix}PORT") as kept:
        environment = dict(os.environ) | {
            f"{prefix}PORT": str(kept.port),
            f"{prefix}REUSE_PORT": "true",
            f"{prefix}WORKERS": "1",
        }
        children = [
            ChildProcess(f"worker {number}", python_command(package), environment=environment)
            for number in range(1, settings.workers + 1)
        ]
        try:
            _supervise(children, signals)
        finally:
            _stop(children, signals)


def _supervise(children: Sequence[ChildProcess], signals: Signals) -> None:
    """Restart workers that die, until a signal. Raises LaunchFailed, ConfigurationError."""
    for child in children:
        try:
            child.launch()
        except OSError as error:
            raise ConfigurationError(f"{child.name} cannot be started: {error}") from None
    members = [Member(child) for child in children]
    while not signals.stops:
        now_s = time.monotonic()
        for member in members:
            news = member.supervise(now_s)
            if news is not None:
                sys.stderr.write(f"{news}\n")
        signals.wait(min(member.due_in_s(now_s, SUPERVISION_INTERVAL_S) for member in members))


def _stop(children: Sequence[ChildProcess], signals: Signals) -> None:
    for child in children:
        child.ask_to_stop()
    deadline_s = time.monotonic() + SERVICE_STOP_TIMEOUT_S
    while any(child.running for child in children) and time.monotonic() < deadline_s:
        signals.wait(STOP_POLL_INTERVAL_S)
    for child in children:
        child.kill()
