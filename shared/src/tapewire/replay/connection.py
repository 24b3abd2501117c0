"""One keep-alive HTTP/1.1 connection that may send ahead: answers come in the order of requests.

A general client costs more per request than the gateway itself, and none of the usual ones sends a
second request before the first is answered. HTTP/1.1 answers in order, and a gateway worker takes
the next request of a connection only after it answered the one before, so order is kept.
"""

import json
import socket
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from tapewire.replay.steps import ReplayError

CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 30.0
HEADER_LINES_MAX = 64
HEADER_LINE_BYTES_MAX = 8_192
BODY_BYTES_MAX = 16_777_216


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `body` is its JSON object."""

    status: int
    body: dict[str, Any]


class GatewayConnection:
    """Sends requests and receives their answers, in order; connects when the first one is sent."""

    def __init__(self, url: str) -> None:
        """Take the gateway's base URL. Raises ReplayError if it is not http://HOST[:PORT]."""
        parts = urlsplit(url)
        try:
            port = parts.port or 80
        except ValueError as error:
            raise ReplayError(f"{url}: {error}") from None
        if parts.scheme != "http" or not parts.hostname or parts.path not in {"", "/"}:
            raise ReplayError(f"{url} is not the URL of a gateway: it must be http://HOST:PORT")
        self.url = url
        self._address = (parts.hostname, port)
        self._host = parts.netloc.rpartition("@")[2]
        self._socket: socket.socket | None = None
        self._reader: BinaryIO | None = None

    def send(self, method: str, path: str, account: str, body: object = None) -> None:
        """Send one request, with `body` as JSON unless it is None. Raises ReplayError."""
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nX-Account: {account}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        try:
            self._connected().sendall(head.encode() + b"\r\n" + content)
        except OSError as error:
            raise ReplayError(f"cannot reach the gateway at {self.url}: {error}") from None

    def receive(self) -> Reply:
        """Wait for the oldest answer that is due. Raises ReplayError."""
        if self._reader is None:
            raise ReplayError("no request is waiting for an answer")
        try:
            return self._read(self._reader)
        except (OSError, ValueError) as error:
            raise ReplayError(f"no answer from the gateway at {self.url}: {error}") from None

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._reader is not None:
            self._reader.close()
        if self._socket is not None:
            self._socket.close()
        self._reader = self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, CONNECT_TIMEOUT_S)
            self._socket.settimeout(REPLY_TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = self._socket.makefile("rb")
        return self._socket

    @staticmethod
    def _read(reader: BinaryIO) -> Reply:
        """Parse one answer. Raises ValueError for anything but JSON with a known length."""
        status_line = reader.readline(HEADER_LINE_BYTES_MAX)
        if not status_line:
            raise ValueError("it closed the connection")
        version, status, *_ = status_line.split(maxsplit=2)
        if version != b"HTTP/1.1":
            raise ValueError(f"it does not speak HTTP/1.1: {status_line[:40]!r}")
        length = None
        for _ in range(HEADER_LINES_MAX):
            name, _, value = reader.readline(HEADER_LINE_BYTES_MAX).partition(b":")
            if not name.strip():
                break
            if name.lower() == b"content-length":
                length = int(value)
        if length is None or not 0 <= length <= BODY_BYTES_MAX:
            raise ValueError("its answer has no usable Content-Length")
        content = reader.read(length)
        if len(content) < length:
            raise ValueError("it closed the connection in the middle of an answer")
        document = json.loads(content)
        return Reply(int(status), document if isinstance(document, dict) else {"": document})
