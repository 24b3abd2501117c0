"""The Redis user of the venue: enough for everything that the venue does, and nothing else."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from click.testing import CliRunner
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError
from websockets.sync.client import connect

from tapewire import keys
from tapewire.cli import main
from tapewire.errors import ConfigurationError
from tapewire.redis.client import RedisAddress, open_async
from tapewire.redis.server import RedisServer
from tapewire.values.timestamps import format_timestamp
from tests.support.house.documents import ROOT
from tests.support.reference.random_commands import RandomCommands
from tests.support.running.restricted_redis import RestrictedRedis, restricted_redis
from tests.support.running.whole_venue import running_venue
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import place, refused
from tests.support.venue import open_venue
from tests.support.wait import moments_us, wait_for


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RestrictedRedis]:
    """One as the compose file starts it, empty."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with restricted_redis(folder) as server:
        yield server


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestrictedRedis]:
    """One for tests that are only refused."""
    with restricted_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def test_it_may_do_what_a_venue_does(server: RestrictedRedis, tmp_path: Path) -> None:
    """Trade, follow, read, expire, be healthy: no command is refused."""
    with (
        running_venue(server.service_url, tmp_path) as venue,
        httpx.Client(base_url=venue.gateway.url) as api,
        connect(venue.feed_url) as feed,
    ):
        sold = place(api, account="alice", side="sell", quantity="1")
        assert place(api, account="bob", quantity="0.25")["status"] == "filled"
        wait_for(lambda: json.loads(feed.recv(10))["type"] == "trade", "the trade on the feed")
        path, alice = f"/v1/orders/{sold['order_id']}", {"X-Account": "alice"}
        assert api.patch(path, json={"quantity": "0.75"}, headers=alice).status_code == 200
        assert api.delete(path, headers=alice).status_code == 200
        timed = place_until_soon(api)
        assert api.post("/v1/orders/batch", json={"orders": [LIMIT_ORDER] * 2}).status_code == 200
        expired = f"/v1/orders/{timed['order_id']}"
        wait_for(lambda: api.get(expired).json()["status"] == "expired", "the order expires")
        for service in (venue.gateway, venue.market_data):
            assert httpx.get(f"{service.url}/readyz").status_code == 200
            assert httpx.get(f"{service.url}/health").json()["redis"] == "connected"
        for name in ("trades", "candles", "ticker", "book", "bbo"):
            reply = httpx.get(f"{venue.market_data.url}/v1/{name}/BTC-USDT")
            assert reply.status_code == 200
        for name in ("orders", "fills", "instruments"):
            assert api.get(f"/v1/{name}").status_code == 200
    assert server.refused() == []


def place_until_soon(api: httpx.Client) -> dict[str, Any]:
    """Place an order that expires soon, and not before it was placed."""
    for moment_us in moments_us():
        ending = {"time_in_force": "gtd", "expire_at": format_timestamp(moment_us)}
        reply = api.post("/v1/orders", json=LIMIT_ORDER | ending)
        if reply.status_code == 201:
            order: dict[str, Any] = reply.json()
            return order
        refused(reply, 422, "out_of_range")
    raise AssertionError("no moment was late enough")


def test_it_may_run_every_command_of_the_engine(server: RestrictedRedis, tmp_path: Path) -> None:
    """A random life of a venue, and every command that looks at it or changes it from outside."""

    async def live() -> None:
        async with open_venue(server.url) as venue:
            await RandomCommands(venue.engine, 5).run(500)

    asyncio.run(live())
    for command in (
        f"journal export {tmp_path / 'journal.jsonl'}",
        "journal verify",
        # Funds are not checked in this life, so that the account may owe something.
        "account deposit alice USDT 1000000",
        "account withdraw alice USDT 5",
        "account show alice",
        "account list",
        "account block alice",
        "account kill alice",
        "key create --account alice --permissions read",
        "key list",
        "audit",
        "clock show",
        "clock set-right",
    ):
        arguments = [*command.split(), "--redis-url", server.service_url]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
    assert server.refused() == []


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_restart_keeps_what_scripts_wrote(server: RestrictedRedis, ending: str) -> None:
    """Redis replays its log as the default user: what that may not do would be lost, in silence."""

    async def live() -> None:
        async with open_venue(server.url) as venue:
            await RandomCommands(venue.engine, 6).run(300)

    def contents() -> dict[str, int]:
        with server.client() as client:
            kinds = {name: client.type(name) for name in client.scan_iter()}
            streams = [name for name, kind in kinds.items() if kind == "stream"]
            return dict.fromkeys(kinds, 0) | {name: client.xlen(name) for name in streams}

    asyncio.run(live())
    before = contents()
    assert before[keys.JOURNAL] > 100
    if ending == "stop":
        server.child.stop(10)
    else:
        server.child.kill()
    server.start()
    assert contents() == before


