"""Clients of the Binance streams: one reads messages, one keeps a book by the rules of Binance."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

MESSAGE_TIMEOUT_S = 20.0


class StreamReader:
    """One connection; messages are kept until a test asks for them."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._next_id = 0

    async def receive(self) -> Any:
        """The next message."""
        async with asyncio.timeout(MESSAGE_TIMEOUT_S):
            return json.loads(await self.connection.recv())

    async def until(self, wanted: Callable[[Any], bool]) -> Any:
        """The next message that is wanted; others are passed over."""
        while True:
            message = await self.receive()
            if wanted(message):
                return message

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of a type."""
        message: dict[str, Any] = await self.until(
            lambda found: isinstance(found, dict) and found.get("e") == kind
        )
        return message

    async def send(self, text: str) -> Any:
        """Send a text as it is; returns the next answer."""
        await self.connection.send(text)
        return await self.until(lambda found: isinstance(found, dict) and "id" in found)

    async def ask(self, method: str, *params: object, **more: object) -> Any:
        """Send a request; returns its answer."""
        self._next_id += 1
        request = {"method": method, "params": list(params), "id": self._next_id} | more
        answer = await self.send(json.dumps(request))
        assert answer["id"] == request["id"], answer
        return answer


@asynccontextmanager
async def streaming(url: str, path: str) -> AsyncIterator[StreamReader]:
    """A connection to `path` until the block ends."""
    async with connect(
        url + path, compression=None, ping_interval=None, close_timeout=1.0, max_queue=None
    ) as connection:
        yield StreamReader(connection)


class Resync(Exception):
    """An update does not follow the book, so that the client reads the book again."""


@dataclass(slots=True)
class BinanceBook:
    """A book kept as Binance tells clients to: a snapshot, then the differences that follow."""

    seq: int | None = None
    bids: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)
    events: int = 0
    _buffered: list[dict[str, Any]] = field(default_factory=list)
    _last: int | None = None

    def take_snapshot(self, seq: int, bids: dict[str, str], asks: dict[str, str]) -> None:
        """Start from a book as of update `seq`. Raises Resync if a difference is missing."""
        self.seq, self.bids, self.asks = seq, dict(bids), dict(asks)
        buffered, self._buffered = self._buffered, []
        for event in buffered:
            self._apply(event)

    def take(self, event: dict[str, Any]) -> None:
        """Take the next event. Raises Resync if it does not follow the one before."""
        if self._last is not None and event["U"] != self._last + 1:
            raise Resync(f"U is {event['U']} after u {self._last}")
        self._last = event["u"]
        self.events += 1
        if self.seq is None:
            self._buffered.append(event)
        else:
            self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        assert self.seq is not None
        if event["u"] <= self.seq:
            return
        if event["U"] > self.seq + 1:
            raise Resync(f"the book of {self.seq} is older than the difference of {event['U']}")
        self.seq = event["u"]
        for side, levels in ((self.bids, event["b"]), (self.asks, event["a"])):
            for price, quantity in levels:
                if float(quantity) == 0:
                    side.pop(price, None)
                else:
                    side[price] = quantity
