"""A warning before Redis has used its memory, and the figures of it."""

import asyncio
import logging

import pytest
import redis

from tapewire.redis.client import open_async
from tapewire.redis.memory_watch import MemoryWatch
from tapewire.redis.server import RedisServer
from tests.support.venue import address_of
from tests.support.wait import wait_until

MB = 1_000_000


def figures(watch: MemoryWatch) -> dict[str, float]:
    return {sample.name: sample.value for metric in watch.collect() for sample in metric.samples}


async def test_each_part_is_warned_of_once(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At 75, 85 and 95 %, with the orders that there is room for; again after it has fallen."""
    client = open_async(address_of(redis_url))
    watch = MemoryWatch(client)
    with caplog.at_level(logging.WARNING):
        for used in (10, 74, 75, 80, 86, 84, 96, 99, 50, 76):
            watch.observe({"used_memory": used * MB, "maxmemory": 100 * MB})
    await client.aclose()
    parts = [
        record.getMessage().partition(" % ")[0].rpartition(" ")[2] for record in caplog.records
    ]
    assert parts == ["75", "86", "96", "76"]
    assert "75 of 100 MB), room for about 14285 orders" in caplog.records[0].getMessage()
    assert figures(watch)["tapewire_redis_memory_bytes"] == 76 * MB


async def test_a_real_server_is_read(redis_server: RedisServer) -> None:
    """Used memory and its bound are those of Redis; without a bound there is no warning."""
    client = open_async(address_of(redis_server.url))
    watch = MemoryWatch(client, interval_s=0.01)
    task = wait_for_bound(watch)
    with redis.Redis.from_url(redis_server.url) as control:
        control.config_set("maxmemory", 500 * MB)
    try:
        await task
    finally:
        await client.aclose()
    assert 0 < figures(watch)["tapewire_redis_memory_bytes"] < 500 * MB


async def wait_for_bound(watch: MemoryWatch) -> None:
    runner = asyncio.create_task(watch.run())
    try:
        await wait_until(
            lambda: figures(watch)["tapewire_redis_memory_max_bytes"] == 500 * MB, "it is read"
        )
    finally:
        runner.cancel()
