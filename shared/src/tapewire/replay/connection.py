"""One keep-alive HTTP/1.1 connection that may send ahead: answers come in the order of requests.

A general client costs more per request than the gateway itself, and none of the usual ones sends a
second request before the first is answered. HTTP/1.1 answers in order, and a gateway worker takes
the next request of a connection only after it answered the one before, so order is kept. Requests
are gathered until an answer is waited for: one system call carries many.
"""

import json
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tapewire.replay.steps import ReplayError

CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 30.0
RECEIVE_BYTES_MAX = 65_536
HEAD_BYTES_MAX = 65_536
BODY_BYTES_MAX = 16_777_216

_HEAD_END = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([0-9]{3})[ \r]")
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,8})[ \t]*\r\n", re.IGNORECASE)
_encode = json.JSONEncoder(separators=(",", ":")).encode


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
        self._outgoing = bytearray()
        self._incoming = bytearray()

    def send(self, method: str, path: str, account: str, body: object = None) -> None:
        """Add one request, with `body` as JSON unless it is None; `receive` sends it at last."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nX-Account: {account}\r\n"
        content = b""
        if body is not None:
            content = _encode(body).encode()
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        self._outgoing += head.encode() + b"\r\n" + content

    def receive(self) -> Reply:
        """Send what was added, then wait for the oldest answer that is due. Raises ReplayError."""
        try:
            if self._outgoing:
                self._connected().sendall(self._outgoing)
                self._outgoing.clear()
            return self._read()
        except (OSError, ValueError) as error:
            raise ReplayError(f"no answer from the gateway at {self.url}: {error}") from None

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._incoming.clear()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, CONNECT_TIMEOUT_S)
            self._socket.settimeout(REPLY_TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _read(self) -> Reply:
        """Take one answer. Raises ValueError for anything but JSON with a known length."""
        while (head_end := self._incoming.find(_HEAD_END)) < 0:
            if len(self._incoming) > HEAD_BYTES_MAX:
                raise ValueError("its answer has no end of headers")
            self._fill()
        head = bytes(self._incoming[: head_end + 2])
        status, length = _STATUS_LINE.match(head), _CONTENT_LENGTH.search(head)
        if status is None or length is None or int(length[1]) > BODY_BYTES_MAX:
            raise ValueError("it does not speak HTTP/1.1 with a usable Content-Length")
        body_at = head_end + len(_HEAD_END)
        body_end = body_at + int(length[1])
        while len(self._incoming) < body_end:
            self._fill()
        document = json.loads(self._incoming[body_at:body_end])
        del self._incoming[:body_end]
        return Reply(int(status[1]), document if isinstance(document, dict) else {"": document})

    def _fill(self) -> None:
        content = self._connected().recv(RECEIVE_BYTES_MAX)
        if not content:
            raise ValueError("it closed the connection")
        self._incoming += content
