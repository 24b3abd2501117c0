"""Both services as processes on one Redis, and WebSocket clients that keep every message."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.running.processes import Service, running_gateway, running_market_data
from tests.support.wait import TIMEOUT_S, wait_until

REQUEST_TIMEOUT_S = 30.0
FEED_PATH = "/ws/market-data"


@dataclass(frozen=True, slots=True)
class WholeVenue:
    """Two running processes."""

    redis_url: str
    gateway: Service
    market_data: Service

    @property
    def feed_url(self) -> str:
        """Where WebSocket clients connect."""
        return self.market_data.websocket_url + FEED_PATH


@contextmanager
def running_venue(redis_url: str, folder: Path, **variables: str) -> Iterator[WholeVenue]:
    """Run both until the block ends."""
    with (
        running_gateway(redis_url, folder, variables) as gateway,
        running_market_data(redis_url, folder, variables) as market_data,
    ):
        yield WholeVenue(redis_url, gateway, market_data)


@dataclass(slots=True)
class Reader:
    """One client; a task appends each message to `messages`."""

    connection: ClientConnection
    messages: list[dict[str, Any]] = field(default_factory=list)
    closed_with: int | None = None

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type, oldest first."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def trades(self) -> list[dict[str, Any]]:
        """The received trades, oldest first."""
        return [message["data"] for message in self.of_type("trade")]

    @property
    def trade_count(self) -> int:
        """Number of received trades."""
        return sum(message["type"] == "trade" for message in self.messages)

    async def wait_for_trades(self, count: int, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until `count` trades have been received."""
        await wait_until(
            lambda: self.trade_count >= count, f"a client has {count} trades", timeout_s
        )

    async def read(self) -> None:
        """Keep messages until the connection ends."""
        with contextlib.suppress(ConnectionClosed):
            async for text in self.connection:
                self.messages.append(json.loads(text))
        self.closed_with = self.connection.close_code


@asynccontextmanager
async def reader(url: str) -> AsyncIterator[Reader]:
    """Connect a client that reads, and wait for its hello."""
    async with connect(url, open_timeout=30, close_timeout=1, max_queue=None) as connection:
        client = Reader(connection)
        task = asyncio.create_task(client.read())
        await wait_until(lambda: client.messages, "the client is greeted")
        assert client.messages[0]["type"] == "connected"
        try:
            yield client
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


def order_body(side: str, **changes: str) -> dict[str, str]:
    """A limit order for the smallest notional at one price, so that opposite sides meet."""
    body = {
        "symbol": "BTC-USDT",
        "side": side,
        "order_type": "limit",
        "quantity": "0.001",
        "price": "60000.00",
    }
    return body | changes


@asynccontextmanager
async def rest_client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of one service."""
    async with httpx.AsyncClient(base_url=service.url, timeout=REQUEST_TIMEOUT_S) as client:
        yield client
