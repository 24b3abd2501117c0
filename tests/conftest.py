"""A real Redis for every test that needs one: shared and emptied, or one of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tapewire.redis_server import RedisServer


@pytest.fixture(scope="session")
def session_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of this run; tests take `redis_url`, which empties it first."""
    # everysec: no test that shares a server kills it, so none needs a sync per command.
    with RedisServer(tmp_path_factory.mktemp("redis"), fsync="everysec") as server:
        yield server


@pytest.fixture
def redis_url(session_redis: RedisServer) -> str:
    """The URL of a running, empty Redis."""
    with redis.Redis(port=session_redis.port) as client:
        client.flushall()
    return session_redis.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running server of this test's own, durable as in production, that it may kill."""
    with RedisServer(tmp_path / "redis") as server:
        yield server
