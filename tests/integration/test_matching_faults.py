"""Redis restarted, killed, stopped, without scripts, or silent: nothing is lost or done twice."""

import asyncio
import itertools
import os
import signal
from typing import Any

import pytest
import redis.asyncio

from tapewire import keys
from tapewire.errors import (
    OrderNotFound,
    OutcomeUnknown,
    Overloaded,
    RedisUnavailable,
    Unavailable,
)
from tapewire.limits import PENDING_COMMANDS_MAX
from tapewire.matching.engine import Engine, Placement
from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tapewire.values.types import OrderId, OrderStatus, Side
from tests.support.transport.link import link_to
from tests.support.venue import ALICE, INSTRUMENTS, Venue, address_of, listening, open_venue
from tests.support.wait import TIMEOUT_S, wait_until


async def trade_a_little(venue: Venue) -> None:
    """Three trades and a resting remainder, with a cancel."""
    await venue.sell(1, 100, client_order_id="s1")
    await venue.sell(5, 101, client_order_id="s2")
    await venue.buy(3, 101, client_order_id="b1")
    await venue.buy(1, 102, client_order_id="b2")
    await venue.cancel(await venue.buy(1, 90))


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_a_restart_changes_nothing(redis_server: RedisServer, ending: str) -> None:
    """After SIGTERM or SIGKILL every key is as it was, and ids and sequences go on."""
    async with open_venue(redis_server.url) as venue, listening(redis_server.url) as listener:
        await trade_a_little(venue)
        before = await venue.dump()
        assert len(await listener.heard(keys.TRADE_CHANNEL)) == 3
        end = redis_server.stop if ending == "stop" else redis_server.kill
        await asyncio.to_thread(end)
        with pytest.raises(RedisUnavailable):
            await venue.buy(1, 100)
        await asyncio.to_thread(redis_server.start)
        await venue.client.connection_pool.disconnect()
        assert await venue.dump() == before
        again = await venue.submit(Side.BUY, 3, 101, client_order_id="b1")
        assert again.replayed
        order = await venue.buy(2, 101)
        assert order.order_id == "6"
        assert [trade["seq"] for trade in await venue.trades()] == [1, 2, 3, 4]
        assert len({trade["epoch"] for trade in await venue.trades()}) == 1


async def test_ids_of_orders_that_left_are_not_used_again(redis_server: RedisServer) -> None:
    """A restart after every order has gone still counts on from the last id."""
    async with open_venue(redis_server.url) as venue:
        order = await venue.buy(1, 90)
        await venue.cancel(order)
        await venue.client.delete(keys.order(order.order_id))
        await asyncio.to_thread(redis_server.kill)
        await asyncio.to_thread(redis_server.start)
        assert (await venue.buy(1, 90)).order_id == "2"


async def test_without_redis_nothing_is_done() -> None:
    """Every command says so at once, as RedisUnavailable, and the engine stays usable."""
    engine = await Engine.open(address_of(f"redis://127.0.0.1:{free_port()}/0"))
    venue = Venue(engine, redis.asyncio.Redis())
    commands: list[Any] = [
        venue.buy(1, 100),
        venue.cancel("1"),
        venue.order("1"),
        engine.ready(),
        engine.publish_instruments(INSTRUMENTS),
    ]
    for command in commands:
        with pytest.raises(RedisUnavailable, match="othing was done"):
            await command
    await engine.close()


async def test_a_lost_answer_is_told_and_the_order_is_there_once(redis_url: str) -> None:
    """Redis did it, the line broke: OutcomeUnknown; the same request again gives that order."""
    async with open_venue(redis_url) as direct, link_to(redis_url) as link:
        async with open_venue(link.url) as venue:
            await venue.engine.ready()
            await venue.engine.open_account(ALICE)
            link.lose_answers = True
            with pytest.raises(OutcomeUnknown, match="same client_order_id"):
                await venue.submit(Side.BUY, 1, 100, client_order_id="mine")
            link.lose_answers = False
            assert link.answers_lost == 1
            again = await venue.submit(Side.BUY, 1, 100, client_order_id="mine")
            assert (again.replayed, again.order.order_id) == (True, "1")
        assert await direct.depth(Side.BUY) == [(100, 1)]


async def test_a_batch_whose_answers_are_lost_is_unknown_as_a_whole(redis_url: str) -> None:
    """All of fifty concurrent orders are unknown, none is placed twice when asked again."""
    async with open_venue(redis_url) as direct, link_to(redis_url) as link:
        async with open_venue(link.url) as venue:
            await venue.engine.ready()
            await venue.engine.open_account(ALICE)

            def all_of_them() -> Any:
                return asyncio.gather(
                    *(venue.submit(Side.BUY, 1, 90, client_order_id=f"c{n}") for n in range(50)),
                    return_exceptions=True,
                )

            link.lose_answers = True
            answers = await all_of_them()
            assert {type(answer) for answer in answers} == {OutcomeUnknown}
            link.lose_answers = False
            assert {placement.replayed for placement in await all_of_them()} == {True}
        assert await direct.depth(Side.BUY) == [(90, 50)]


