"""Reads the feed without the client library: message by message, or fast enough for 200 readers."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tapewire.wire.feed_messages import UnknownMessage, decode_message
from tests.support.structures import assert_described

MESSAGE_TIMEOUT_S = 30.0
SMALL_BUFFER_BYTES = 4_096

_HANDSHAKE = (
    b"GET /ws/market-data HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_TRADE = re.compile(rb'"type":"trade","data":\{[^}]*"seq":([0-9]+)')
_TRADE_END = b'"}}'


def checked(text: str | bytes) -> dict[str, Any]:
    """One message. Raises AssertionError unless its model describes every member."""
    document: dict[str, Any] = json.loads(text)
    message = decode_message(text)
    assert not isinstance(message, UnknownMessage), document
    assert_described(message, document)
    return document


@asynccontextmanager
async def connected(
    url: str,
    query: str = "",
    *,
    buffer_bytes: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[ClientConnection]:
    """A plain connection; `buffer_bytes` bounds the kernel's receive buffer of a slow client."""
    port = int(url.rpartition(":")[2])
    with socket.socket() as plain:
        if buffer_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        async with connect(
            f"{url}/ws/market-data{query}",
            sock=plain,
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            close_timeout=1.0,
            max_queue=1 if buffer_bytes is not None else 16,
        ) as connection:
            yield connection


async def receive(connection: ClientConnection) -> dict[str, Any]:
    """The next message, checked against its model."""
    async with asyncio.timeout(MESSAGE_TIMEOUT_S):
        return checked(await connection.recv())


async def receive_type(connection: ClientConnection, *types: str) -> dict[str, Any]:
    """The next message of one of these types; other messages are skipped."""
    while True:
        message = await receive(connection)
        if message["type"] in types:
            return message


async def receive_all(connection: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """All messages up to the close, and the close code."""
    messages = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            messages.append(await receive(connection))
    assert connection.close_code is not None
    return messages, connection.close_code


def accounted(messages: Iterable[dict[str, Any]]) -> tuple[list[int], list[int]]:
    """The seqs of one symbol that arrived, and the seqs of gap notices; both must be in order."""
    came: list[int] = []
    missed: list[int] = []
    last = 0
    for message in messages:
        if message["type"] == "trade":
            first, end = message["data"]["seq"], message["data"]["seq"]
            came.append(first)
        elif message["type"] == "gap":
            first, end = message["from"], message["to"]
            missed += range(first, end + 1)
        else:
            continue
        assert first == last + 1, f"{first} after {last}"
        last = end
    return came, missed


class FastReader(asyncio.Protocol):
    """Follows all trades and keeps only their seqs."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.transport: asyncio.Transport | None = None
        self.answered = asyncio.Event()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(_HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        """Find the complete trades in the received bytes."""
        data = self._rest + data
        if not self.answered.is_set() and b'"connected"' in data:
            assert b" 101 " in data
            self.answered.set()
        end = data.rfind(_TRADE_END) + len(_TRADE_END)
        self.seqs += map(int, _TRADE.findall(data, 0, end))
        self._rest = data[max(end, 0) :] if end >= len(_TRADE_END) else data


async def fast_reader(port: int) -> FastReader:
    """A reader after its hello; abort its transport in the end."""
    loop = asyncio.get_running_loop()
    _, reader = await loop.create_connection(FastReader, "127.0.0.1", port)
    async with asyncio.timeout(MESSAGE_TIMEOUT_S):
        await reader.answered.wait()
    return reader
