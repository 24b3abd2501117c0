"""Failovers by Sentinel under load: what is promised for each way to replace a primary."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running.failover_run import RECOVERY_TIMEOUT_S, failover_run, until
from tests.support.running.topologies import Node, Replicated, running_replicas

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Replicated]:
    """A primary, a replica and three Sentinels."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_replicas(folder) as topology:
        yield topology


async def another_primary(servers: Replicated, old_port: int) -> None:
    """Wait until the Sentinels name another server."""
    await until(lambda: servers.named().port != old_port, "another primary")


async def demoted(server: Node) -> None:
    """Wait until the Sentinels have made a server a replica."""
    await until(lambda: server.role == "slave", "it is a replica")


async def test_a_killed_primary(servers: Replicated, tmp_path: Path) -> None:
    """Both services go on with the replica, and clients have what it has."""
    async with failover_run(servers.url, tmp_path) as run:
        old = await asyncio.to_thread(servers.named)
        old.kill()
        await another_primary(servers, old.port)
        await run.go_on()
        await run.finish()


async def test_a_frozen_primary_that_thaws(servers: Replicated, tmp_path: Path) -> None:
    """It is left while it says nothing; what it does when it comes back misleads nobody."""
    async with failover_run(servers.url, tmp_path) as run:
        old = await asyncio.to_thread(servers.named)
        old.freeze()
        await another_primary(servers, old.port)
        await run.go_on()
        old.thaw()
        await demoted(old)
        await run.go_on()
        await run.finish()


async def test_trades_that_a_failover_rolls_back(servers: Replicated, tmp_path: Path) -> None:
    """Trades that the replica never had are told to be void, also if their numbers come again."""
    async with failover_run(servers.url, tmp_path) as run:
        old = await asyncio.to_thread(servers.named)
        (replica,) = (server for server in servers.servers if server is not old)
        replica.freeze()
        # It cannot connect again, so that it has nothing of what follows.
        await asyncio.to_thread(old.call, "CLIENT", "KILL", "TYPE", "replica")
        await run.senders.go_on(100, RECOVERY_TIMEOUT_S)
        sent = max(client.trades[-1]["seq"] for client in run.readers)
        old.kill()
        replica.thaw()
        await another_primary(servers, old.port)
        await run.go_on()

        # The new trades have passed the old numbers once the log is longer than what was sent.
        while max(client.trades[-1]["seq"] for client in run.readers) <= sent:
            await run.go_on()
        _, is_told = await run.finish()
        assert is_told
