"""A market-data process and accounts that trade, for tests of the private channels."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection

from tapewire import keys
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.reading import connected, receive, receive_type
from tests.support.reference.account_events import AccountBook
from tests.support.venue import Venue

QUICK = {"CANARY_INTERVAL_S": "0.1", "POLL_TIMEOUT_S": "0.05"}
BOTH = "?channels=orders,balances"


class AccountBench:
    """One process on one Redis."""

    def __init__(self, venue: Venue, feed: FeedProcess) -> None:
        """Made by `account_bench`."""
        self.venue = venue
        self.feed = feed

    async def account(self, name: str) -> AccountBook:
        """An account of this venue, in its present epoch."""
        client: Any = self.venue.client
        return AccountBook(self.venue.client, name, (await client.get(keys.EPOCH)).decode())

    async def figures(self) -> dict[str, float]:
        """The text of `/metrics`."""
        async with httpx.AsyncClient(trust_env=False) as client:
            reply = await client.get(f"http://127.0.0.1:{self.feed.port}/metrics")
        lines = (line.split() for line in reply.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    @asynccontextmanager
    async def listening(
        self, name: str, query: str = BOTH, **more: Any
    ) -> AsyncIterator[ClientConnection]:
        """A connection that is authenticated for an account."""
        headers = {"X-Account": name}
        async with connected(self.feed.url, query, headers=headers, **more) as connection:
            yield connection


@asynccontextmanager
async def account_bench(
    venue: Venue, url: str, folder: Path, auth: str = "open", **variables: str
) -> AsyncIterator[AccountBench]:
    """A process until the block ends; `variables` as for `running_feed`."""
    async with running_feed(url, folder, auth, **(QUICK | variables)) as feed:
        yield AccountBench(venue, feed)


async def ask(connection: ClientConnection, **request: Any) -> dict[str, Any]:
    """Send a request; return its answer, and skip earlier messages."""
    await connection.send(json.dumps({"id": 7} | request))
    async with asyncio.timeout(10):
        while True:
            message = await receive(connection)
            if message.get("id") == 7:
                return message


async def reports(connection: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next messages of the channel `orders`; other messages are skipped."""
    return [await receive_type(connection, "order") for _ in range(count)]


def seqs(messages: Iterable[dict[str, Any]]) -> list[int]:
    """Their numbers."""
    return [message["seq"] for message in messages]
