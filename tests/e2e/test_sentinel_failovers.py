"""Failovers by Sentinel under load: what is promised for each way to replace a primary."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tapewire.errors import RedisUnavailable
from tapewire.redis.failovers import FailoverGuard, FailoverWatch
from tapewire.runtime.supervision import cancel_all
from tests.support.running.failover_run import RECOVERY_TIMEOUT_S, failover_run, until
from tests.support.running.topologies import (
    PATIENT_DOWN_AFTER_MS,
    SERVICE,
    Node,
    Replicated,
    running_replicas,
)
from tests.support.venue import address_of
from tests.support.wait import wait_until

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


@pytest.fixture
def patient_servers(tmp_path: Path) -> Iterator[Replicated]:
    """The same, with Sentinels that wait as long for a silent server as they do by default."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_replicas(folder, down_after_ms=PATIENT_DOWN_AFTER_MS) as topology:
        yield topology


def has_all(replica: Node, primary: Node) -> bool:
    """Whether a replica has received what its primary did before this question."""
    _, offset, _ = primary.call("ROLE")
    return bool(int(replica.call("ROLE")[4]) >= int(offset))


async def test_a_planned_failover_loses_nothing(
    patient_servers: Replicated, tmp_path: Path
) -> None:
    """No acknowledged order is lost, with the settings that Redis has by default.

    An ordinary failover keeps what the replica has received when it is promoted, so the test lets
    the replica receive all. A coordinated one waits for the replica by itself.
    """
    servers = patient_servers
    async with failover_run(servers.url, tmp_path) as run:
        old = await asyncio.to_thread(servers.named)
        (replica,) = (server for server in servers.servers if server is not old)
        refusals = len(run.senders.refusals)
        is_held = await asyncio.to_thread(servers.hold_promotion)
        if is_held:
            await wait_until(lambda: len(run.senders.refusals) > refusals, "the gateway stops", 20)
            await until(lambda: has_all(replica, old), "the replica has all")
        servers.sentinels[0].thaw()
        await another_primary(servers, old.port)
        await run.go_on()
        await demoted(old)
        await run.go_on()
        planned = 1
        if servers.coordinates:
            await asyncio.to_thread(servers.fail_over, "COORDINATED")
            await another_primary(servers, replica.port)
            await run.go_on()
            assert replica.role == "slave"
            planned += 1
        if is_held and servers.failovers() == planned:
            await run.check_nothing_lost()
        else:
            await run.finish()
            pytest.skip("the machine was too slow: the promotion could not be held")


async def test_a_failover_that_began_before_a_gateway_listened(
    patient_servers: Replicated,
) -> None:
    """The gateway asks the Sentinel, and holds its commands as long as the promotion may come."""
    old = patient_servers.named()
    leader, (replica,) = patient_servers.sentinels[0], patient_servers.servers[1:]
    leader.call("SENTINEL", "SET", SERVICE, "failover-timeout", 60_000)
    replica.freeze()
    patient_servers.fail_over()
    state = "wait_promotion"
    await until(
        lambda: leader.call("SENTINEL", "MASTER", SERVICE).get("failover-state") == state,
        "the Sentinel waits for the promotion",
    )
    guard = FailoverGuard()
    watch = FailoverWatch(address_of(patient_servers.url), on_begun=guard.begin, on_ended=guard.end)
    task = asyncio.create_task(watch.run())
    try:
        await wait_until(lambda: guard.is_under_way, "the beginning is known")
        announcements = guard.announcements
        await wait_until(lambda: guard.announcements > announcements, "the hold is prolonged")
        replica.thaw()
        await wait_until(lambda: not guard.is_under_way, "the end is known")
    finally:
        await cancel_all([task])
    guard.check(SimpleNamespace(host="127.0.0.1", port=replica.port))
    with pytest.raises(RedisUnavailable, match="being replaced"):
        guard.check(SimpleNamespace(host="127.0.0.1", port=old.port))


async def test_a_killed_primary(servers: Replicated, tmp_path: Path) -> None:
    """Both services go on with the replica, and clients have what it has."""
    async with failover_run(servers.url, tmp_path) as run:
        old = await asyncio.to_thread(servers.named)
        old.kill()
        await another_primary(servers, old.port)
        await run.go_on()
        await run.finish()


async def test_a_frozen_primary_that_thaws(servers: Replicated, tmp_path: Path) -> None:
    """A silent primary is left; when it comes back, its messages mislead no client."""
    async with failover_run(servers.url, tmp_path) as run:
        old = await asyncio.to_thread(servers.named)
        old.freeze()
        await another_primary(servers, old.port)
        await run.go_on()
        old.thaw()
        await demoted(old)
        await run.go_on()
        await run.finish()


@pytest.mark.parametrize("is_frozen", [False, True])
async def test_what_replicas_have_confirmed_is_kept(tmp_path: Path, is_frozen: bool) -> None:
    """An order that is answered once a replica has it survives the sudden end of the primary."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_replicas(folder, replicas=2) as servers:
        async with failover_run(servers.url, tmp_path, TAPEWIRE_GATEWAY_REPLICAS_MIN="1") as run:
            old = await asyncio.to_thread(servers.named)
            if is_frozen:
                old.freeze()
            else:
                old.kill()
            await another_primary(servers, old.port)
            await run.go_on()
            if is_frozen:
                old.thaw()
                await demoted(old)
                await run.go_on()
            await run.check_nothing_lost()


async def test_orders_that_no_replica_confirms(servers: Replicated, tmp_path: Path) -> None:
    """A venue that wants a confirmation acknowledges nothing without its replica."""
    async with failover_run(servers.url, tmp_path, TAPEWIRE_GATEWAY_REPLICAS_MIN="1") as run:
        (replica,) = servers.servers[1:]
        replica.freeze()
        refusals = len(run.senders.refusals)
        await wait_until(lambda: len(run.senders.refusals) > refusals + 10, "refusals", 30)
        known = len(run.senders.acknowledged)
        await wait_until(lambda: len(run.senders.refusals) > refusals + 20, "refusals", 30)
        assert len(run.senders.acknowledged) == known
        codes = {reply.json()["code"] for reply in run.senders.refusals[-10:]}
        assert codes == {"outcome_unknown"}
        replica.thaw()
        await run.go_on()
        await run.check_nothing_lost()


async def test_trades_that_a_failover_rolls_back(servers: Replicated, tmp_path: Path) -> None:
    """Trades that the replica never had are told to be void, also if their numbers come again."""
    async with failover_run(servers.url, tmp_path) as run:
        old = await asyncio.to_thread(servers.named)
        (replica,) = (server for server in servers.servers if server is not old)
        replica.freeze()
        # It cannot connect again, so that it has nothing of what follows.
        await asyncio.to_thread(old.call, "CLIENT", "KILL", "TYPE", "replica")
        await run.senders.go_on(50, RECOVERY_TIMEOUT_S)
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
