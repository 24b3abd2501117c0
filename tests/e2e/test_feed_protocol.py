"""The feed's protocol with a real process: stop, AsyncAPI document, stale heartbeats."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from tapewire import keys
from tapewire.matching.treasury import Treasury
from tapewire.redis.server import RedisServer
from tapewire.values.account_types import AccountState
from tapewire.values.types import Account, MarketState
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.reading import accounted, connected, receive, receive_all, receive_type
from tests.support.feeds.traffic import make_short_log, make_trades
from tests.support.venue import BTC, ODD, Venue, open_venue

pytestmark = pytest.mark.timeout(120)

TRADES = 30
TRIMMED = 10
DRAINED = 40


@pytest_asyncio.fixture
async def venue(redis_url: str) -> AsyncIterator[Venue]:
    """A venue whose replay log has trades 11 to 30 of BTC, and 1 to 3 of ODD."""
    async with open_venue(redis_url) as opened:
        await make_short_log(opened, TRADES, TRIMMED)
        yield opened


@pytest_asyncio.fixture
async def feed(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[FeedProcess]:
    """A process that has seen none of those trades itself."""
    async with running_feed(redis_url, tmp_path, DRAIN_SPREAD_S="1.5") as process:
        yield process


async def test_the_end_of_a_process_is_announced(venue: Venue, feed: FeedProcess) -> None:
    """A stopping process is not ready, sends `reconnect` and all trades, then closes with 1012."""
    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(connected(feed.url, f"?since={ODD}:0"))
            for _ in range(DRAINED)
        ]
        # Every session is open, so that the spread is as long as it gets.
        for connection in connections:
            await receive(connection)
        feed.terminate()
        told = await receive_type(connections[0], "reconnect")
        assert told["since"] == {BTC: TRADES, ODD: 3, "HUGE": 0}
        assert told["within_ms"] == 1_500
        with pytest.raises(InvalidStatus) as refused:
            await stack.enter_async_context(connected(feed.url))
        assert refused.value.response.status_code == 503
        async with httpx.AsyncClient(trust_env=False) as http:
            ready = await http.get(f"http://127.0.0.1:{feed.port}/readyz")
        assert ready.status_code == 503
        await make_trades(venue, 2, ODD)
        ends = [await receive_all(connection) for connection in connections]
        assert {code for _, code in ends} == {1012}
        for number, (messages, _) in enumerate(ends):
            came, missed = accounted(messages) if number else ([], [])
            assert missed == []
            assert number == 0 or came[:3] == [1, 2, 3]
            assert number == 0 or "reconnect" in [message["type"] for message in messages]
        # The client that was closed last received the trades of the drain.
        assert max(len(accounted(messages)[0]) for messages, _ in ends[1:]) == 5
    assert await feed.ended() == 0


async def test_every_message_is_as_documented(venue: Venue, feed: FeedProcess) -> None:
    """The document describes every member of every message that a client receives."""
    async with httpx.AsyncClient(trust_env=False) as http:
        reply = await http.get(f"http://127.0.0.1:{feed.port}/asyncapi.json")
    document = reply.json()
    assert document["servers"]["feed"]["host"] == f"127.0.0.1:{feed.port}"
    requests: list[dict[str, Any]] = [
        {"op": "subscribe", "id": 1, "channels": ["book10", "bbo", "candles"], "symbols": [BTC]},
        {"op": "unsubscribe", "id": "two", "channels": ["bbo"], "symbols": [BTC]},
        {"op": "ping", "id": 3},
        {"op": "subscribe", "id": 4, "channels": ["nothing"]},
        {"op": "dance"},
        {"op": "authenticate", "id": 5, "account": "alice"},
        {"op": "subscribe", "id": 6, "channels": ["orders", "balances"]},
    ]
    seen: set[str] = set()
    client: Any = venue.client
    async with connected(feed.url, f"?since={BTC}:4") as connection:

        async def see(*types: str) -> None:
            async with asyncio.timeout(15):
                while not set(types) <= seen:
                    seen.add((await receive(connection))["type"])

        # Requests are refused as `busy` until what was missed has been sent.
        await see("connected", "trade")
        for request in requests:
            await connection.send(json.dumps(request))
        await see("subscribed", "unsubscribed", "pong", "error")
        await see("authenticated", "balances_snapshot")
        await make_trades(venue, 1)
        await see("book_snapshot", "bbo", "candle", "l2_update", "heartbeat")
        await see("order", "balances")
        await venue.engine.control_market(BTC, state=MarketState.POST_ONLY)
        await see("market")
        await Treasury(venue.engine).set_account(Account("alice"), state=AccountState.BLOCKED)
        await see("account")
        await client.set(keys.EPOCH, "another")
        await see("epoch")
        feed.terminate()
        await see("reconnect")
    # Two need a fault of their own: test_feed_lagging.py, and the test below. `venue` needs an
    # administrator: tests/integration/test_contest.py.
    elsewhere = {"request", "gap", "stale", "venue"}
    assert seen >= set(document["components"]["messages"]) - elsewhere


async def test_silence_of_redis_is_told(redis_server: RedisServer, tmp_path: Path) -> None:
    """Without Redis clients get `stale` instead of a heartbeat, afterwards heartbeats again."""
    limits = {"CANARY_TIMEOUT_S": "0.5", "CANARY_INTERVAL_S": "0.1"}
    async with (
        open_venue(redis_server.url),
        running_feed(redis_server.url, tmp_path, **limits) as feed,
        connected(feed.url) as connection,
    ):
        await receive_type(connection, "heartbeat")
        await asyncio.to_thread(redis_server.kill)
        await receive_type(connection, "stale")
        await asyncio.to_thread(redis_server.start)
        await receive_type(connection, "heartbeat")
