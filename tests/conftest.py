"""A real Redis for every test that needs one: shared and emptied, or one of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tapewire.redis.server import RedisServer


@pytest.fixture(scope="session")
def session_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of this run; tests take `redis_url`, which empties it first."""
    # everysec: no test that shares a server kills it, so none needs a sync per command.
    with RedisServer(tmp_path_factory.mktemp("redis"), fsync="everysec") as server:
        yield server


@pytest.fixture(scope="module")
def module_redis_url(session_redis: RedisServer) -> str:
    """The URL of a Redis that was empty when the module began.

    For services that live as long as a module: what an earlier one left would outlast their file,
    since a gateway takes the instruments that Redis has.
    """
    return emptied(session_redis)


@pytest.fixture
def redis_url(session_redis: RedisServer) -> str:
    """The URL of a running, empty Redis."""
    return emptied(session_redis)


def emptied(server: RedisServer) -> str:
    """Remove everything; returns the URL."""
    with redis.Redis(port=server.port) as client:
        client.flushall()
    return server.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running server of this test's own, durable as in production, that it may kill."""
    with RedisServer(tmp_path / "redis") as server:
        yield server
