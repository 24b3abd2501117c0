"""Followers over restarts of Redis and of market data: every trade once, in the log's order."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import redis

from tapewire import keys
from tapewire.redis.server import RedisServer
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.traffic import assert_complete, following, trading
from tests.support.venue import open_venue
from tests.support.wait import wait_until

pytestmark = pytest.mark.timeout(120)

FOLLOWERS = 6
REFUSALS = 4


@pytest.mark.parametrize("what", ["redis", "market_data", "both"])
async def test_followers_resume_over_a_crash(
    redis_server: RedisServer, tmp_path: Path, what: str
) -> None:
    """SIGKILL of Redis, of market data, or of both under load loses and repeats nothing."""
    async with (
        open_venue(redis_server.url) as venue,
        running_feed(redis_server.url, tmp_path) as feed,
        following(feed.url, count=FOLLOWERS) as followers,
    ):
        load = trading(venue)
        await load.go_on()
        if what != "redis":
            await feed.kill()
        if what != "market_data":
            await asyncio.to_thread(redis_server.kill)
            await asyncio.to_thread(redis_server.start)
        if what != "redis":
            await load.go_on()
            await feed.start()
        await load.go_on()
        await load.stop()
        assert await assert_complete(venue, followers) > 0
        expected = 1 if what == "redis" else 2
        assert {follower.stream.connections for follower in followers} == {expected}


async def test_a_rolling_restart_loses_and_repeats_nothing(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Two processes are stopped and started one after the other while trades go on."""
    async with (
        open_venue(redis_server.url) as venue,
        running_feed(redis_server.url, tmp_path, DRAIN_SPREAD_S="0.5") as first,
        running_feed(redis_server.url, tmp_path, DRAIN_SPREAD_S="0.5") as second,
        following(first.url, second.url, count=2 * FOLLOWERS) as followers,
    ):
        load = trading(venue)
        await load.go_on()
        for process in (first, second):
            process.terminate()
            assert await process.ended() == 0
            await load.go_on()
            await process.start()
            await load.go_on()
        await load.stop()
        assert await assert_complete(venue, followers) > 0
        assert min(follower.stream.connections for follower in followers) >= 2
        assert (await first.health())["active_connections"] == len(followers)


async def test_a_subscription_that_redis_refuses_is_told_once_and_tried_again(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """A process says in its log why it has no subscription, and starts when Redis takes it."""
    client: Any = redis.Redis.from_url(redis_server.url)
    feed = FeedProcess(redis_server.url, tmp_path)
    async with open_venue(redis_server.url):
        client.execute_command("ACL", "SETUSER", "default", "resetchannels")
        starting = asyncio.create_task(feed.start())
        try:
            await wait_until(lambda: refusals(client) >= REFUSALS, "the process tries again")
            client.execute_command("ACL", "SETUSER", "default", "allchannels")
            await starting
            assert feed.log().count("not subscribed to Redis") == 1
        finally:
            client.close()
            feed.terminate()
            await feed.ended()


def refusals(client: Any) -> int:
    """How often Redis refused the subscription of the market-data process."""
    return sum(item["count"] for item in client.acl_log() if item["object"] == keys.TRADE_CHANNEL)
