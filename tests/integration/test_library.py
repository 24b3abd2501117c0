"""The function library in Redis: loaded in time, loaded again, removed when unused."""

import asyncio
import contextlib
import gzip
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio
from redis.exceptions import ResponseError

from tapewire import keys
from tapewire.errors import ConfigurationError
from tapewire.journal.replica import open_replica
from tapewire.journal.verification import verify_venue
from tapewire.limits import LIBRARY_UNUSED_S
from tapewire.matching.engine import Engine
from tapewire.matching.library import Library, load_library
from tapewire.matching.queries import Queries
from tapewire.packed.packing import FORMAT
from tapewire.redis.server import RedisServer
from tapewire.values.types import Account, OrderStatus, Side, Symbol
from tests.support.venue import ALICE, BOB, Venue, address_of, open_venue, order_command

STORED = Path(__file__).parents[1] / "support" / "stored" / "venue-redis-6.2.14.aof.gz"
SOL = Symbol("SOL-USDT")


@pytest_asyncio.fixture
async def admin(redis_url: str) -> AsyncIterator[Any]:
    """A client that does what an operator may do to the library."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield client
        # Later tests find no libraries of these.
        await client.function_flush("SYNC")


async def names_of(client: Any) -> list[str]:
    """The libraries that Redis has."""
    found = await client.execute_command("FUNCTION", "LIST")
    return sorted(item[b"library_name"].decode() for item in found)


async def test_a_library_that_redis_forgot_is_loaded_again(venue: Venue, admin: Any) -> None:
    """FUNCTION FLUSH between any two commands, or amid many, is not noticed by callers."""
    order = await venue.buy(1, 90)
    await admin.function_flush("SYNC")
    assert (await venue.cancel(order)).status is OrderStatus.CANCELED
    await admin.function_flush("SYNC")
    placements = await asyncio.gather(
        *(venue.submit(Side.BUY, 1, 90 + number % 3) for number in range(100))
    )
    assert [int(item.order.order_id) for item in placements] == list(range(2, 102))


async def test_nothing_is_lost_or_swapped_while_the_library_is_flushed(
    venue: Venue, admin: Any
) -> None:
    """Orders that are sent in order get their numbers in order, whenever the library is lost."""
    await venue.buy(1, 90)
    numbers: list[int] = []

    async def place_orders() -> None:
        for _ in range(18):
            placements = await asyncio.gather(
                *(venue.submit(Side.BUY, 1, 80 + number % 9) for number in range(500))
            )
            numbers.extend(int(item.order.order_id) for item in placements)

    placing, count = asyncio.create_task(place_orders()), 0
    while not placing.done():
        before = await admin.get(keys.LAST_ORDER_ID)
        await admin.function_flush("SYNC")
        # Others load the library too, which must not let later commands pass earlier ones.
        await load_as_another_gateway(admin, f"other{count}")
        count += 1
        # The next flush comes in the middle of later orders.
        while not placing.done() and await admin.get(keys.LAST_ORDER_ID) == before:
            await admin.ping()
    await placing
    assert count > 10
    assert numbers == list(range(2, 2 + len(numbers)))


async def load_as_another_gateway(client: Any, load_id: str) -> None:
    """Load the library unless another gateway has done so meanwhile."""
    with contextlib.suppress(ResponseError):
        await client.function_load(load_library().load_text(load_id))


async def test_a_library_that_is_loaded_again_keeps_the_order(venue: Venue, admin: Any) -> None:
    """A cancel and an order behind it do not change places when another gateway has loaded again.

    Without load ids the cancel would be repeated after the order, which would then meet the order
    of its own account and expire.
    """
    resting = await venue.sell(1, 100, account=ALICE)
    await admin.function_flush("SYNC")
    await load_as_another_gateway(admin, "other")
    canceled, placed = await asyncio.gather(
        venue.cancel(resting), venue.submit(Side.BUY, 1, 100, account=ALICE)
    )
    assert canceled.status is OrderStatus.CANCELED
    assert placed.order.status is OrderStatus.NEW


async def test_a_call_of_an_older_load_is_refused(venue: Venue, admin: Any) -> None:
    """Every function of an older load is refused and does nothing."""
    library = load_library()
    for name in ("place", "cancel_all", "log_page"):
        with pytest.raises(ResponseError, match="NOT_LOADED"):
            await admin.fcall(library.function(name), 1, keys.INSTRUMENTS, "older", "", "")


async def test_two_versions_work_side_by_side(
    venue: Venue, redis_url: str, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gateways of two versions trade with each other, each with its own library."""
    present = load_library()
    other = Library("0123456789ab", present.body)
    monkeypatch.setattr("tapewire.matching.engine.load_library", lambda: other)
    async with open_venue(redis_url) as newer:
        resting = await newer.sell(1, 100, account=ALICE)
        taken = await venue.submit(Side.BUY, 1, 100, account=BOB)
        assert taken.order.status is OrderStatus.FILLED
        assert (await newer.order(resting)).status is OrderStatus.FILLED
    assert await names_of(admin) == sorted([present.name, other.name])


