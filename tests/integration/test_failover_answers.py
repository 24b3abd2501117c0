"""Commands that a failover overtakes: their answers, and that none reaches the old primary.

A second Redis announces in place of a Sentinel, so that the test decides when.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from tapewire import keys
from tapewire.errors import OrderNotFound, OutcomeUnknown, RedisUnavailable
from tapewire.matching.engine import Engine
from tapewire.redis.failovers import FailoverGuard, FailoverWatch
from tapewire.redis.server import RedisServer
from tapewire.runtime.supervision import cancel_all
from tapewire.values.types import OrderId, Side
from tests.support.running.topologies import SERVICE
from tests.support.venue import ALICE, Venue, address_of, open_venue, order_command
from tests.support.wait import wait_for, wait_until

PAUSE_MS = 60_000
SPARE = ("127.0.0.1", 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A primary, a server that announces, and an engine that listens to it."""

    # Redis clients, whose methods are not typed.
    primary: Any
    announcer: Any
    old: tuple[str, int]
    guard: FailoverGuard
    engine: Engine
    venue: Venue

    def announce(self, channel: str) -> None:
        """Announce what a Sentinel announces of the replica; returns once it was sent."""
        spare, old = (f"{host} {port}" for host, port in (SPARE, self.old))
        text = f"slave replica {spare} @ {SERVICE} {old}"
        assert self.announcer.publish(channel, text) == 1
        # The announcement was written before this answer.
        self.announcer.ping()

    async def begin(self) -> None:
        """Announce that a failover begins, and wait until the gateway knows."""
        self.announce("+selected-slave")
        await wait_until(lambda: self.guard.is_under_way, "the beginning is known")

    def pause(self) -> None:
        """Have the primary keep commands that write, without doing them."""
        self.primary.execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")

    async def until_kept(self) -> None:
        """Wait until the primary keeps a command."""
        await wait_until(
            lambda: any("b" in client["flags"] for client in self.primary.client_list()),
            "the primary keeps a command",
        )

    def go_on(self) -> None:
        """Have the primary do what it keeps."""
        self.primary.execute_command("CLIENT", "UNPAUSE")

    def orders(self) -> int:
        """Orders that were ever placed."""
        return int(self.primary.get(keys.LAST_ORDER_ID) or 0)


@pytest.fixture(scope="module")
def announcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The server that announces."""
    with RedisServer(tmp_path_factory.mktemp("announcing"), fsync="everysec") as server:
        yield server


@pytest.fixture
async def place(
    redis_url: str, session_client: Any, announcing: RedisServer
) -> AsyncIterator[Place]:
    """All of it, connected."""
    guard = FailoverGuard()
    guard.is_told = True
    watch = FailoverWatch(
        address_of(f"redis+sentinel://127.0.0.1:{announcing.port}/{SERVICE}"),
        on_begun=guard.begin,
        on_ended=guard.end,
    )
    old = ("127.0.0.1", urlsplit(redis_url).port or 0)
    async with open_venue(redis_url) as venue:
        engine = await Engine.open(address_of(redis_url), guard=guard)
        task = asyncio.create_task(watch.run())
        with redis.Redis(port=announcing.port) as announcer:
            await wait_until(lambda: watch.listening, "the watch listens")
            try:
                # Orders are the first commands after this one: the engine has nothing to load.
                await engine.open_account(ALICE)
                yield Place(session_client, announcer, old, guard, engine, venue)
            finally:
                session_client.execute_command("CLIENT", "UNPAUSE")
                await cancel_all([task])
                await engine.close()


async def test_an_announcement_between_a_command_and_its_answer(place: Place) -> None:
    """The order is done and its outcome is unknown; after the failover it is told when repeated."""
    command = order_command(Side.BUY, 1, 90, client_order_id="mine")
    place.pause()
    order = asyncio.create_task(place.engine.place(command))
    await place.until_kept()
    await place.begin()
    place.go_on()
    with pytest.raises(OutcomeUnknown, match="replaced"):
        await order
    with pytest.raises(RedisUnavailable, match="Nothing was done"):
        await place.engine.place(command)
    place.announce("-failover-abort-slave-timeout")
    await wait_until(lambda: not place.guard.is_under_way, "the end is known")
    assert (await place.engine.place(command)).replayed
    assert place.orders() == 1


async def test_an_announcement_that_has_arrived_with_the_answer(place: Place) -> None:
    """A gateway that was too slow to act on the announcement does not acknowledge the order."""
    place.pause()
    order = asyncio.create_task(place.engine.place(order_command(Side.BUY, 1, 90)))
    await place.until_kept()
    # No await from here on: the event loop finds both at once, and the answer first.
    place.go_on()
    wait_for(place.orders, "the order is done")
    place.primary.ping()
    place.announce("+selected-slave")
    with pytest.raises(OutcomeUnknown, match="replaced"):
        await order


async def test_refusals_are_told_during_a_failover(place: Place) -> None:
    """A command that was refused changed nothing, so that a failover cannot lose it."""
    place.pause()
    refusal = asyncio.create_task(place.engine.cancel(ALICE, OrderId("1")))
    await place.until_kept()
    await place.begin()
    place.go_on()
    with pytest.raises(OrderNotFound):
        await refusal


async def test_a_beginning_while_the_gateway_connects(place: Place) -> None:
    """A command that waited for a connection is not sent."""
    # Without the library the next command has the gateway load it, which the primary keeps.
    place.primary.execute_command("FUNCTION", "FLUSH")
    place.guard.count += 1
    place.pause()
    order = asyncio.create_task(place.engine.place(order_command(Side.BUY, 1, 90)))
    await place.until_kept()
    await place.begin()
    place.go_on()
    with pytest.raises(RedisUnavailable, match="being replaced"):
        await order
    assert place.orders() == 0


async def test_the_old_primary_that_a_late_sentinel_still_names(place: Place) -> None:
    """After a promotion nothing is sent to the server that was the primary before."""
    await place.engine.place(order_command(Side.BUY, 1, 90))
    place.announce("+selected-slave")
    place.announce("+promoted-slave")
    await wait_until(lambda: place.guard.count, "the promotion is known")
    # The address of the engine still leads to the old primary, as that of a late Sentinel does.
    with pytest.raises(RedisUnavailable, match="being replaced"):
        await place.engine.place(order_command(Side.BUY, 1, 90))
    assert place.orders() == 1
