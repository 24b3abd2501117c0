"""Bursts that the service makes itself (large messages, long replays) are no client lag."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio
from websockets.asyncio.client import ClientConnection

from tapewire import keys
from tests.support.feeds.account_feed import AccountBench, account_bench, ask
from tests.support.feeds.reading import connected, receive, receive_type
from tests.support.feeds.traffic import make_trades
from tests.support.venue import Venue

# More than the messages that a client may lag by default.
FILLS = 20_000
ACCOUNTS_LISTENING = 3
TIMEOUT_S = 60.0


@pytest_asyncio.fixture
async def bench(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[AccountBench]:
    """One market-data process."""
    async with account_bench(venue, redis_url, tmp_path) as opened:
        yield opened


async def read_numbers(connection: ClientConnection, **last: int) -> dict[str, list[int]]:
    """The numbers of the messages by type, up to the last one of each; fails at a gap or an error.

    Thousands of messages are not checked in every member, so that the test ends in time.
    """
    found: dict[str, list[int]] = {kind: [] for kind in last}
    async with asyncio.timeout(TIMEOUT_S):
        while any(not found[kind] or found[kind][-1] < last[kind] for kind in last):
            message = json.loads(await connection.recv())
            assert message["type"] not in {"gap", "error"}, message
            if message["type"] in last:
                body = message["data"] if message["type"] == "trade" else message
                found[message["type"]].append(body["seq"])
    return found


async def test_a_command_with_a_full_sweep_reaches_every_client(bench: AccountBench) -> None:
    """Clients that read get all reports of one message, under every lag policy."""
    alice = await bench.account("alice")
    async with AsyncExitStack() as stack:
        clients = []
        for policy in ("disconnect", "skip", "conflate"):
            query = f"?channels=orders&on_lag={policy}"
            clients.append(await stack.enter_async_context(bench.listening("alice", query)))
            await receive(clients[-1])
        await alice.place()
        await alice.fill([1] * FILLS)
        found = await asyncio.gather(*(read_numbers(client, order=FILLS + 2) for client in clients))
        assert [each["order"] for each in found] == [list(range(1, FILLS + 3))] * len(clients)
    assert (await bench.figures())["tapewire_slow_disconnects_total"] == 0


async def test_a_long_life_is_replayed_in_pages(bench: AccountBench) -> None:
    """Messages of 20,000 reports are resumed from any report on."""
    alice = await bench.account("alice")
    await alice.place(heard=False)
    await alice.fill([1] * FILLS, heard=False)
    await alice.place(3, heard=False)
    await alice.fill([1] * FILLS, heard=False)
    last = 2 * FILLS + 6
    assert alice.seq == last
    for since in (0, FILLS - 7, last - 1):
        query = f"?channels=orders&since=orders:{since}"
        async with bench.listening("alice", query) as connection:
            hello = await receive(connection)
            assert (hello["recovered"], hello["seq"]) == (True, {"orders": last})
            found = await read_numbers(connection, order=last)
            assert found["order"] == list(range(since + 1, last + 1))
    assert (await bench.figures())["tapewire_slow_disconnects_total"] == 0


async def test_live_trades_wait_for_a_long_replay(
    venue: Venue, redis_url: str, tmp_path: Path
) -> None:
    """More than the allowed lag comes live while a replay goes out: nothing is lost or doubled."""
    async with account_bench(venue, redis_url, tmp_path, LAG_MESSAGES_MAX="50") as bench:
        carol = await bench.account("carol")
        await carol.place(heard=False)
        await carol.fill([1] * FILLS, heard=False)
        query = "?channels=orders,trades,bbo&since=orders:0"
        async with bench.listening("carol", query) as connection:
            await receive_type(connection, "connected")
            trading = asyncio.create_task(make_trades(venue, 600))
            found = await read_numbers(connection, order=FILLS + 2, trade=600)
            await trading
            assert found["order"] == list(range(1, FILLS + 3))
            assert found["trade"] == list(range(1, 601))
            assert (await ask(connection, op="ping"))["type"] == "pong"


async def test_trades_that_come_while_an_account_is_opened_come_once(
    bench: AccountBench, venue: Venue
) -> None:
    """A resume of trades that waits for an account record sends no trade twice."""
    await make_trades(venue, 5)
    for number in range(ACCOUNTS_LISTENING):
        trading = asyncio.create_task(make_trades(venue, 200))
        headers = {"X-Account": f"account-{number}"}
        query = "?channels=orders,trades&since=BTC-USDT:5"
        async with connected(bench.feed.url, query, headers=headers) as connection:
            await receive_type(connection, "connected")
            await trading
            last = 5 + 200 * (number + 1)
            found = await read_numbers(connection, trade=last)
            assert found["trade"] == list(range(6, last + 1))


async def test_garbage_in_a_log_does_not_end_it(bench: AccountBench) -> None:
    """Log entries that are not messages are skipped, also a whole page of them."""
    alice = await bench.account("alice")
    await alice.place(2, heard=False)
    client: Any = bench.venue.client
    for number in range(1, 151):
        await client.xadd(keys.account_log("alice"), {"event": b"garbage"}, id=f"2-{number}")
    alice.balance_seq = 150
    await alice.place(2, heard=False)
    async with bench.listening("alice", "?channels=orders&since=orders:0") as connection:
        await receive(connection)
        assert (await read_numbers(connection, order=4))["order"] == [1, 2, 3, 4]
