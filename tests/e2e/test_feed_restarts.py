"""Followers over restarts of Redis and of market data: every trade once, in the log's order."""

import asyncio
from pathlib import Path

import pytest

from tapewire.redis.server import RedisServer
from tests.support.feeds.process import running_feed
from tests.support.feeds.traffic import assert_complete, following, trading
from tests.support.venue import open_venue

pytestmark = pytest.mark.timeout(120)

FOLLOWERS = 6


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
