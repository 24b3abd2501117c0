"""A snapshot of a running Redis server: the data that the server sends to a new replica.

`SYNC` of the replication protocol answers with an RDB file of one moment. The server goes on
serving meanwhile; it forks, as for `BGSAVE`.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import BinaryIO

from redis.exceptions import RedisError

from tapewire.errors import RedisUnavailable
from tapewire.redis.client import RedisAddress, find_primary, open_subscriber

# The first bytes of an RDB file, by server.
RDB_MAGIC = (b"REDIS", b"VALKEY")
CHUNK_BYTES = 1 << 20
LINE_BYTES_MAX = 1_024
# A server without a disk sends no length but a mark of this many bytes, and the mark at the end.
MARK_BYTES = 40
EOF_PREFIX = b"$EOF:"


def receive_snapshot(address: RedisAddress, file: BinaryIO) -> int:
    """Write the RDB file of the venue's primary to `file`; returns its length in bytes.

    `address.timeout_s` bounds every wait for the next byte. Raises RedisUnavailable if the server
    refuses, stops answering, or ends the stream early; and OSError of `file`.
    """
    primary = asyncio.run(find_primary(address))
    client = open_subscriber(address, primary)
    try:
        connection = client.connection_pool.get_connection()
        connection.send_command("SYNC")  # type: ignore[no-untyped-call]
        # Behind the command the server speaks the replication protocol, which redis-py does not.
        stream: socket.socket | None = connection._sock  # noqa: SLF001
        if stream is None:
            raise RedisUnavailable(f"Redis at {address.shown} closed the connection")
        return _copy(_Reader(stream), file)
    except (RedisError, TimeoutError, ConnectionError) as error:
        raise RedisUnavailable(f"Redis at {address.shown} sent no snapshot: {error}") from None
    finally:
        with contextlib.suppress(RedisError, OSError):
            client.close()


class _Reader:
    """Bytes of a socket: single lines first, then blocks."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._buffer = b""

    def line(self) -> bytes:
        """The next line without its end. Raises RedisUnavailable for one without an end."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > LINE_BYTES_MAX:
                raise RedisUnavailable("the answer to SYNC is not of the replication protocol")
            self._buffer += self._receive()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def blocks(self) -> Iterator[bytes]:
        """Everything that follows, as it comes."""
        if self._buffer:
            yield self._buffer
            self._buffer = b""
        while True:
            yield self._receive()

    def _receive(self) -> bytes:
        block = self._stream.recv(CHUNK_BYTES)
        if not block:
            raise RedisUnavailable("the server closed the connection before the snapshot ended")
        return block


def _copy(reader: _Reader, file: BinaryIO) -> int:
    head = b""
    while not head:  # empty lines keep the connection alive while the server prepares the snapshot
        head = reader.line()
    if head.startswith(b"-"):
        raise RedisUnavailable(f"the server refused: {head[1:].decode('utf-8', 'replace')}")
    if head.startswith(EOF_PREFIX):
        return _copy_to_mark(reader, file, head[len(EOF_PREFIX) :])
    if not head.startswith(b"$") or not head[1:].isdigit():
        raise RedisUnavailable("the answer to SYNC is not of the replication protocol")
    return _copy_length(reader, file, int(head[1:]))


def _copy_length(reader: _Reader, file: BinaryIO, length: int) -> int:
    left = length
    for block in reader.blocks():
        # Commands that came after the snapshot follow it at once.
        file.write(block[:left])
        left -= min(len(block), left)
        if not left:
            break
    return length


def _copy_to_mark(reader: _Reader, file: BinaryIO, mark: bytes) -> int:
    if len(mark) != MARK_BYTES:
        raise RedisUnavailable("the answer to SYNC is not of the replication protocol")
    length, held = 0, b""
    for block in reader.blocks():
        held += block
        end = held.find(mark)
        if end >= 0:
            file.write(held[:end])
            return length + end
        safe = max(0, len(held) - MARK_BYTES)
        file.write(held[:safe])
        length, held = length + safe, held[safe:]
    raise AssertionError("blocks never end")