async def test_a_redis_that_hangs_is_given_up_in_time(redis_server: RedisServer) -> None:
    """With the server stopped (SIGSTOP) the wait is bounded; what it did later is found again."""
    async with open_venue(redis_server.url, timeout_s=1.0) as venue:
        await venue.buy(1, 80)
        os.kill(redis_server.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                with pytest.raises(Unavailable):
                    await venue.submit(Side.BUY, 1, 90, client_order_id="mine")
        finally:
            os.kill(redis_server.pid, signal.SIGCONT)
        placement = await retry(venue, "mine")
        assert placement.order.status is OrderStatus.NEW
        assert await venue.depth(Side.BUY) == [(90, 1), (80, 1)]


async def retry(venue: Venue, client_order_id: str) -> Placement:
    """Ask again, as a client should, until the venue answers."""
    while True:
        try:
            return await venue.submit(Side.BUY, 1, 90, client_order_id=client_order_id)
        except Unavailable:
            await wait_until(lambda: True, "others run")


async def test_orders_under_fire_are_placed_once_each(redis_server: RedisServer) -> None:
    """Redis is killed under concurrent senders that ask again: every order exists exactly once."""
    async with open_venue(redis_server.url) as venue:
        acknowledged: list[str] = []
        ended = asyncio.Event()

        async def send(sender: int) -> None:
            for number in itertools.count():
                if ended.is_set():
                    return
                placement = await retry(venue, f"{sender}-{number}")
                acknowledged.append(placement.order.order_id)

        senders = asyncio.gather(*(send(sender) for sender in range(10)))
        for _ in range(3):
            wanted = len(acknowledged) + 50

            def enough(wanted: int = wanted) -> bool:
                return len(acknowledged) >= wanted

            await wait_until(enough, "orders arrive")
            redis_server.kill()
            await asyncio.to_thread(redis_server.start)
        ended.set()
        await senders
        assert len(set(acknowledged)) == len(acknowledged)
        assert {order.order_id for order in await venue.queue(Side.BUY)} == set(acknowledged)
        assert await venue.depth(Side.BUY) == [(90, len(acknowledged))]


async def test_connections_that_redis_closes_are_replaced(venue: Venue) -> None:
    """CLIENT KILL between two commands loses nothing: the next command connects again."""
    for number in range(20):
        await venue.client.client_kill_filter(_type="normal", skipme=True)
        order = await venue.buy(1, 100)
        assert order.order_id == str(number + 1)


async def test_too_many_waiting_orders_are_refused(venue: Venue) -> None:
    """The queue for Redis is bounded: what does not fit is refused, the rest is answered."""
    answers = await asyncio.gather(
        *(venue.order("999") for _ in range(PENDING_COMMANDS_MAX + 5)), return_exceptions=True
    )
    kinds = [type(answer) for answer in answers]
    assert kinds == [OrderNotFound] * PENDING_COMMANDS_MAX + [Overloaded] * 5


async def test_a_caller_that_goes_away_disturbs_nobody(venue: Venue) -> None:
    """Half of a batch is cancelled by its callers: the other half gets its own answers."""
    tasks = [asyncio.create_task(venue.submit(Side.BUY, n, 90)) for n in range(1, 41)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
    kept = [answer for answer in answers if isinstance(answer, Placement)]
    assert [placement.order.quantity_lots for placement in kept] == list(range(2, 41, 2))
    assert (await venue.buy(1, 90)).status is OrderStatus.NEW


async def test_orders_reach_redis_in_the_order_of_their_submission(venue: Venue) -> None:
    """Concurrent submissions of one process keep their order, so they get rising ids."""
    placements = await asyncio.gather(*(venue.submit(Side.BUY, 1, 90) for _ in range(700)))
    ids = [int(placement.order.order_id) for placement in placements]
    assert ids == list(range(1, 701))


async def test_many_commands_share_a_round_trip(redis_url: str) -> None:
    """A thousand concurrent orders take a handful of round trips."""
    async with open_venue(redis_url) as venue:
        await venue.buy(1, 90)
        before = venue.engine.batcher.round_trip_s.count
        await asyncio.gather(*(venue.submit(Side.BUY, 1, 90) for _ in range(1_000)))
        assert venue.engine.batcher.round_trip_s.count - before <= 10


async def test_a_refusal_in_a_batch_concerns_its_caller_only(venue: Venue) -> None:
    """Good and bad commands of one round trip each get their own answer."""
    await venue.engine.ready()
    await venue.buy(1, 90)
    answers: Any = await asyncio.gather(
        venue.engine.cancel(ALICE, OrderId("77")),
        venue.engine.cancel(ALICE, OrderId("1")),
        venue.engine.cancel(ALICE, OrderId("1")),
        venue.queries.order(ALICE, OrderId("1")),
        return_exceptions=True,
    )
    names = [getattr(answer, "code", None) or answer.status for answer in answers]
    assert names == ["order_not_found", "canceled", "order_closed", "canceled"]


@pytest.mark.parametrize(
    ("setting", "refusing", "well"),
    [
        ("maxmemory", "1", "0"),
        ("min-replicas-to-write", "1", "0"),
        ("replicaof", "127.0.0.1 1", "no one"),
    ],
)
async def test_a_redis_that_refuses_writes_is_unavailable(
    redis_server: RedisServer, setting: str, refusing: str, well: str
) -> None:
    """Out of memory, short of replicas, or a replica itself: nothing is done, then all is well."""
    async with open_venue(redis_server.url) as venue:
        await trade_a_little(venue)
        before = await venue.dump()

        async def switch(value: str) -> None:
            if setting == "replicaof":
                client: Any = venue.client
                await client.execute_command("REPLICAOF", *value.split())
            else:
                await venue.client.config_set(setting, value)

        await switch(refusing)
        with pytest.raises(RedisUnavailable, match="othing was done"):
            await venue.buy(1, 90)
        assert await venue.dump() == before
        if setting == "maxmemory":
            # What frees memory is allowed.
            assert (await venue.cancel("2")).status is OrderStatus.CANCELED
        else:
            with pytest.raises(RedisUnavailable, match="othing was done"):
                await venue.cancel("2")
        await switch(well)
        assert (await venue.buy(1, 90)).status is OrderStatus.NEW