async def test_a_library_that_nobody_uses_is_removed(
    venue: Venue, redis_url: str, admin: Any
) -> None:
    """A gateway that connects removes unused libraries; used ones and foreign ones stay."""
    present = load_library()
    unused = replace(present, digest="00000000000a")
    used = replace(present, digest="00000000000b")
    for library in (unused, used):
        await admin.function_load(library.load_text("x"))
    await admin.function_load(
        "#!lua name=foreign\nredis.register_function('foreign', function() return 1 end)"
    )
    now_s = int((await admin.time())[0])
    await admin.zadd(keys.LIBRARIES, {unused.name: now_s - LIBRARY_UNUSED_S - 1, "foreign": 1})
    await admin.zadd(keys.LIBRARIES, {used.name: now_s})
    async with open_venue(redis_url) as newer:
        await newer.buy(1, 90)
    assert await names_of(admin) == sorted(["foreign", present.name, used.name])
    assert (await venue.buy(1, 90)).status is OrderStatus.NEW


async def test_data_of_a_newer_format_is_refused(redis_url: str, admin: Any) -> None:
    """Nothing is written, and the sentence says what to do."""
    async with open_venue(redis_url) as venue:
        await venue.buy(1, 90)
    await admin.set(keys.FORMAT, FORMAT + 1)
    before = await admin.get(keys.LAST_COMMAND)
    engine = await Engine.open(address_of(redis_url))
    for command in (engine.ready(), engine.cancel_all(ALICE)):
        with pytest.raises(ConfigurationError, match=rf"format {FORMAT + 1}.*newer version"):
            await command
    await engine.close()
    assert await admin.get(keys.LAST_COMMAND) == before


@pytest.fixture
def stored_venue(tmp_path: Path) -> Iterator[RedisServer]:
    """A server with the data of a venue of format 1."""
    folder = tmp_path / "redis"
    folder.mkdir(parents=True)
    with gzip.open(STORED, "rb") as packed, (folder / "appendonly.aof").open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    with RedisServer(folder) as server:
        yield server


async def test_data_of_format_1_is_upgraded(stored_venue: RedisServer) -> None:
    """Stored data of the version before is opened: lists, orders and balances are as they were."""
    async with open_client(stored_venue) as client:
        accounts = sorted(name.decode() for name in await client.smembers(keys.ACCOUNTS))
        listed = {name: await old_lists(client, name) for name in accounts}
        assert sum(len(orders) for orders, _ in listed.values()) > 100
        assert await client.get(keys.FORMAT) is None
        engine = await Engine.open(address_of(stored_venue.url))
        await engine.ready()
        queries = Queries(engine.batcher)
        for name in accounts:
            assert await new_lists(queries, Account(name)) == listed[name]
            assert await client.exists(keys.order_history(name), keys.fill_history(name)) == 0
        assert int(await client.get(keys.FORMAT)) == FORMAT
        canceled = [len(await engine.cancel_all(Account(name))) for name in accounts]
        assert sum(canceled) > 0, "open orders of format 1 are canceled"
        await engine.close()


async def test_a_venue_of_format_1_verifies_after_its_upgrade(stored_venue: RedisServer) -> None:
    """Its old candles have no taker volumes; candles of later trades have, in the same hour too."""
    address = address_of(stored_venue.url)
    engine = await Engine.open(address)
    async with open_client(stored_venue) as client, open_replica() as replica:
        stored = await client.hget(keys.candle_now(SOL), "60")
        assert stored.count(b"|") == 9, "a candle of format 1 has ten values"
        await engine.ready()
        engine.clock_us = str((int(stored.split(b"|")[0]) + 60) * 1_000_000)
        for name, side in (("maker-cy", Side.SELL), ("maker-di", Side.BUY)):
            order = order_command(side, 300, 15_009, symbol=SOL, account=Account(name))
            await engine.place(order)
        assert (await client.hget(keys.candle_now(SOL), "60")).count(b"|") == 11
        assert await client.hget(keys.candle_now(SOL), "3600") is not None
        verdict = await verify_venue(client, replica, lambda _: None)
        assert verdict.difference is None
        assert verdict.state is not None
        assert verdict.state.differences == []
        assert verdict.state.equal["candle_now"] == 3
    await engine.close()


def open_client(server: RedisServer) -> Any:
    """A client with the password of the server."""
    return redis.asyncio.Redis.from_url(server.url)


async def old_lists(client: Any, account: str) -> tuple[list[str], list[str]]:
    """The ids of all orders, and the fills, as format 1 lists them; oldest first."""
    orders = await client.xrange(keys.order_history(account))
    fills = await client.xrange(keys.fill_history(account))
    lines = [line for _, fields in fills for line in fields[b"fills"].decode().split(";")]
    return (
        [entry_id.decode().partition("-")[0] for entry_id, _ in orders],
        [",".join(line.split(",")[:6]) for line in lines],
    )


async def new_lists(queries: Queries, account: Account) -> tuple[list[str], list[str]]:
    """The same as the venue lists them now."""
    history = await queries.history(account, None, 100_000)
    fills = await queries.fills(account, None, 100_000)
    lines = [
        f"{item.order_id},{item.symbol},{item.side},{item.fill.seq},{item.fill.price_ticks},"
        f"{item.fill.quantity_lots}"
        for _, items in fills.commands
        for item in items
    ]
    return [str(order.order_id) for _, order in history.orders][::-1], lines[::-1]
