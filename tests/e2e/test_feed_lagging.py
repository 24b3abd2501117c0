"""Clients that do not read, that vanish or that flood do not affect other clients."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.reading import (
    SMALL_BUFFER_BYTES,
    FastReader,
    accounted,
    connected,
    fast_reader,
    receive,
    receive_all,
    receive_type,
)
from tests.support.feeds.traffic import make_trades
from tests.support.venue import BTC, Venue, open_venue
from tests.support.wait import wait_until

pytestmark = pytest.mark.timeout(300)

READERS = 200
READ_TIMEOUT_S = 120.0
TRADES = 4_000
LAG_MESSAGES_MAX = 500
STEP_TRADES = LAG_MESSAGES_MAX // 2
VANISHING = 1_000
POLICIES = ("disconnect", "conflate", "skip")


@dataclass(frozen=True, slots=True)
class Market:
    """A venue with one market-data process."""

    venue: Venue
    feed: FeedProcess


@pytest_asyncio.fixture
async def market(redis_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """A process with a small lag limit."""
    async with (
        open_venue(redis_url) as venue,
        running_feed(redis_url, tmp_path, LAG_MESSAGES_MAX=str(LAG_MESSAGES_MAX)) as feed,
    ):
        yield Market(venue, feed)


async def test_clients_that_do_not_read_are_accounted_for_exactly(market: Market) -> None:
    """200 readers get every trade while three stall; these get exact notices of what they miss."""
    async with AsyncExitStack() as stack:
        stalled = {
            policy: await stack.enter_async_context(
                connected(market.feed.url, f"?on_lag={policy}", buffer_bytes=SMALL_BUFFER_BYTES)
            )
            for policy in POLICIES
        }
        for client in stalled.values():
            await receive_type(client, "connected")
        readers = [await fast_reader(market.feed.port) for _ in range(READERS)]
        for reader in readers:
            assert reader.transport is not None
            stack.callback(reader.transport.abort)
        everything = list(range(1, TRADES + 1))
        trading = asyncio.create_task(_trade_as_fast_as_they_read(market.venue, readers))

        async def is_one_gone() -> bool:
            return (await market.feed.health())["active_connections"] == READERS + 2

        # It reads again in time to be told why it is closed.
        await wait_until(is_one_gone, "a stalled client is given up", READ_TIMEOUT_S)
        messages, code = await receive_all(stalled["disconnect"])
        await trading
        assert [trade["seq"] for trade in await market.venue.trades()] == everything
        assert all(reader.seqs == everything for reader in readers)

        assert code == 4008
        error = messages[-1]
        assert (error["type"], error["code"]) == ("error", "slow_consumer")
        came, missed = accounted(messages)
        assert missed == []
        assert error["since"] == {BTC: came[-1]}
        assert came[-1] <= TRADES - LAG_MESSAGES_MAX

        for policy in ("conflate", "skip"):
            messages = []
            while not messages or _last(messages[-1]) < TRADES:
                messages.append(await receive(stalled[policy]))
            came, missed = accounted(messages)
            assert sorted(came + missed) == everything
            assert len(missed) >= LAG_MESSAGES_MAX
            await stalled[policy].send('{"op":"ping"}')
            await receive_type(stalled[policy], "pong")


async def _trade_as_fast_as_they_read(venue: Venue, readers: list[FastReader]) -> None:
    """Make the trades in steps, each when every reader has those before: no reader can lag."""
    for made in range(STEP_TRADES, TRADES + 1, STEP_TRADES):
        await make_trades(venue, STEP_TRADES)
        await wait_until(partial(_have_read, readers, made), "all have read", READ_TIMEOUT_S)


def _have_read(readers: list[FastReader], count: int) -> bool:
    return all(len(reader.seqs) >= count for reader in readers)


def _last(message: dict[str, object]) -> int:
    """The seq that a trade or gap reaches; 0 for other messages."""
    data = message.get("data")
    found = data.get("seq") if isinstance(data, dict) else message.get("to")
    return found if isinstance(found, int) else 0


async def test_clients_that_vanish_leave_nothing_behind(market: Market) -> None:
    """The sessions of a thousand connections that end without a close frame are removed."""
    feed = market.feed
    async with connected(feed.url) as witness:
        await receive(witness)
        for _ in range(VANISHING // 100):
            readers = await asyncio.gather(*(fast_reader(feed.port) for _ in range(100)))
            for reader in readers:
                assert reader.transport is not None
                reader.transport.abort()
        await make_trades(market.venue, 3)
        assert (await receive_type(witness, "trade"))["data"]["seq"] == 1

        async def alone() -> bool:
            return (await feed.health())["active_connections"] == 1

        await wait_until(alone, "only the witness is left")


async def test_floods_and_huge_messages_end_only_their_sender(market: Market) -> None:
    """A flood of requests is refused and closed 4500, a message of 1 MB closed 1009."""
    feed = market.feed
    async with connected(feed.url) as witness, connected(feed.url) as huge:
        await receive_type(witness, "connected")
        async with connected(feed.url, "?channels=") as flood:
            request = json.dumps({"op": "subscribe", "symbols": [BTC]})
            for _ in range(200):
                await flood.send(request)
            messages, code = await receive_all(flood)
            assert code == 4500
            answers = [message["type"] for message in messages]
            assert answers.count("subscribed") >= 50
            codes = [message["code"] for message in messages if message["type"] == "error"]
            assert codes == ["rate_limited"] * 10
        await huge.send("x" * 1_000_000)
        _, code = await receive_all(huge)
        assert code == 1009
        await make_trades(market.venue, 3)
        for seq in (1, 2, 3):
            assert (await receive_type(witness, "trade"))["data"]["seq"] == seq
