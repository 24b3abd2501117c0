"""A WebSocket client over a plain socket, able to break every rule of RFC 6455 on purpose."""

import contextlib
import json
import os
import socket
import ssl
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
TIMEOUT_S = 30.0


class RawFrame(NamedTuple):
    """A frame as it came."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """The code of a close frame."""
        assert self.opcode == CLOSE, f"no close frame: {self}"
        return int.from_bytes(self.payload[:2])


def next_frame(data: bytes, start: int = 0) -> tuple[RawFrame, int] | None:
    """The frame of a server at `start` and where it ends; None if it has not come whole."""
    if len(data) < start + 2:
        return None
    first, second = data[start : start + 2]
    assert first & 0x70 == 0, "reserved bits"
    assert second & 0x80 == 0, "a server does not mask"
    start += 2
    size = second
    if second >= 126:
        length_bytes = 2 if second == 126 else 8
        size = int.from_bytes(data[start : start + length_bytes])
        start += length_bytes
    if len(data) < start + size:
        return None
    return RawFrame(first & 0x0F, data[start : start + size]), start + size


def parse_frames(data: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a run of text frames that is whole."""
    messages = []
    start = 0
    while start < len(data):
        found = next_frame(data, start)
        assert found is not None, "the last frame is cut"
        frame, start = found
        assert frame.opcode == TEXT, f"no text: {frame}"
        messages.append(json.loads(frame.payload))
    return messages


class RawWebSocket:
    """One connection; every read is bounded by `TIMEOUT_S`."""

    def __init__(
        self,
        port: int,
        path: str,
        *,
        receive_buffer_bytes: int | None = None,
        headers: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connect and shake hands with further header lines; `status` tells how that went."""
        more = "".join(f"{line}\r\n" for line in headers)
        self.socket = socket.socket()
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(("127.0.0.1", port))
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.buffer = b""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.head = head.decode("latin-1")

    def __enter__(self) -> Self:
        """Use as a context manager, so that no socket is left open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the TCP connection without a word."""
        self.socket.close()

    def _fill(self) -> None:
        data = self.socket.recv(1 << 20)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer += data

    def send(self, opcode: int, payload: bytes = b"", *, first_bits: int = 0x80) -> None:
        """Send a masked frame; `first_bits` are FIN and the reserved bits."""
        self.socket.sendall(self.frame(opcode, payload, first_bits=first_bits))

    @staticmethod
    def frame(opcode: int, payload: bytes, *, first_bits: int = 0x80) -> bytes:
        """Return a masked frame."""
        size = len(payload)
        if size < 126:
            head = bytes((first_bits | opcode, 0x80 | size))
        elif size < 65_536:
            head = struct.pack("!BBH", first_bits | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", first_bits | opcode, 0x80 | 127, size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        return head + mask + masked

    def send_text(self, text: str) -> None:
        """Send a text message."""
        self.send(TEXT, text.encode())

    def receive(self) -> RawFrame:
        """Return the next frame. Raises EOFError at the end and TimeoutError when none comes."""
        while (found := next_frame(self.buffer)) is None:
            self._fill()
        frame, end = found
        self.buffer = self.buffer[end:]
        return frame

    def receive_text(self) -> str:
        """Return the next message, which must be text."""
        frame = self.receive()
        assert frame.opcode == TEXT, f"no text: {frame}"
        return frame.payload.decode()

    def receive_end(self) -> None:
        """Wait until the server has closed the TCP connection; nothing else may come."""
        data = self.buffer or self.socket.recv(1)
        assert data == b"", f"more came: {data[:80]!r}"

    def receive_rest(self) -> bytes:
        """Return what comes until the server ends the connection, by closing or resetting it."""
        data = self.buffer
        with contextlib.suppress(ConnectionResetError):
            while received := self.socket.recv(1 << 20):
                data += received
        return data

    def drop(self) -> None:
        """Reset the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
