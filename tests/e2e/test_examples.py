"""The programs of examples/, run as a user runs them against a venue."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tapewire.client import SyncVenueClient
from tests.support.house.documents import ROOT
from tests.support.running.processes import child_environment
from tests.support.running.programs import run_program
from tests.support.running.venue_files import venue_directory
from tests.support.running.whole_venue import running_venue
from tests.support.wait import wait_for

EXAMPLES = ROOT / "examples"
SYMBOL = "BTC-USDT"
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def folder(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that programs run in; its `.tapewire` is that of a running venue."""
    path = tmp_path_factory.mktemp("venue")
    with running_venue(module_redis_url, path) as venue, venue_directory(venue, path):
        yield path


@pytest.fixture
def client(folder: Path) -> Iterator[SyncVenueClient]:
    """Another client of the same venue."""
    with SyncVenueClient(folder / ".tapewire", account="onlooker") as opened:
        yield opened


def account(client: SyncVenueClient, name: str, asset: str) -> Decimal:
    """What an account has of an asset."""
    total: Decimal = client.admin.account(name).balance(asset).total
    return total


@contextmanager
def started(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A program that runs until the block ends."""
    with (folder / f"{name}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / name), *arguments],
            cwd=folder,
            env=child_environment({}),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            sys.stdout.write((folder / f"{name}.log").read_text())


def run(folder: Path, name: str, *arguments: str) -> str:
    """A program run to its end; what it printed."""
    done = run_program(EXAMPLES / name, *arguments, folder=folder)
    assert done.status == 0, done.stdout + done.stderr
    return done.stdout


def test_the_maker_quotes_the_taker_takes_and_the_notebook_shows_it(
    folder: Path, client: SyncVenueClient
) -> None:
    """Five orders trade with the maker's quotes, which are gone when the maker ends."""
    with started(folder, "market_maker.py", "--account", "maker") as maker:
        wait_for(lambda: client.bbo(SYMBOL).ask is not None, "the maker quotes", TIMEOUT_S)
        assert len(client.book(SYMBOL).bids) == 3
        printed = run(folder, "taker.py", "--account", "taker", "--orders", "5")
        assert "average price 600" in printed
        assert account(client, "taker", "BTC") > account(client, "maker", "BTC")
        maker.send_signal(signal.SIGINT)
        assert maker.wait(TIMEOUT_S) == 0
    wait_for(lambda: not client.book(SYMBOL).asks, "the quotes are canceled", TIMEOUT_S)
    show_notebook(folder)


def show_notebook(folder: Path) -> None:
    """Run the cells of the notebook in order, as `jupyter` would, without a window."""
    cells = json.loads((EXAMPLES / "chart.ipynb").read_text("utf-8"))["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    program = folder / "notebook.py"
    program.write_text(source.replace("plt.show()", 'figure.savefig("chart.png")'))
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=folder,
        env=child_environment({"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(folder)}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert " trades, vwap 600" in done.stdout
    assert (folder / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_a_notebook_is_kept_without_results() -> None:
    """What a run printed does not belong into the repository."""
    for cell in json.loads((EXAMPLES / "chart.ipynb").read_text("utf-8"))["cells"]:
        outputs: list[Any] = cell.get("outputs", [])
        assert not outputs
        assert cell.get("execution_count") is None


def test_the_bot_buys_nothing_twice(folder: Path, client: SyncVenueClient) -> None:
    """Killed in the middle and started again it ends with exactly what it was to buy."""
    client.place("ETH-USDT", "sell", "100", "3000")
    before = account(client, "onlooker", "ETH")
    plan = ("--plan", "test", "--symbol", "ETH-USDT", "--price", "3000", "--quantity", "2")
    survivor = SyncVenueClient(folder / ".tapewire", account="survivor")
    with survivor:
        with started(folder, "surviving_bot.py", *plan, "--slices", "10", "--pause", "0.05") as bot:
            wait_for(lambda: len(list(survivor.fills())) >= 3, "three slices", TIMEOUT_S)
            os.kill(bot.pid, signal.SIGKILL)
            bot.wait(TIMEOUT_S)
        assert len(list(survivor.fills())) < 10
        printed = run(folder, "surviving_bot.py", *plan, "--slices", "10", "--pause", "0")
        assert printed.splitlines()[-1] == "test-10: 2.0000 of 2 bought"
        names = [order.client_order_id for order in survivor.orders()]
        assert sorted(names, key=str) == sorted(f"test-{number}" for number in range(1, 11))
    assert before - account(client, "onlooker", "ETH") == 2


@pytest.mark.parametrize("name", ["market_maker.py", "surviving_bot.py", "taker.py"])
def test_an_example_refuses_wrong_input_in_one_sentence(folder: Path, name: str) -> None:
    """A program of a newcomer ends with a sentence and not with a traceback."""
    plan = ["--plan", "wrong"] if name == "surviving_bot.py" else []
    for wrong in (["--symbol", "BTCUSDT"], ["--quantity", "a lot"]):
        if wrong[0] == "--quantity" and name == "taker.py":
            continue  # The venue checks its quantity, and only if the book has a price.
        done = run_program(EXAMPLES / name, *plan, *wrong, folder=folder)
        assert done.status == 1
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_every_example_explains_itself(folder: Path) -> None:
    """`--help` works, and the list in examples/README.md is whole."""
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    for path in sorted(EXAMPLES.iterdir()):
        if path.suffix == ".py":
            assert "--venue" in run(folder, path.name, "--help")
        if path.suffix in {".py", ".ipynb"}:
            assert f"]({path.name})" in listed
