"""Servers that are too old are refused, and data of an older server is opened by the new one."""

import gzip
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from tapewire.commands.audit import audit
from tapewire.errors import ConfigurationError
from tapewire.redis.binary import find_server
from tapewire.redis.client import open_async, wait_until_ready
from tapewire.redis.server import RedisServer
from tapewire.redis.versions import VERSIONS_MIN, parse_version, version_from_hello
from tests.support.venue import address_of

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
