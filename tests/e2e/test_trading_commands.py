"""Commands that trade, show and operate, on a running venue; one restored by `tapewire up`."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tapewire.cli import main
from tapewire.commands.client_options import EXIT_FAILED, KEY_FILE_VARIABLE, KEY_VARIABLE
from tapewire.values.paper_money import DEFAULT_BALANCES
from tests.support.running.launcher import launched
from tests.support.running.venue_files import venue_directory
from tests.support.running.whole_venue import running_venue

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

BTC = "BTC-USDT"
USAGE = 2


@pytest.fixture(scope="module")
def venue(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a venue without traders."""
    folder = tmp_path_factory.mktemp("venue")
    with (
        running_venue(module_redis_url, folder, TAPEWIRE_PAPER_BALANCES=DEFAULT_BALANCES) as venue,
        venue_directory(venue, folder) as directory,
    ):
        yield directory


@pytest.fixture(autouse=True)
def named_venue(venue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands without --venue reach the venue of this module."""
    monkeypatch.setenv("TAPEWIRE_VENUE", str(venue))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


def run(*words: str) -> Result:
    """One command."""
    return CliRunner().invoke(main, list(words))


def done(*words: str) -> str:
    """What a command printed that must succeed."""
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def read(*words: str) -> list[Any]:
    """The JSON documents that a command printed."""
    return [json.loads(line) for line in done(*words, "--json").splitlines()]


def test_an_order_lives_from_the_terminal(venue: Path) -> None:
    """Placed, amended, filled by another account, listed, canceled."""
    (placed,) = read("order", "sell", "btc-usdt", "0.5", "60000", "--account", "maker")
    assert (placed["status"], placed["order_type"], placed["price"]) == ("new", "limit", "60000.00")
    (amended,) = read(
        "order", "amend", placed["order_id"], "--quantity", "0.4", "--account", "maker"
    )
    assert amended["quantity"] == "0.40000"
    (bought,) = read("order", "buy", BTC, "0.1", "--account", "taker")
    assert (bought["status"], bought["order_type"]) == ("filled", "market")
    assert bought["fills"][0]["fee"] == "0.00000000"
    (fill,) = read("fills", "--account", "taker", "--symbol", BTC)
    assert (fill["price"], fill["order_id"]) == ("60000.00", bought["order_id"])
    assert "0.10000 at 60000.00, taker" in done(
        "order", "show", bought["order_id"], "--account", "taker"
    )
    assert BTC in done("orders", "--status", "open", "--account", "maker")
    (account,) = read("balances", "--account", "taker")
    assert {"asset": "BTC", "available": "1000000.10000000"}.items() <= account["balances"][
        0
    ].items()
    assert read("cancel-all", BTC, "--account", "maker") == [{"canceled": [placed["order_id"]]}]
    assert f"venue: {venue}" in run("balances").stderr


def test_every_option_of_an_order_reaches_the_venue() -> None:
    """Stops, icebergs, amounts, dates and names."""
    common = ("--account", "options", "--json")
    (stop,) = read("order", "sell", BTC, "0.1", "--stop", "10000", *common[:2])
    assert (stop["order_type"], stop["stop_price"]) == ("stop", "10000.00")
    (limited,) = read("order", "sell", BTC, "0.1", "9000", "--stop", "10000", *common[:2])
    assert limited["order_type"] == "stop_limit"
    (profit,) = read("order", "buy", BTC, "0.1", "--take-profit", "9000", *common[:2])
    assert (profit["order_type"], profit["stop_price"]) == ("take_profit", "9000.00")
    (iceberg,) = read(
        "order", "buy", BTC, "1", "5000", "--display", "0.1", "--post-only",
        "--expire-at", "2099-01-01T00:00:00Z", "--client-order-id", "ice",
        "--self-trade-prevention", "decrement", *common[:2],
    )  # fmt: skip
    assert iceberg["display_quantity"] == "0.10000"
    assert (iceberg["time_in_force"], iceberg["post_only"]) == ("gtd", True)
    assert iceberg["self_trade_prevention"] == "decrement"
    gone, instead = read(
        "order", "replace", "buy", BTC, "0.1", "4000", "--cancel", limited["order_id"], *common[:2]
    )
    assert (gone["order_id"], gone["status"]) == (limited["order_id"], "canceled")
    assert (instead["price"], instead["status"]) == ("4000.00", "new")
    (canceled,) = read("order", "cancel", "--client-order-id", "ice", *common[:2])
    assert canceled["status"] == "canceled"
    (spent,) = read("order", "buy", BTC, "--amount", "100", *common[:2])
    assert spent["quote_quantity"] is not None
    done("cancel-all", *common)


def test_markets_are_shown() -> None:
    """Ladder, chart, ticker and instruments, for people and for scripts."""
    done("order", "sell", BTC, "0.3", "61000", "--account", "shown")
    done("order", "buy", BTC, "0.2", "--account", "shown-too")
    assert "61000.00" in done("book", BTC)
    (book,) = read("book", BTC)
    assert ["61000.00", "0.10000"] in book["asks"]
    assert read("candles", BTC)[-1]["close"] == "61000.00"
    assert "61000.00" in done("candles", BTC)
    assert "61000.00" in done("ticker")
    assert [item["symbol"] for item in read("instruments")] == [BTC, "ETH-USDT", "SOL-USDT"]
    done("cancel-all", "--account", "shown")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("order", "buy", BTC, "1", "0.001"), EXIT_FAILED, "off_tick: price must be a multiple"),
        (("order", "show", "999999"), EXIT_FAILED, "order_not_found"),
        (("order", "show"), USAGE, "name the order either by ORDER_ID or by"),
        (("order", "replace", "buy", BTC, "1", "1"), USAGE, "name the order by one of --cancel"),
        (("order", "amend", "1"), USAGE, "name at least one of --price"),
        (("book", "NO-SUCH"), EXIT_FAILED, "unknown_symbol"),
        (("market", "halt"), USAGE, "name SYMBOLS or --all, and not both"),
        (("export", "trades", "x.csv", "--from", "yesterday"), USAGE, "no time with an offset"),
        (("candles", BTC, "--to", "2026-01-31T12:00:00"), USAGE, "no time with an offset"),
        (("orders", "--from", "1"), USAGE, "Invalid value for '--from': '1' is no time"),
        (("orders", "--account", "a b"), EXIT_FAILED, "--account must be one name of 1 to 64"),
        (("book", "NO-SUCH"), EXIT_FAILED, "symbol NO-SUCH is not traded here; `tapewire instr"),
        (("order", "buy", BTC, "99", "60000", "--account", "poor"), EXIT_FAILED, "hold are not av"),
        (("tape", "NO-SUCH"), EXIT_FAILED, "'NO-SUCH' is not traded here"),
        (("balances", "--venue", "127.0.0.1:8000"), EXIT_FAILED, "or a URL such as http://127.0.0"),
        (("balances", "--api-key-file", "no-such-file"), EXIT_FAILED, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    words: tuple[str, ...], status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status of its own and no traceback; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert (result.exit_code, said in result.stderr) == (status, True), result.output
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    """The key is used all the same; a file with more than a key is refused."""
    file = tmp_path / "key"
    file.write_text("tw_abc_def\n")
    file.chmod(0o644)
    warned = run("balances", "--api-key-file", str(file)).stderr
    assert "others may read" in warned
    assert "this venue is open and reads no API key" in warned
    file.chmod(0o600)
    assert "others may read" not in run("balances", "--api-key-file", str(file)).stderr
    file.write_text("two words\n")
    refused = run("balances", "--api-key-file", str(file))
    assert (refused.exit_code, "one API key" in refused.stderr) == (EXIT_FAILED, True)


def test_markets_and_instruments_are_operated() -> None:
    """Halt, resume, add, change, delist, add again."""
    assert read("market", "halt", "eth-usdt")[0]["state"] == "halted"
    assert "halted" in done("market", "list")
    assert read("market", "resume", "--all")[0]["state"] == "trading"
    add = (
        "instrument", "add", "ACME-USD", "--base", "ACME", "--quote", "USD", "--tick-size", "0.01",
        "--lot-size", "1", "--max-quantity", "1000",
    )  # fmt: skip
    missing = run(*add)
    assert (missing.exit_code, "--min-quantity" in missing.stderr) == (USAGE, True)
    (added,) = read(*add, "--min-quantity", "1")
    assert added["symbol"] == "ACME-USD"
    (changed,) = read(
        "instrument", "change", "ACME-USD", "--max-quantity", "500", "--taker-fee-ppm", "300"
    )
    assert (changed["max_quantity"], changed["taker_fee_ppm"]) == ("500", 300)
    assert run(*add, "--min-quantity", "1").exit_code == USAGE
    done("order", "buy", "ACME-USD", "3", "12.50", "--account", "holder")
    asked = run("instrument", "delist", "acme-usd")
    assert (asked.exit_code, "Cancel every order" in asked.output) == (EXIT_FAILED, True)
    (gone,) = read("instrument", "delist", "acme-usd", "--yes")
    assert gone == {"symbol": "ACME-USD", "canceled_count": 1}
    assert "ACME-USD" not in done("instruments")
    assert run("instrument", "delist", "acme-usd", "--yes").exit_code == EXIT_FAILED
    assert read("orders", "--account", "holder")[0]["reason"] == "delisted"
    assert read(*add, "--min-quantity", "1")[0]["max_quantity"] == "1000"


def test_files_are_exported(tmp_path: Path) -> None:
    """Trades, candles, orders and fills as CSV, and as Parquet where pyarrow is installed."""
    parquet = pytest.importorskip("pyarrow.parquet")
    done("order", "sell", "SOL-USDT", "2", "150", "--account", "exported")
    done("order", "buy", "SOL-USDT", "2", "--account", "exported-too")
    for kind in ("trades", "candles"):
        done("export", kind, str(tmp_path / f"{kind}.csv"), "--symbol", "SOL-USDT")
    for kind in ("orders", "fills"):
        done("export", kind, str(tmp_path / f"{kind}.csv"), "--account", "exported")
    assert "rows in standard output" in run("export", "trades", "-", "--symbol", "ETH-USDT").stderr
    rows = {
        path.stem: list(csv.DictReader(path.read_text().splitlines()))
        for path in tmp_path.glob("*.csv")
    }
    assert rows["trades"][-1]["price"] == "150.00"
    assert rows["candles"][-1]["close"] == "150.00"
    assert rows["orders"][0]["status"] == "filled"
    assert rows["fills"][0]["liquidity"] == "maker"
    done("export", "trades", str(tmp_path / "t.parquet"), "--symbol", "SOL-USDT")
    table = parquet.read_table(tmp_path / "t.parquet")
    assert table.to_pylist() == rows["trades"]
    assert sorted(path.name for path in tmp_path.iterdir() if "unfinished" in path.name) == []


def test_a_backup_becomes_a_venue(tmp_path: Path) -> None:
    """The restored venue adds up; nothing is overwritten, and a damaged file changes nothing."""
    done("order", "buy", BTC, "0.1", "40000", "--account", "kept")
    file = tmp_path / "venue.backup"
    done("backup", str(file))
    assert file.stat().st_mode & 0o077 == 0
    target = tmp_path / "restored"
    assert "restored; start it with" in done("restore", str(file), "--data-dir", str(target))
    again = run("restore", str(file), "--data-dir", str(target))
    assert (again.exit_code, "overwrites nothing" in again.stderr) == (1, True)
    with launched(tmp_path, f"--data-dir={target}") as restored:
        restored.wait_until_running()
        (order,) = read("orders", "--account", "kept", "--venue", str(target))
        assert order["price"] == "40000.00"
        check_health("--venue", str(target))
        refused = run("reset", "--data-dir", str(target), "--yes")
        assert (refused.exit_code, "in use" in refused.stderr) == (1, True)
    file.write_bytes(file.read_bytes()[:-200])
    damaged = run("restore", str(file), "--data-dir", str(tmp_path / "none"))
    assert (damaged.exit_code, "not a whole backup" in damaged.stderr) == (1, True)
    assert not (tmp_path / "none").exists()
    assert run("reset", "--data-dir", str(target)).exit_code == 1  # no answer is no
    assert "deleted" in done("reset", "--data-dir", str(target), "--yes")
    assert not (target / "redis").exists()
    assert "ready" in done("status")


def test_a_class_gets_accounts_and_keys(tmp_path: Path) -> None:
    """Names, money and keys in one CSV; names that exist are refused before anything is done."""
    file = tmp_path / "class.csv"
    words = ("account", "create-many", "12", "--prefix", "pupil-", "--deposit", "USDT=5000")
    done(*words, "--file", str(file))
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [row["account"] for row in rows[:2]] == ["pupil-01", "pupil-02"]
    assert len({row["api_key"] for row in rows}) == 12
    assert file.stat().st_mode & 0o077 == 0
    assert "5000.00000000" in done("account", "show", "pupil-12")
    again = run(*words)
    assert (again.exit_code, "pupil-01 exists" in again.stderr) == (1, True)
    lost = run("account", "create-many", "2", "--prefix", "lost-", "--file", str(tmp_path / "no/x"))
    assert (lost.exit_code, "the new keys were revoked" in lost.stderr) == (1, True)
    assert "revoked" in done("key", "list")


def test_a_venue_says_how_it_is() -> None:
    """Status and doctor find nothing wrong with a fresh venue."""
    check_health()


def check_health(*words: str) -> None:
    (report,) = read("status", *words)
    assert report["gateway"]["status"] == report["market-data"]["status"] == "ready"
    assert report["redis"]["append-only file"] == "on"
    assert "ready" in done("status", *words)
    checks = {check["name"]: check["verdict"] for check in read("doctor", *words)}
    assert checks["append-only file"] == "ok"
    assert "fault" not in checks.values()


def test_shells_complete_commands() -> None:
    """A script for each shell; no colours where standard output is no terminal."""
    for shell in ("bash", "zsh", "fish"):
        assert "_TAPEWIRE_COMPLETE" in done("completion", shell)
    assert "\x1b[" not in done("instruments")
