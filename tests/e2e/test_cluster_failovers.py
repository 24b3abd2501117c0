"""Failovers of a Redis Cluster under load: what is promised for each way to replace a node."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapewire.runtime.ports import free_port
from tests.support.running.failover_run import (
    RECOVERY_TIMEOUT_S,
    FailoverRun,
    failover_run,
    until,
)
from tests.support.running.topologies import Cluster, Node, running_nodes
from tests.support.running.whole_venue import rest_client
from tests.support.wait import wait_until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three primaries, and a replica of the one that has the venue."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_nodes(folder, primaries=3, replicas=1) as nodes:
        yield nodes


async def another_owner(cluster: Cluster, old: Node) -> None:
    """Wait until another node serves the venue's slot."""
    await until(lambda: cluster.owner() != old, "another node")


async def test_a_killed_node(cluster: Cluster, tmp_path: Path) -> None:
    """Both services go on at the replica, although the first node of their URL is gone."""
    async with failover_run(cluster.url, tmp_path) as run:
        old = await asyncio.to_thread(cluster.owner)
        assert old is cluster.nodes[0]
        old.kill()
        await another_owner(cluster, old)
        await run.go_on()
        await run.finish()


async def test_a_frozen_node_that_thaws(cluster: Cluster, tmp_path: Path) -> None:
    """A node that says nothing is left for its replica, and stays a replica when it is back."""
    async with failover_run(cluster.url, tmp_path) as run:
        old = await asyncio.to_thread(cluster.owner)
        old.freeze()
        await another_owner(cluster, old)
        await run.go_on()
        old.thaw()
        await until(lambda: old.role == "slave", "it is a replica")
        await run.go_on()
        await run.finish()


async def test_a_planned_failover_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    """A replica that is told to take over has everything, and no acknowledged order is lost."""
    async with failover_run(cluster.url, tmp_path) as run:
        for _ in range(2):
            old = await asyncio.to_thread(cluster.owner)
            new = next(node for node in (*cluster.replicas, cluster.nodes[0]) if node != old)
            await asyncio.to_thread(new.call, "CLUSTER", "FAILOVER")
            await another_owner(cluster, old)
            assert await asyncio.to_thread(cluster.owner) == new
            await run.go_on()
        await run.check_nothing_lost()


async def refused_while_it_moves(run: FailoverRun) -> int:
    """Wait until orders are refused because the slot moves; how many are acknowledged then."""
    refusals = run.senders.refusals
    first = len(refusals)
    await wait_until(lambda: len(refusals) > first + 20, "refusals", RECOVERY_TIMEOUT_S)
    assert refusals[-1].json()["code"] == "redis_unavailable"
    assert "moves the slot" in refusals[-1].json()["detail"]
    return len(run.senders.acknowledged)


async def test_a_slot_that_is_moved_key_by_key(cluster: Cluster, tmp_path: Path) -> None:
    """While keys of the venue are at two nodes every order is refused, and nothing is written."""
    source, target = cluster.primaries[:2]
    async with failover_run(cluster.url, tmp_path) as run:
        await asyncio.to_thread(cluster.begin_move, source, target)
        known = await refused_while_it_moves(run)
        # From here on the readiness of both says so.
        for service in (run.venue.gateway, run.venue.market_data):
            async with rest_client(service) as client:
                reply = await client.get("/readyz")
                assert reply.status_code == 503
                assert "moves the slot" in reply.json()["checks"]["redis"]
        while await asyncio.to_thread(cluster.move_keys, source, target, 20):
            assert await refused_while_it_moves(run) == known
        await asyncio.to_thread(cluster.end_move, source, target)
        await run.go_on()
        assert await asyncio.to_thread(cluster.owner) == target
        await run.check_nothing_lost()


async def test_a_move_that_is_given_up(cluster: Cluster, tmp_path: Path) -> None:
    """A slot that stays where it is is whole again, and trading goes on there."""
    source, target = cluster.primaries[:2]
    async with failover_run(cluster.url, tmp_path) as run:
        await asyncio.to_thread(cluster.begin_move, source, target)
        await refused_while_it_moves(run)
        await asyncio.to_thread(cluster.cancel_move, source, target)
        await run.go_on()
        assert await asyncio.to_thread(cluster.owner) == source
        await run.check_nothing_lost()


async def test_a_slot_that_is_moved_at_once(cluster: Cluster, tmp_path: Path) -> None:
    """Valkey 9 moves a slot in one step: orders wait for it, and none is lost."""
    source, target = cluster.primaries[:2]
    if not cluster.moves_at_once:
        pytest.skip("this server moves slots key by key only (Valkey 9 has CLUSTER MIGRATESLOTS)")
    async with failover_run(cluster.url, tmp_path) as run:
        await asyncio.to_thread(cluster.move_at_once, source, target)
        await another_owner(cluster, source)
        await run.go_on()
        assert await asyncio.to_thread(cluster.owner) == target
        await run.check_nothing_lost()


async def test_a_start_with_dead_seeds(cluster: Cluster, tmp_path: Path) -> None:
    """Services start although only the last node of their URL answers, which has no venue."""
    (frozen,) = cluster.replicas
    frozen.freeze()
    url = f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{frozen.port}"
    async with failover_run(f"{url},127.0.0.1:{cluster.primaries[1].port}", tmp_path) as run:
        await run.go_on()
        await run.check_nothing_lost()
