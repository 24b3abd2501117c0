"""A feed that follows a script of the test, for faults that a real feed does not show.

Only for tests of clients, never for tests of the service.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


class FeedConnection:
    """One connection of a client: its number, and the two directions."""

    def __init__(self, number: int, socket: ServerConnection) -> None:
        self.number = number
        self._socket = socket

    async def send(self, *messages: dict[str, Any]) -> None:
        """Send messages in order."""
        for message in messages:
            await self._socket.send(json.dumps(message))

    async def send_text(self, text: str) -> None:
        """Send text that may be no valid message."""
        await self._socket.send(text)

    async def close(self, code: int, reason: str = "") -> None:
        """Close with a code."""
        await self._socket.close(code, reason)

    async def wait_closed(self) -> None:
        """Wait until the client has disconnected."""
        await self._socket.wait_closed()


Play = Callable[[FeedConnection, dict[str, Any]], Awaitable[None]]
"""Answers one connection and its request."""


@dataclass(slots=True)
class ScriptedFeed:
    """`url` to connect to, `requests` in their order; `refuse` answers upgrades with a status."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    refuse: HTTPStatus | None = None


@asynccontextmanager
async def scripted_feed(play: Play) -> AsyncIterator[ScriptedFeed]:
    """Serve until the block ends; a connection ends when `play` returns."""
    feed = ScriptedFeed()

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        feed.paths.append(request.path)
        feed.keys.append(request.headers.get("Authorization"))
        return None if feed.refuse is None else socket.respond(feed.refuse, "")

    async def handle(socket: ServerConnection) -> None:
        request = json.loads(await socket.recv())
        feed.requests.append(request)
        await play(FeedConnection(len(feed.requests), socket), request)

    async with serve(handle, "127.0.0.1", 0, process_request=admit) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        feed.url = f"ws://127.0.0.1:{port}"
        yield feed
