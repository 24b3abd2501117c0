"""Failovers of a Redis Cluster under load: what is promised for each way to replace a node."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapewire.runtime.ports import free_port
from tests.support.running.failover_run import failover_run, until
from tests.support.running.topologies import Cluster, Node, running_nodes

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


async def test_a_start_with_dead_seeds(cluster: Cluster, tmp_path: Path) -> None:
    """Services start although only the last node of their URL answers, which has no venue."""
    (frozen,) = cluster.replicas
    frozen.freeze()
    url = f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{frozen.port}"
    async with failover_run(f"{url},127.0.0.1:{cluster.primaries[1].port}", tmp_path) as run:
        await run.go_on()
        await run.check_nothing_lost()
