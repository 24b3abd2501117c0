"""A batch that is sent while the batch before it is being answered."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
import redis.asyncio

from tapewire.errors import OutcomeUnknown
from tapewire.matching.batcher import AHEAD_MIN
from tapewire.matching.engine import Placement
from tapewire.values.types import Side
from tests.support.venue import Venue
from tests.support.wait import TIMEOUT_S, wait_until

ORDERS = AHEAD_MIN + 8
# Each order has more bytes than this in the buffer of Redis.
ORDER_BYTES_MIN = 100


@pytest_asyncio.fixture
async def admin(redis_url: str) -> AsyncIterator[Any]:
    """A client beside that of the venue."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield client


async def clients_of(admin: Any) -> list[dict[str, str]]:
    """The clients of Redis that wait in BLPOP."""
    return [each for each in await admin.client_list() if "b" in each["flags"]]


async def send_ahead(venue: Venue, admin: Any) -> "asyncio.Future[list[Any]]":
    """Place orders behind a batch that Redis has answered in part.

    Returns when Redis has the orders and does not do them: it waits for something in `gate`.
    """
    await venue.buy(1, 90)
    batcher = venue.engine.batcher
    first = batcher.begin("BLPOP", "first", int(TIMEOUT_S))
    batcher.begin("BLPOP", "gate", int(TIMEOUT_S)).add_done_callback(lambda done: done.exception())
    await wait_until(lambda: clients_of(admin), "the first command of the batch")
    placing = [
        asyncio.ensure_future(venue.submit(Side.BUY, 1, 80 + number % 9))
        for number in range(ORDERS)
    ]
    await wait_until(lambda: batcher.pending == ORDERS, "the orders in the queue")
    await admin.rpush("first", "open")
    await first

    async def has_orders() -> bool:
        found = await clients_of(admin)
        return any(int(each["qbuf"]) > ORDERS * ORDER_BYTES_MIN for each in found)

    await wait_until(has_orders, "the orders at Redis")
    assert batcher.pending == 0
    assert not any(each.done() for each in placing)
    return asyncio.gather(*placing, return_exceptions=True)


def numbers_of(placements: list[Any]) -> list[int]:
    """The order ids of placements; an exception is no placement."""
    assert all(isinstance(each, Placement) for each in placements), placements
    return [int(each.order.order_id) for each in placements]


async def test_a_batch_goes_ahead_and_is_done_in_order(venue: Venue, admin: Any) -> None:
    """Redis has the second batch before it has answered the first one."""
    placing = await send_ahead(venue, admin)
    batches = venue.engine.batcher.round_trip_commands.count
    await admin.rpush("gate", "open")
    assert numbers_of(await placing) == list(range(2, ORDERS + 2))
    assert venue.engine.batcher.round_trip_commands.count == batches + 2


async def test_a_batch_ahead_of_a_lost_library_is_done_once(venue: Venue, admin: Any) -> None:
    """Redis loses the library in front of the second batch: its orders keep their order."""
    placing = await send_ahead(venue, admin)
    await admin.function_flush("SYNC")
    await admin.rpush("gate", "open")
    later = await venue.buy(1, 90)
    assert numbers_of(await placing) == list(range(2, ORDERS + 2))
    assert int(later.order_id) == ORDERS + 2


async def test_a_batch_ahead_of_a_lost_connection_is_unknown(venue: Venue, admin: Any) -> None:
    """Nobody knows whether the second batch was done; the next order has a new connection."""
    placing = await send_ahead(venue, admin)
    for each in await clients_of(admin):
        await admin.client_kill_filter(_id=each["id"])
    answers = await placing
    assert all(isinstance(each, OutcomeUnknown) for each in answers)
    assert int((await venue.buy(1, 90)).order_id) == 2