REFUSED = (
    "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET dir /", "KEYS *", "DEBUG SLEEP 0",
    "SHUTDOWN", "MODULE LIST", "ACL LIST", "ACL WHOAMI", "MONITOR", "SAVE",
    "REPLICAOF NO ONE", "SLAVEOF NO ONE", "CLIENT LIST", "CLIENT KILL TYPE normal",
    "EVAL return{} 0", "SCRIPT FLUSH", "FUNCTION FLUSH", "FUNCTION KILL", "FUNCTION LIST",
    "SWAPDB 0 1", "RENAME {tw}:a {tw}:b",
    "DUMP {tw}:epoch", "RESTORE {tw}:a 0 x", "MIGRATE h 1 {tw}:a 0 1", "SORT {tw}:a", "OBJECT HELP",
    "LATENCY RESET", "SLOWLOG GET", "MEMORY DOCTOR", "CLUSTER INFO", "FAILOVER", "PSYNC ? -1",
)  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_it_may_not_command_the_server(shared_server: RestrictedRedis, command: str) -> None:
    """Nothing of other people's data, of the server, or of what a dump could carry away."""
    with (
        shared_server.client() as client,
        pytest.raises((NoPermissionError, ResponseError), match=r"perm|not allowed"),
    ):
        client.execute_command(*command.split())


def test_it_may_not_touch_what_is_not_the_venue_s(shared_server: RestrictedRedis) -> None:
    """The user of the venue touches no foreign keys or channels, and cannot change this."""
    library = """#!lua name=probe
    redis.register_function('put', function(names) return redis.call('SET', names[1], 'x') end)
    redis.register_function('peek', function() return redis.call('GET', 'other') end)
    """
    with shared_server.client() as client:
        client.set(f"{keys.PREFIX}mine", "x")
        client.function_load(library)
        client.fcall("put", 1, f"{keys.PREFIX}mine")
        for name in ("other", "{tw}other", "tw:other", ""):
            for attempt in (("GET", name), ("SET", name, "x"), ("FCALL", "put", 1, name)):
                with pytest.raises(ResponseError, match=r"permission|NOPERM|can't access"):
                    client.execute_command(*attempt)
        with pytest.raises(ResponseError, match=r"permission|NOPERM|can't access"):
            client.fcall("peek", 1, f"{keys.PREFIX}mine")
        for channel in (keys.TRADE_CHANNEL, keys.BOOK_CHANNEL, keys.canary_channel("a")):
            client.publish(channel, "x")
        for channel in ("other", "trade_events2", "__keyspace@0__:a"):
            for template in ("PUBLISH {} x", "SUBSCRIBE {}", "PSUBSCRIBE {}"):
                with pytest.raises(NoPermissionError):
                    client.execute_command(*template.format(channel).split())


def test_nobody_else_gets_in(shared_server: RestrictedRedis) -> None:
    """The default user is refused, and so is a wrong password."""
    port = shared_server.port
    for login in ("", "default:x@", "tapewire:x@", "tapewire:@"):
        address = RedisAddress(f"redis://{login}127.0.0.1:{port}/0", 5, 5, "stranger")

        async def knock(address: RedisAddress = address) -> None:
            client = open_async(address)
            try:
                await client.ping()
            finally:
                await client.aclose()

        with pytest.raises((AuthenticationError, NoPermissionError, ResponseError)):
            asyncio.run(knock())


def test_a_password_of_one_s_own_is_kept_and_changed(tmp_path: Path) -> None:
    """A password from the environment survives a start without it, and is replaced by another."""
    for number, variables in enumerate(({"REDIS_PASSWORD": "own & strange/$1"}, {})):
        folder = tmp_path / str(number)
        folder.mkdir()
        if number:
            (folder / "redis-password").write_text("kept from before")
        with restricted_redis(folder, **variables) as server, server.client() as client:
            wait_for(client.ping, "an answer")
            expected = "kept from before" if number else "own & strange/$1"
            assert server.password_file.read_text() == expected
            assert expected not in (folder / "users.acl").read_text()


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster", "redis+sentinel"])
def test_a_password_file_that_cannot_be_read_is_a_sentence(scheme: str) -> None:
    """The error names the file, before a connection is made."""
    url = f"{scheme}://tapewire@127.0.0.1:1/0?password_file=/nowhere/password"
    with pytest.raises(ConfigurationError, match="password file /nowhere/password cannot be read"):
        open_async(RedisAddress(url, 1, 1, "test"))


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="redis-cli is not installed")
def test_a_backup_is_made_and_restored_under_the_same_user(
    server: RestrictedRedis, tmp_path: Path
) -> None:
    """The shipped scripts save a venue that lives on, and an audit of what they restored passes."""

    async def live(seed: int, commands: int) -> None:
        async with open_venue(server.url) as venue:
            await RandomCommands(venue.engine, seed).run(commands)

    def run(name: str, folder: Path, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["/bin/sh", str(ROOT / "docker" / name)],
            input=content,
            env={
                **os.environ,
                "SECRET_DIR": str(server.folder),
                "REDIS_PORT": str(server.port),
                "DATA_DIR": str(folder),
            },
            capture_output=True,
            check=False,
            timeout=60,
        )

    asyncio.run(live(7, 200))
    with server.client() as client:
        saved = client.xlen(keys.JOURNAL)
    backup = run("redis-backup.sh", server.folder)
    assert backup.returncode == 0, backup.stderr
    assert server.refused() == []
    assert run("redis-restore.sh", server.folder, backup.stdout).returncode == 1
    restored = tmp_path / "restored"
    restored.mkdir()
    assert run("redis-restore.sh", restored, b"no snapshot").returncode == 1
    assert list(restored.iterdir()) == []
    assert run("redis-restore.sh", restored, backup.stdout).returncode == 0
    with RedisServer(restored) as copy, redis.Redis.from_url(copy.url) as client:
        assert client.xlen(keys.JOURNAL) == saved
        result = CliRunner().invoke(main, ["audit", "--redis-url", copy.url])
        assert result.exit_code == 0, result.output
