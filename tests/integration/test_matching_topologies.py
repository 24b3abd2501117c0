"""The engine on a Redis Cluster, under a Sentinel, and on the oldest Redis the venue runs on."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from redis.exceptions import RedisError

from market_data.feed.replay_log import ReplayLog
from tapewire.errors import OrderNotFound, OutcomeUnknown, RedisUnavailable, Unavailable
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.redis.client import open_async, wait_until_ready
from tapewire.redis.failovers import FailoverGuard, FailoverWatch
from tapewire.redis.replication import warn_of_replication_risk
from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tapewire.runtime.supervision import cancel_all
from tapewire.values.types import OrderId, OrderStatus, OrderType, Side
from tests.support.house.documents import ROOT
from tests.support.running.topologies import (
    SERVICE,
    attach_replica,
    running_cluster,
    running_sentinel,
)
from tests.support.venue import ALICE, Venue, address_of, open_venue, order_command
from tests.support.wait import wait_until


@pytest.fixture(params=["cluster", "sentinel"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the venue finds its Redis."""
    if request.param == "cluster":
        with running_cluster(tmp_path) as cluster:
            yield cluster
        return
    with RedisServer(tmp_path / "redis") as master, running_sentinel(tmp_path, master) as sentinel:
        yield sentinel


async def test_every_order_type_works(url: str) -> None:
    """Rest, fill, expire, look first, cancel, read and replay give the usual answers."""
    async with open_venue(url) as venue:
        await venue.engine.ready()
        makers = [await venue.sell(2, 100 + number) for number in range(3)]
        fok = await venue.buy(7, 102, OrderType.FOK)
        ioc = await venue.buy(3, 101, OrderType.IOC)
        market = await venue.buy(9)
        assert [order.status for order in (fok, ioc, market)] == [
            OrderStatus.EXPIRED,
            OrderStatus.FILLED,
            OrderStatus.EXPIRED,
        ]
        assert (await venue.order(makers[1])).status is OrderStatus.FILLED
        assert [trade["seq"] for trade in await venue.trades()] == [1, 2, 3, 4]
        resting = await venue.submit(Side.BUY, 1, 90, client_order_id="mine")
        again = await venue.submit(Side.BUY, 1, 90, client_order_id="mine")
        assert (again.replayed, again.order) == (True, resting.order)
        assert (await venue.cancel(resting.order)).status is OrderStatus.CANCELED
        assert await venue.depth(Side.BUY) == await venue.depth(Side.SELL) == []


async def test_concurrent_orders_keep_their_order(url: str) -> None:
    """Batches work on every topology: a few hundred orders at once, in order."""
    async with open_venue(url) as venue:
        placements = await asyncio.gather(*(venue.submit(Side.BUY, 1, 90) for _ in range(300)))
        ids = [int(placement.order.order_id) for placement in placements]
        # The first of a batch may find the script missing and come again behind the others.
        assert sorted(ids) == list(range(1, 301))
        assert await venue.depth(Side.BUY) == [(90, 300)]


@pytest.mark.parametrize("scheme", ["redis+cluster://{}", "redis+sentinel://{}/venue"])
async def test_nobody_there_is_said_as_usual(scheme: str) -> None:
    """Without a node or a Sentinel every client raises what it raises without a plain Redis."""
    address = address_of(scheme.format(f"127.0.0.1:{free_port()}"))
    engine, client = await Engine.open(address), open_async(address)
    with pytest.raises(RedisUnavailable):
        await engine.place(order_command(Side.BUY, 1, 90))
    with pytest.raises(RedisError):
        await ReplayLog(client).positions()
    with pytest.raises(RedisUnavailable, match="did not answer"):
        await wait_until_ready(client, address, timeout_s=0)
    await engine.close()
    await client.aclose()


async def place_on_master(venue: Venue, client_order_id: str) -> None:
    """Ask again until a master takes the order."""

    async def placed() -> bool:
        try:
            await venue.submit(Side.BUY, 1, 90, client_order_id=client_order_id)
        except Unavailable:
            return False
        return True

    await wait_until(placed, "the new master takes orders", timeout_s=20)


