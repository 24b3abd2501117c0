"""Unmodified Binance clients trade on a venue: `make test-clients` installs them first.

Each client runs as a program of its own, in the environment of the clients, against a gateway and a
market-data service whose book a native client keeps. Without that environment the tests are
skipped; with `CLIENTS_REQUIRED=1` its absence is a failure.
"""

import json
import os
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.binance_clients.table import make_table, read_table, write_table
from tests.support.house.documents import ROOT
from tests.support.running.whole_venue import WholeVenue, running_venue

PYTHON = ROOT / ".venv" / "clients" / "bin" / "python"
PROGRAM_TIMEOUT_S = 110
# Program: how the table calls it, and the package whose version the table shows.
PROGRAMS = {
    "ccxt_bot": ("ccxt", "ccxt"),
    "ccxt_pro_bot": ("ccxt.pro", "ccxt"),
    "python_binance_bot": ("python-binance", "python-binance"),
    "sdk_bot": ("binance-sdk-spot", "binance-sdk-spot"),
    "connector_bot": ("binance-connector", "binance-connector"),
}
LEVELS = 30
TRADES_INTERVAL_S = 0.05

pytestmark = pytest.mark.skipif(
    not PYTHON.exists() and not os.environ.get("CLIENTS_REQUIRED"),
    reason="the Binance clients are not installed: make test-clients installs them",
)


@pytest.fixture(scope="module")
def venue(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeVenue]:
    """Both services; an account quotes around 60,000, and trades with another all the time."""
    with running_venue(module_redis_url, tmp_path_factory.mktemp("venue")) as running:
        stopped = threading.Event()
        trader = threading.Thread(target=keep_trading, args=(running.gateway.url, stopped))
        trader.start()
        yield running
        stopped.set()
        trader.join()


@pytest.fixture(scope="module")
def made() -> dict[str, list[str]]:
    """The calls of each program that has run, by its name."""
    return {}


def keep_trading(url: str, stopped: threading.Event) -> None:
    """Rest levels on both sides, then trade at the best price until the test stops it."""
    choice = random.Random(13)
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as api:

        def place(account: str, side: str, price: int) -> None:
            body = {
                "symbol": "BTC-USDT", "side": side, "order_type": "limit", "quantity": "0.5",
                "price": str(price),
            }  # fmt: skip
            reply = api.post("/v1/orders", json=body, headers={"X-Account": account})
            assert reply.status_code == 201, reply.text

        for level in range(1, LEVELS + 1):
            place("maker", "buy", 60_000 - level)
            place("maker", "sell", 60_000 + level)
        while not stopped.wait(TRADES_INTERVAL_S):
            side, price = choice.choice((("buy", 60_001), ("sell", 59_999)))
            place("crowd", side, price)
            place("maker", "sell" if side == "buy" else "buy", price)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_client_trades_unmodified(
    venue: WholeVenue, made: dict[str, list[str]], program: str
) -> None:
    """Each call of the client does what the client expects of Binance."""
    run = subprocess.run(
        [str(PYTHON), "-m", f"tests.support.binance_clients.{program}", venue.gateway.url,
         venue.market_data.url],
        cwd=ROOT, capture_output=True, text=True, timeout=PROGRAM_TIMEOUT_S, check=False,
    )  # fmt: skip
    steps = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert run.returncode == 0, run.stdout + run.stderr
    assert steps
    assert [step for step in steps if not step["ok"]] == []
    made[program] = [step["call"] for step in steps]


def test_the_table_of_the_document_is_that_of_the_run(
    made: dict[str, list[str]], request: pytest.FixtureRequest
) -> None:
    """docs/binance.md shows the calls that were made, with the versions of the clients."""
    if made.keys() != PROGRAMS.keys():
        pytest.skip("not every client has run")
    table = make_table(
        {name: (package, made[program]) for program, (name, package) in PROGRAMS.items()}
    )
    if request.config.getoption("--write-clients"):
        write_table(table)
    assert read_table() == table


def test_programs_and_documents_name_the_same_clients() -> None:
    """Every program of the folder is run."""
    folder = Path(__file__).parents[1] / "support" / "binance_clients"
    assert {path.stem for path in folder.glob("*_bot.py")} == set(PROGRAMS)
