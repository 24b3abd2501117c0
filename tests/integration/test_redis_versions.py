"""Servers that are too old are refused, and data of an older server is opened by the new one."""

import gzip
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from tapewire.commands.audit import audit
from tapewire.errors import ConfigurationError
from tapewire.redis.binary import ServerBinary, find_server
from tapewire.redis.client import open_async, wait_until_ready
from tapewire.redis.server import RedisServer
from tapewire.redis.stored_data import read_stored_data
from tapewire.redis.versions import VERSIONS_MIN, parse_version, version_from_hello
from tests.support.venue import address_of
from tests.support.wait import wait_for

STORED = Path(__file__).parents[1] / "support" / "stored" / "venue-redis-6.2.14.aof.gz"
KEYS_STORED = 645


@pytest.mark.parametrize(
    ("server", "text", "supported"),
    [
        ("redis", "6.2.14", False),
        ("redis", "7.0.0", True),
        ("redis", "10.1", True),
        ("valkey", "7.1.9", False),
        ("valkey", "7.2.5", True),
        ("valkey", "9.1.2", True),
    ],
)
def test_versions_of_running_servers_are_judged(server: str, text: str, supported: bool) -> None:
    """The reply of HELLO decides whether the venue runs on a server."""
    version = version_from_hello([("server", server), ("version", text), ("proto", 3)])
    assert version is not None
    assert version.supported is supported
    assert str(version).startswith(server.capitalize())


def test_a_version_that_says_nothing_is_unknown() -> None:
    """A reply without a readable version is None, and a third number may be missing."""
    assert version_from_hello([("server", "redis")]) is None
    assert parse_version("redis", "unstable") is None
    short = parse_version("redis", "7.4")
    assert short is not None
    assert short.numbers == (7, 4, 0)


async def test_an_older_server_at_redis_url_is_refused(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the address, the version found and the versions that are enough."""
    monkeypatch.setitem(VERSIONS_MIN, "redis", (99, 0))
    monkeypatch.setitem(VERSIONS_MIN, "valkey", (99, 0))
    address = address_of(redis_url)
    client = open_async(address)
    try:
        with pytest.raises(ConfigurationError, match=r"is \w+ \d+\.\d+\.\d+, but Tapewire needs"):
            await wait_until_ready(client, address, timeout_s=5)
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("header", "server", "is_read"),
    [
        (b"REDIS0009\xfa\tredis-ver\x066.2.14", ("redis", "7.0.0"), True),
        (b"REDIS0009\xfa\tredis-ver\x066.2.14", ("valkey", "9.1.2"), True),
        (b"REDIS0011\xfa\tredis-ver\x057.2.4", ("redis", "7.0.15"), False),
        (b"REDIS0011\xfa\tredis-ver\x057.2.4", ("valkey", "7.2.5"), True),
        (b"REDIS0012\xfa\tredis-ver\x057.4.1", ("valkey", "9.1.2"), False),
        (b"REDIS0012\xfa\tredis-ver\x057.4.1", ("redis", "8.2.0"), True),
        (b"VALKEY080\xfa\nvalkey-ver\x059.1.2", ("redis", "8.2.0"), False),
        (b"VALKEY080\xfa\nvalkey-ver\x059.1.2", ("valkey", "8.1.0"), False),
        (b"VALKEY080\xfa\nvalkey-ver\x059.1.2", ("valkey", "9.0.0"), True),
    ],
)
def test_the_format_of_data_decides_who_reads_them(
    tmp_path: Path, header: bytes, server: tuple[str, str], is_read: bool
) -> None:
    """The number in the header of the base file is compared with what each server reads."""
    (tmp_path / "appendonly.aof").write_bytes(header)
    stored, version = read_stored_data(tmp_path), parse_version(*server)
    assert stored is not None
    assert version is not None
    assert stored.is_read_by(version) is is_read


def test_data_without_a_snapshot_are_read_by_every_server(tmp_path: Path) -> None:
    """A log of commands, and no log at all, have no format that a server could refuse."""
    assert read_stored_data(tmp_path) is None
    (tmp_path / "appendonly.aof").write_bytes(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n")
    assert read_stored_data(tmp_path) is None


def test_a_server_that_does_not_read_the_data_is_passed_over(tmp_path: Path) -> None:
    """Data of the embedded Valkey stay with it when an older server comes to the PATH later."""
    older = tmp_path / "redis-server"
    older.write_text("#!/bin/sh\necho 'Redis server v=7.0.15 sha=0 malloc=x bits=64'\n", "ascii")
    older.chmod(0o755)
    folder = tmp_path / "data"
    with (
        RedisServer(folder, binary=find_server("/nonexistent")) as server,
        redis.Redis.from_url(server.url, socket_timeout=5) as client,
    ):
        client.set("key", "1")
        client.bgrewriteaof()
        wait_for(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "rewritten")
    stored = read_stored_data(folder)
    assert stored is not None
    found = find_server(str(tmp_path), stored)
    assert found.bundled
    assert found.passed_over == (
        f"{older} is Redis 7.0.15, which does not read data of {stored.writer}",
    )
    version = parse_version("redis", "7.0.15")
    assert version is not None
    with pytest.raises(ConfigurationError, match=r"was written by Valkey 9.*choose another"):
        RedisServer(folder, binary=ServerBinary(older, version, bundled=False)).launch()


def test_data_of_redis_6_is_opened(tmp_path: Path) -> None:
    """The embedded server loads the single-file log that Redis 6.2 wrote, and the audit passes."""
    folder = tmp_path / "redis"
    folder.mkdir()
    (folder / "appendonly.aof").write_bytes(gzip.decompress(STORED.read_bytes()))
    with RedisServer(folder, binary=find_server("/nonexistent")) as server:
        for _ in range(2):
            with redis.Redis.from_url(server.url, socket_timeout=5) as client:
                assert client.dbsize() == KEYS_STORED
            server.restart()
        result = CliRunner().invoke(audit, ["--redis-url", server.url])
    assert result.exit_code == 0, result.output
