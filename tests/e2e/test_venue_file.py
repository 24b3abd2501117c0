"""Two venues on one machine, and a Redis that holds none: each command reaches what it names."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis
from click.testing import CliRunner, Result

from tapewire.cli import main
from tapewire.redis.server import RedisServer
from tests.support.running.launcher import REDIS, TAPEWIRE, Launcher, launched
from tests.support.running.processes import child_environment
from tests.support.wait import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

COMMAND_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two venues that run at the same time."""

    first: Launcher
    second: Launcher


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The data directories are `data` of two folders."""
    folders = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    with launched(folders[0]) as first, launched(folders[1]) as second:
        first.wait_until_running()
        second.wait_until_running()
        yield Pair(first, second)


def run(*words: str, cwd: Path, variables: dict[str, str] | None = None) -> Result:
    """One command of `tapewire` in this process, in the directory `cwd`."""
    settings = dict.fromkeys(("TAPEWIRE_VENUE", "REDIS_URL")) | dict(variables or {})
    with contextlib.chdir(cwd):
        return CliRunner().invoke(main, list(words), env=settings)


def available(launcher: Launcher, account: str) -> dict[str, str]:
    """What the gateway of a venue says an account has."""
    reply = httpx.get(f"{launcher.gateway_url}/v1/admin/accounts/{account}", trust_env=False)
    if reply.status_code == 404:
        return {}
    return {each["asset"]: each["available"] for each in reply.json()["balances"]}


def deposited(launcher: Launcher, account: str) -> bool:
    return "7.00000000" in available(launcher, account).values()


def test_the_file_says_where_everything_is(pair: Pair) -> None:
    """URLs, ports, process ids and version; for its owner only, as are data and logs."""
    data_dir = pair.first.data_dir
    facts = json.loads((data_dir / "venue.json").read_bytes())
    assert facts["gateway"]["url"] == pair.first.gateway_url
    assert facts["feed_url"] == pair.first.feed_url
    assert facts["process_id"] == pair.first.process.pid
    processes = [*facts["gateway"]["process_ids"], *facts["market_data"]["process_ids"]]
    assert sorted([*processes, facts["redis"]["process_id"]]) == sorted(pair.first.children())
    for path in (data_dir, *data_dir.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, path


def test_nobody_reaches_the_redis_without_its_password(pair: Pair) -> None:
    """All users of the machine share the loopback port of Redis; the login is in a file."""
    facts = json.loads((pair.first.data_dir / "venue.json").read_bytes())
    url = facts["redis"]["url"].partition("?")[0]
    with redis.Redis.from_url(url) as client, pytest.raises(redis.AuthenticationError):
        client.get("{tw}:epoch")


@pytest.mark.parametrize("way", ["option", "variable", "directory", "redis_url"])
def test_each_command_reaches_the_venue_that_it_names(pair: Pair, tmp_path: Path, way: str) -> None:
    """A deposit is in the named venue and not in the other one, whatever way it was named."""
    for number, (named, other) in enumerate(((pair.first, pair.second), (pair.second, pair.first))):
        account = f"{way.replace('_', '-')}-{number}"
        words, variables, folder = ["account", "deposit", account, "USDT", "7"], {}, tmp_path
        if way == "option":
            words += ["--venue", str(named.data_dir)]
        elif way == "variable":
            variables = {"TAPEWIRE_VENUE": str(named.data_dir)}
        elif way == "directory":
            folder = tmp_path / account
            folder.mkdir()
            (folder / ".tapewire").symlink_to(named.data_dir)
        else:
            facts = json.loads((named.data_dir / "venue.json").read_bytes())
            words += ["--redis-url", facts["redis"]["url"]]
        done = run(*words, cwd=folder, variables=variables)
        assert done.exit_code == 0, done.stderr
        assert "venue: " in done.stderr
        if way != "redis_url":
            assert str(named.data_dir) in done.stderr or ".tapewire" in done.stderr
        assert deposited(named, account)
        assert not available(other, account)


@pytest.mark.parametrize(
    "words",
    [
        ["account", "list"],
        ["key", "list"],
        ["audit"],
        ["journal", "verify"],
    ],
)
def test_every_command_of_the_redis_finds_the_venue(pair: Pair, words: list[str]) -> None:
    """By the directory alone, through the password of its Redis."""
    done = run(*words, "--venue", str(pair.second.data_dir), cwd=pair.first.data_dir)
    assert done.exit_code == 0, done.stdout + done.stderr
    assert f"venue: {pair.second.data_dir}" in done.stderr


def test_watch_finds_the_feed(pair: Pair, tmp_path: Path) -> None:
    """The tape of the named venue, without an address."""
    output = tmp_path / "tape"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*TAPEWIRE, "watch", "--venue", str(pair.second.data_dir)],
            cwd=tmp_path,
            env=child_environment({}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: pair.second.feed_url in output.read_text(), "it names the feed")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(COMMAND_TIMEOUT_S)


@pytest.mark.parametrize(
    "words",
    [
        ["account", "deposit", "alice", "USDT", "5"],
        ["account", "list"],
        ["key", "create", "--account", "alice", "--permissions", "admin"],
        ["audit"],
        ["journal", "verify"],
        ["journal", "export", "file.jsonl"],
    ],
)
def test_a_foreign_redis_is_refused_and_left_as_it_is(
    redis_server: RedisServer, tmp_path: Path, words: list[str]
) -> None:
    """No command writes into a Redis that holds no venue, not even a script."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("theirs", "1")
        before = client.info("persistence")["aof_current_size"]
        done = run(*words, "--redis-url", redis_server.url, cwd=tmp_path)
        assert done.exit_code != 0
        assert "holds no venue, so nothing was done" in done.stderr
        assert client.keys("*") == [b"theirs"]
        assert client.info("persistence")["aof_current_size"] == before
        assert client.info("memory")["number_of_cached_scripts"] == 0
        assert not client.function_list()
    assert not (tmp_path / "file.jsonl").exists()


def test_the_file_follows_a_restart(pair: Pair) -> None:
    """The new process id of a part that died is in the file."""
    path = pair.second.data_dir / "venue.json"
    (before,) = pair.second.children(REDIS)
    os.kill(before, signal.SIGKILL)

    def redis_process() -> int:
        return int(json.loads(path.read_bytes())["redis"]["process_id"])

    wait_for(lambda: redis_process() not in {0, before}, "the file was renewed", 30)
    assert pair.second.children(REDIS) == [redis_process()]


def test_a_wanted_redis_port_that_is_taken_is_refused(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """--redis-port never moves to another port, and contradicts --redis-url.

    tests/e2e/test_launcher.py starts a venue on a free port that it wants.
    """
    taken = str(redis_server.port)
    with launched(tmp_path, "--redis-port", taken) as launcher:
        assert launcher.wait_for_end() == 1
        assert f"port {taken} on 127.0.0.1 is in use" in launcher.output
        assert "--redis-port" in launcher.output
    done = run("up", "--redis-port", "1", "--redis-url", redis_server.url, cwd=tmp_path)
    assert done.exit_code == 2


def test_two_names_of_a_redis_are_refused(pair: Pair, tmp_path: Path) -> None:
    """--venue and --redis-url together are a usage error."""
    words = ["--venue", str(pair.first.data_dir), "--redis-url", "redis://127.0.0.1:1"]
    done = run("account", "list", *words, cwd=tmp_path)
    assert done.exit_code == 2
    assert "both name a Redis" in done.stderr
