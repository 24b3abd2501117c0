"""A gateway over WebSocket that answers what a test tells it to: for faults that a real one lacks.

Misuse: never to test matching.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tapewire.client import OrderEntry, RestOptions
from tapewire.client.addresses import ServiceAddress
from tests.support.transport.order_replies import ORDER

HELLO = {
    "type": "connected", "service": "order-gateway", "account": "alice",
    "cancel_on_disconnect": False, "in_flight_max": 4, "message_bytes_max": 1_000,
}  # fmt: skip
SOCKET_OPTIONS = RestOptions(
    account="alice", retry_delay_s=0.01, retry_delay_max_s=0.02, attempts_max=3
)

Play = Callable[["ScriptedSocket", ServerConnection], Awaitable[None]]


@dataclass(slots=True)
class ScriptedSocket:
    """What came in: the connections, and every request with the number of its connection."""

    url: str = ""
    connections: int = 0
    requests: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    refuse: HTTPStatus | None = None

    async def take(self, socket: ServerConnection) -> dict[str, Any]:
        """The next request."""
        request: dict[str, Any] = json.loads(await socket.recv())
        self.requests.append((self.connections, request))
        return request

    async def answer_all(self, socket: ServerConnection) -> None:
        """Take and answer requests until the client goes."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.answer(socket, await self.take(socket))

    async def answer(self, socket: ServerConnection, request: dict[str, Any]) -> None:
        """Say that an order was placed; its id is that of the request."""
        result = ORDER | {"order_id": str(request["id"])}
        await socket.send(json.dumps({"id": request["id"], "status": 201, "result": result}))


@asynccontextmanager
async def gateway_that(
    play: Play, hello: dict[str, Any] = HELLO, refuse: HTTPStatus | None = None
) -> AsyncIterator[tuple[ScriptedSocket, OrderEntry]]:
    """A gateway that plays every connection, and an order entry that is not connected yet."""
    gateway = ScriptedSocket(refuse=refuse)

    async def handle(socket: ServerConnection) -> None:
        gateway.connections += 1
        await socket.send(json.dumps(hello))
        await play(gateway, socket)

    def admit(socket: ServerConnection, _: Request) -> Response | None:
        if gateway.refuse is None:
            return None
        body = json.dumps({"code": "key_revoked", "detail": "This API key was revoked."})
        return socket.respond(gateway.refuse, body)

    async with serve(handle, "127.0.0.1", 0, process_request=admit) as server:
        port = server.sockets[0].getsockname()[1]
        gateway.url = f"http://127.0.0.1:{port}"
        entry = OrderEntry(ServiceAddress(gateway.url), SOCKET_OPTIONS)
        try:
            yield gateway, entry
        finally:
            await entry.aclose()