async def test_orders_follow_a_failover(tmp_path: Path) -> None:
    """The master dies, Sentinel promotes the replica, the engine goes on with its book."""
    with RedisServer(tmp_path / "first") as first, RedisServer(tmp_path / "second") as second:
        attach_replica(first, second)
        with running_sentinel(tmp_path, first) as url:
            async with open_venue(url, timeout_s=1.0) as venue:
                await venue.buy(1, 80, client_order_id="before")
                client: Any = venue.client
                await client.execute_command("WAIT", 1, 5_000)
                await wait_until(lambda: replica_is_known(url), "Sentinel knows the replica")
                os.kill(first.pid, signal.SIGKILL)
                await place_on_master(venue, "after")
                again = await venue.submit(Side.BUY, 1, 80, client_order_id="before")
                assert again.replayed
            async with open_venue(second.url) as venue:
                assert await venue.depth(Side.BUY) == [(90, 1), (80, 1)]


def replica_is_known(url: str) -> bool:
    """Whether the Sentinel at `url` has found a replica."""
    with redis.Redis(port=urlsplit(url).port or 0, decode_responses=True) as client:
        return len(client.execute_command("SENTINEL", "REPLICAS", SERVICE)) == 1


@pytest.fixture
def sentinel_user(tmp_path: Path) -> tuple[str, Path]:
    """The user of docs/security.md as a line of a configuration, and the file of its password."""
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith("user tapewire on >PASSWORD"))
    file = tmp_path / "password"
    file.write_text("secret\n")
    return line.replace("PASSWORD", "secret"), file


async def test_a_sentinel_with_a_login(tmp_path: Path, sentinel_user: tuple[str, Path]) -> None:
    """The user in docs/security.md is enough, and its password may stand in a file."""
    line, file = sentinel_user
    with RedisServer(tmp_path / "redis") as master, running_sentinel(tmp_path, master, line) as url:
        login = f"?sentinel_username=tapewire&sentinel_password_file={file}"
        watch = FailoverWatch(address_of(url + login), on_ended=lambda *_: None)
        task = asyncio.create_task(watch.run())
        async with open_venue(url + login) as venue:
            assert (await venue.buy(1, 90)).status is OrderStatus.NEW
        await wait_until(lambda: watch.listening, "the watch listens")
        await cancel_all([task])
        stranger = open_async(address_of(f"{url}?sentinel_username=tapewire&sentinel_password=no"))
        with pytest.raises(RedisError):
            await stranger.ping()
        await stranger.aclose()


async def test_what_a_failover_could_lose_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Replicas without min-replicas-to-write are a warning; with it, or without replicas, none."""
    with RedisServer(tmp_path / "first") as first, RedisServer(tmp_path / "second") as second:
        client: Any = open_async(address_of(first.url))

        async def warned() -> bool:
            caplog.clear()
            await warn_of_replication_risk(client)
            return "min-replicas-to-write is 0" in caplog.text

        try:
            assert not await warned()
            attach_replica(first, second)
            assert await warned()
            await client.config_set("min-replicas-to-write", 1)
            assert not await warned()
        finally:
            await client.aclose()


async def test_a_command_that_no_replica_confirms(tmp_path: Path) -> None:
    """The command is done and its outcome is unknown, also when repeated; reads are answered."""
    with RedisServer(tmp_path / "first") as first, RedisServer(tmp_path / "second") as second:
        address = address_of(first.url, timeout_s=1.0)
        async with open_venue(first.url) as venue:
            engine = await Engine.open(address, guard=FailoverGuard(replicas_min=1))
            command = order_command(Side.BUY, 1, 90, client_order_id="mine")
            try:
                for _ in range(2):
                    with pytest.raises(OutcomeUnknown, match="did not confirm"):
                        await engine.place(command)
                order = await Queries(engine.batcher).order(ALICE, OrderId("1"))
                assert order.status is OrderStatus.NEW
                with pytest.raises(OrderNotFound):
                    await engine.cancel(ALICE, OrderId("2"))
                attach_replica(first, second)
                assert (await engine.place(command)).replayed
                assert await venue.depth(Side.BUY) == [(90, 1)]
            finally:
                await engine.close()
