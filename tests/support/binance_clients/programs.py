"""Programs of this folder: the environment that each runs in, and how the table names it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.house.documents import ROOT

REQUIRED_VARIABLE = "CLIENTS_REQUIRED"
"""`make test-clients` sets this variable."""

OUTPUT_CHARACTERS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Program:
    """A client as a column of the table, and the extra that has its packages."""

    name: str
    package: str
    environment: str = "clients"
    timeout_s: float = 110

    @property
    def folder(self) -> Path:
        """The virtual environment that `make test-clients` makes from the extra."""
        return ROOT / ".venv" / self.environment


PROGRAMS: Mapping[str, Program] = {
    "ccxt_bot": Program("ccxt", "ccxt"),
    "ccxt_pro_bot": Program("ccxt.pro", "ccxt", timeout_s=170),
    "python_binance_bot": Program("python-binance", "python-binance"),
    "sdk_bot": Program("binance-sdk-spot", "binance-sdk-spot"),
    "connector_bot": Program("binance-connector", "binance-connector"),
    "nautilus_bot": Program(
        "nautilus_trader", "nautilus_trader", "clients-nautilus", timeout_s=150
    ),
    "freqtrade_bot": Program("freqtrade", "freqtrade", "clients-freqtrade", timeout_s=480),
}
LONGEST_TIMEOUT_S = max(program.timeout_s for program in PROGRAMS.values())

needs_clients = pytest.mark.skipif(
    not os.environ.get(REQUIRED_VARIABLE),
    reason="make test-clients drives the Binance clients; this takes ten minutes",
)


def run_program(
    name: str, gateway_url: str, market_data_url: str, program: Program | None = None
) -> list[dict[str, Any]]:
    """The lines of JSON that a program printed. Raises AssertionError if it failed.

    `name` is a module of this folder; without `program` it is one of PROGRAMS.
    """
    program = program or PROGRAMS[name]
    assert (program.folder / "installed").exists(), (
        f"the extra {program.environment} is not installed in {program.folder}"
    )
    # Clients run as with their users: with the certificates of the machine (tests/conftest.py).
    environment = {name: os.environ[name] for name in os.environ if name != "SSL_CERT_FILE"}
    run = subprocess.run(
        [program.folder / "bin" / "python", "-m", f"tests.support.binance_clients.{name}",
         gateway_url, market_data_url],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=program.timeout_s,
        check=False,
    )  # fmt: skip
    # pytest shows what a program says besides its calls with `-rP`.
    sys.stdout.write("".join(f"{line}\n" for line in run.stdout.splitlines() if line[:1] != "{"))
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    failed = [line for line in lines if not line.get("ok", True)]
    output = (run.stdout + run.stderr)[-OUTPUT_CHARACTERS_MAX:]
    assert run.returncode == 0, output
    assert failed == [], f"{failed}\n{output}"
    assert lines, output
    return lines
