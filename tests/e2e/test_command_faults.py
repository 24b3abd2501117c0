"""Commands at a venue that is not there, with a wrong key, on a full disk, and ended by Ctrl-C."""

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tapewire.cli import EXIT_INTERRUPTED, main
from tapewire.client import Place, RestOptions, SyncVenueClient
from tapewire.commands import account_many, backup, export, journal
from tapewire.commands.client_options import KEY_VARIABLE
from tapewire.runtime.venue_file import VENUE_FILE, VenueFile
from tests.support.house.command_reference import every_command
from tests.support.running.launcher import TAPEWIRE
from tests.support.running.processes import child_environment
from tests.support.running.venue_files import venue_directory
from tests.support.running.whole_venue import running_venue
from tests.unit.shared.test_venue_address import VENUE

TIMEOUT_S = 60.0
BTC = "BTC-USDT"
ADD = "--base A --quote B --tick-size 1 --lot-size 1 --min-quantity 1 --max-quantity 9"

# Commands that work on no running venue.
LOCAL = {"up", "restore", "reset", "completion"}
# Commands whose answer is a table of checks, and not a sentence.
REPORTS = {"status", "doctor"}
# Commands that work on the gateway or the feed, with their arguments.
CLIENTS = {
    "order buy": f"{BTC} 1 1",
    "order sell": f"{BTC} 1 1",
    "order amend": "1 --price 2",
    "order cancel": "1",
    "order show": "1",
    "order oco": f"sell {BTC} 1 --limit 3 --stop 1",
    "order cancel-list": "1",
    "order replace": f"sell {BTC} 1 2 --cancel 1",
    "orders": "",
    "fills": "",
    "balances": "",
    "cancel-all": "",
    "book": f"{BTC} --once",
    "tape": "",
    "candles": BTC,
    "ticker": "",
    "instruments": "",
    "market list": "",
    "market halt": "--all",
    "market resume": "--all",
    "market cancel-only": "--all",
    "market post-only": "--all",
    "market auction": "--all",
    "instrument list": "",
    "instrument add": f"A-B {ADD}",
    "instrument change": f"{BTC} --max-price 9",
    "instrument delist": f"{BTC} --yes",
    "contest performance": "",
    "contest leaderboard": "",
    "contest show": "--visibility all",
    "contest round": "",
    "contest start": "Name 60",
    "contest end": "",
    "contest results": "1",
    "contest notice": "Text",
    "contest alias": "alice Ada",
    "contest fresh-start": "USDT=1 --yes",
    "contest audit": "",
    "export": "trades file.csv",
    "replay": "--sample",
}
# Commands that work on the Redis of a venue.
OPERATORS = {
    "account list": "",
    "account show": "alice",
    "account deposit": "alice USDT 5",
    "account withdraw": "alice USDT 5",
    "account fees": "alice --maker 1",
    "account limits": f"alice {BTC} --position 1",
    "account block": "alice",
    "account unblock": "alice",
    "account kill": "alice",
    "account create-many": "3 --file file.csv",
    "key create": "--account alice --permissions read",
    "key list": "",
    "key revoke": "abcdefgh",
    "clock show": "",
    "clock set-right": "",
    "journal export": "file.jsonl",
    "journal verify": "",
    "audit": "",
    "backup": "file.backup",
}
COMMANDS = CLIENTS | OPERATORS


def words_of(name: str) -> list[str]:
    """A command with arguments."""
    return [*name.split(), *shlex.split(COMMANDS[name])]


def test_every_command_is_tried() -> None:
    """A new command gets its place in the tables above."""
    names = {name.removeprefix("tapewire ") for name in every_command()}
    assert names == LOCAL | REPORTS | set(COMMANDS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory; no variable names a venue or a key."""
    monkeypatch.chdir(tmp_path)
    for name in ("TAPEWIRE_VENUE", "REDIS_URL", KEY_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    # One attempt, because a venue that is not there does not come.
    monkeypatch.setattr(RestOptions, "retry_delay_within_s", lambda *_: 0.0)
    return tmp_path


def run(*words: str, **variables: str) -> Result:
    """One command in this process."""
    return CliRunner().invoke(main, list(words), env=variables)


def said(result: Result) -> str:
    """The one sentence of a command that failed, without the name of the venue."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code
    lines = [line for line in result.stderr.splitlines() if not line.startswith("venue: ")]
    assert len(lines) == 1, result.output
    assert result.stdout == ""
    return lines[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_directory_is_named(name: str, folder: Path) -> None:
    """The sentence names the directory, and nothing is left behind."""
    result = run(*words_of(name), "--venue", "no-such-place")
    assert "there is no directory no-such-place" in said(result)
    assert result.exit_code in {1, 2}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_stale_file_is_refused(name: str, folder: Path) -> None:
    """A venue.json that a killed venue left behind leads nowhere."""
    data_dir = folder / "data"
    data_dir.mkdir()
    file = VenueFile(data_dir)
    file.write(VENUE)
    content = (data_dir / VENUE_FILE).read_bytes()
    file.remove()
    (data_dir / VENUE_FILE).write_bytes(content)
    assert "ended and left venue.json behind" in said(run(*words_of(name), "--venue", "data"))
    assert [path.name for path in folder.iterdir()] == ["data"]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "tape"])
