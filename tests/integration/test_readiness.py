"""Readiness of both services while Redis answers and yet cannot serve."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tapewire.redis.server import RedisServer
from tests.support.feeds.process import running_feed
from tests.support.feeds.reading import connected, receive_type
from tests.support.running.whole_venue import WholeVenue, order_body, running_venue
from tests.support.venue import INSTRUMENTS, open_venue
from tests.support.wait import wait_for, wait_until

# By setting: a value that makes Redis sick, one that makes it well, and what is said meanwhile.
REFUSALS = {
    "replicaof": ("127.0.0.1 1", "no one", "it is a replica"),
    "maxmemory": ("1", "0", "it is out of memory"),
    "min-replicas-to-write": ("1", "0", "fewer replicas than min-replicas-to-write"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of this module's own, which its tests make sick."""
    with RedisServer(tmp_path_factory.mktemp("redis"), fsync="everysec") as running:
        yield running


@pytest.fixture(scope="module")
def whole(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeVenue]:
    """Both services on it."""
    with running_venue(server.url, tmp_path_factory.mktemp("services")) as venue:
        yield venue


def readiness(url: str) -> tuple[int, dict[str, Any]]:
    """Status and body of `/readyz`."""
    reply = httpx.get(f"{url}/readyz", trust_env=False)
    return reply.status_code, reply.json()


@pytest.mark.parametrize("setting", REFUSALS)
def test_a_redis_that_takes_no_orders_is_not_ready(
    server: RedisServer, whole: WholeVenue, setting: str
) -> None:
    """As a replica, out of memory, short of replicas: both say why, are alive, and recover."""
    sick, well, sentence = REFUSALS[setting]
    urls = [whole.gateway.url, whole.market_data.url]
    with redis.Redis(port=server.port) as client:

        def switch(value: str) -> None:
            if setting == "replicaof":
                client.execute_command("REPLICAOF", *value.split())
            else:
                client.config_set(setting, value)

        try:
            switch(sick)
            for url in urls:
                status, body = readiness(url)
                assert status == 503
                assert "redis" in body["failing"]
                assert sentence in body["checks"]["redis"]
                assert httpx.get(f"{url}/livez", trust_env=False).status_code == 200
                health = httpx.get(f"{url}/health", trust_env=False).json()
                assert health["redis"] == "connected"
            order = order_body("buy")
            refused = httpx.post(f"{urls[0]}/v1/orders", json=order, trust_env=False)
            assert (refused.status_code, refused.json()["code"]) == (503, "redis_unavailable")
            assert sentence in refused.json()["detail"]
        finally:
            switch(well)
        wait_for(lambda: all(readiness(url)[0] == 200 for url in urls), "both are ready again")
        keys = {name.decode() for name in client.scan_iter()}
        assert "{tw}:absent" not in keys


async def test_a_redis_without_its_data_is_stale(redis_server: RedisServer, tmp_path: Path) -> None:
    """After FLUSHALL nothing of the old venue is shown as if it were the present one."""
    async with (
        open_venue(redis_server.url) as venue,
        running_feed(redis_server.url, tmp_path, CANARY_INTERVAL_S="0.1") as feed,
        connected(feed.url, "?channels=book&symbols=BTC-USDT") as connection,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{feed.port}", trust_env=False) as api,
    ):
        old = (await receive_type(connection, "book_snapshot"))["data"]["epoch"]
        assert (await api.get("/readyz")).status_code == 200
        await venue.client.flushall()

        async def not_ready() -> bool:
            reply = await api.get("/readyz")
            return reply.status_code == 503 and "venue" in reply.json()["failing"]

        await wait_until(not_ready, "market data is not ready")
        await receive_type(connection, "stale")
        for path in ("book", "bbo", "ticker", "candles", "trades"):
            reply = await api.get(f"/v1/{path}/BTC-USDT")
            assert (reply.status_code, reply.json()["code"]) == (503, "stale_data"), path
        await venue.engine.publish_instruments(INSTRUMENTS)
        told = await receive_type(connection, "epoch")
        assert told["reason"] == "new"
        assert told["epoch"] != old
        fresh = await receive_type(connection, "book_snapshot")
        assert fresh["data"]["epoch"] == told["epoch"]
        await receive_type(connection, "heartbeat")
        assert (await api.get("/readyz")).status_code == 200
        assert (await api.get("/v1/book/BTC-USDT")).status_code == 200