def test_a_dead_venue_is_a_sentence(name: str, folder: Path) -> None:
    """Nothing listens at the named address; `tape` is left out because it waits for the venue."""
    url = "http://127.0.0.1:1" if name in CLIENTS else "redis://127.0.0.1:1"
    result = run(*words_of(name), "--venue", url)
    assert "127.0.0.1:1" in said(result) or "127.0.0.1:2" in said(result)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_report_on_a_dead_venue_says_so(name: str) -> None:
    """The status of the report is 1."""
    result = run(name, "--venue", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)


@pytest.fixture
def keyed(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a venue with keys."""
    path = tmp_path_factory.mktemp("keyed")
    with (
        running_venue(redis_url, path, TAPEWIRE_AUTH="keys") as venue,
        venue_directory(venue, path, auth="keys") as directory,
    ):
        yield directory


def test_a_wrong_key_is_refused(keyed: Path, folder: Path) -> None:
    """Commands of every kind say that the key is invalid, and change nothing."""
    key = {KEY_VARIABLE: f"tw_{'a' * 12}_{'b' * 43}"}
    names = ("order buy", "balances", "market halt", "instrument add", "contest start", "replay")
    for name in names:
        result = run(*words_of(name), "--venue", str(keyed), **key)
        assert (result.exit_code, "key" in said(result)) == (1, True), name
    result = run("export", "orders", "file.csv", "--venue", str(keyed), **key)
    assert (result.exit_code, "key" in said(result)) == (1, True)
    assert list(folder.iterdir()) == []


FILES = {
    "backup": "backup FILE",
    "journal export": "journal export FILE",
    "export": "export orders FILE --account trader",
    "account create-many": "account create-many 60 --prefix full- --file FILE",
}


@pytest.fixture(scope="module")
def data_dir(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A venue with a few orders; its data directory."""
    path = tmp_path_factory.mktemp("venue")
    with (
        running_venue(module_redis_url, path) as venue,
        venue_directory(venue, path) as directory,
    ):
        with SyncVenueClient(directory, account="trader") as client:
            client.batch(
                [
                    Place(symbol=BTC, side="buy", quantity="0.1", price=40_000 + number)
                    for number in range(30)
                ]
            )
        yield directory


@pytest.mark.parametrize("name", FILES)
def test_a_full_disk_leaves_no_half_file(name: str, data_dir: Path, folder: Path) -> None:
    """The file may have 1 KiB only: a sentence, status 1, and no file."""
    command = [*TAPEWIRE, *FILES[name].replace("FILE", "file").split(), f"--venue={data_dir}"]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 2; exec "$@"', "sh", *command],
        env=child_environment({"PYTHONDONTWRITEBYTECODE": "1"}),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cannot be written: File too large" in done.stderr.splitlines()[-1]
    assert list(folder.iterdir()) == []
    if name == "account create-many":
        assert "the new keys were revoked" in done.stderr
        keys = run("key", "list", "--venue", str(data_dir)).stdout
        assert keys.count("full-") == keys.count("revoked") == 60


def interrupted(*_: Any, **__: Any) -> Any:
    """Ctrl-C, at the moment when this is called."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "module", "place"),
    [
        ("backup", backup, "receive_snapshot"),
        ("journal export", journal, "write_journal"),
        ("export", export.CsvTable, "add"),
        ("account create-many", account_many, "_write"),
    ],
)
def test_ctrl_c_leaves_no_half_file(  # noqa: PLR0917
    name: str,
    module: Any,
    place: str,
    data_dir: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the middle of the file: a sentence, status 130, and no file."""
    monkeypatch.setattr(module, place, interrupted)
    words = FILES[name].replace("FILE", "file").replace("full-", "ended-").split()
    result = run(*words, "--venue", str(data_dir))
    assert (result.exit_code, said(result)[:18]) == (EXIT_INTERRUPTED, "Ended with Ctrl-C.")
    assert list(folder.iterdir()) == []
    if name == "account create-many":
        keys = run("key", "list", "--venue", str(data_dir)).stdout
        lines = [line for line in keys.splitlines() if "ended-" in line]
        assert len(lines) == 60
        assert all("revoked" in line for line in lines)


def test_ctrl_c_in_a_restore_leaves_an_empty_directory(
    data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was restored so far is removed."""
    assert run("backup", "file", "--venue", str(data_dir)).exit_code == 0
    monkeypatch.setattr(backup, "_load", interrupted)
    result = run("restore", "file", "--data-dir", "new")
    assert (result.exit_code, said(result)) == (EXIT_INTERRUPTED, "Ended with Ctrl-C.")
    assert [path.name for path in folder.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="it stops a process with a signal")
def test_ctrl_c_ends_a_command_that_waits(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A real process, whose venue does not answer."""
    path = tmp_path_factory.mktemp("frozen")
    with running_venue(redis_url, path) as venue, venue_directory(venue, path) as directory:
        gateway = venue.gateway.process
        gateway.send_signal(signal.SIGSTOP)
        try:
            process = subprocess.Popen(
                [*TAPEWIRE, "order", "buy", BTC, "1", "60000", f"--venue={directory}"],
                env=child_environment({}),
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stderr is not None
            assert process.stderr.readline().startswith("venue: ")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=TIMEOUT_S)
        finally:
            gateway.send_signal(signal.SIGCONT)
    assert process.returncode == EXIT_INTERRUPTED
    assert errors == "Ended with Ctrl-C. A request that was on its way may have been done.\n"
