"""An HTTP client over a plain socket, able to be slow, wordy and wrong on purpose."""

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

TIMEOUT_S = 30.0
DROP_INTERVAL_S = 0.02


@dataclass(frozen=True, slots=True)
class RawReply:
    """One answer; names of headers are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)


class RawHttp:
    """One connection; every read is bounded by `TIMEOUT_S`."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        """Connect; on Linux every address of 127.0.0.0/8 may be the source."""
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S, (source, 0))
        self.buffer = b""

    def __enter__(self) -> Self:
        """Use as a context manager, so that no socket is left open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection without a word."""
        self.socket.close()

    def send(self, data: str | bytes) -> None:
        """Send these bytes and nothing else."""
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def ask(self, method: str, path: str, headers: Mapping[str, str]) -> RawReply:
        """Send one request without a body, and wait for its answer."""
        named = {"Host": f"127.0.0.1:{self.port}"} | dict(headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        with contextlib.suppress(ConnectionError):
            self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n")
        return self.receive()

    def receive(self) -> RawReply:
        """The next answer, which must have a length unless it has no body."""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert name.lower() not in headers, f"{name} stands twice"
            headers[name.lower()] = value
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            self.buffer = b""
            self._fill()
            rest += self.buffer
        self.buffer = rest[length:]
        return RawReply(int(first.split()[1]), headers, rest[:length])

    def receive_rest(self) -> bytes:
        """What comes until the server ends the connection, by closing or resetting it."""
        data, self.buffer = self.buffer, b""
        with contextlib.suppress(ConnectionResetError):
            while received := self.socket.recv(1 << 20):
                data += received
        return data

    def receive_end(self) -> None:
        """Wait until the server has closed the connection; nothing else may come."""
        assert self.receive_rest() == b""

    def drip(self, drop: bytes) -> bytes:
        """Send a drop now and then until the server answers or ends; returns what was sent."""
        sent = b""
        deadline_s = time.monotonic() + TIMEOUT_S
        self.socket.settimeout(DROP_INTERVAL_S)
        try:
            while time.monotonic() < deadline_s:
                try:
                    self.buffer = self.socket.recv(1 << 20)
                except TimeoutError:
                    sent += drop
                    self.socket.sendall(drop)
                else:
                    return sent
        except ConnectionError:
            return sent
        finally:
            self.socket.settimeout(TIMEOUT_S)
        raise AssertionError("the server waits for ever")

    def send_until_refused(self, piece: bytes) -> None:
        """Send a piece again and again until the server ends the connection."""
        deadline_s = time.monotonic() + TIMEOUT_S
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < deadline_s:
                self.socket.sendall(piece)
            raise AssertionError("the server reads for ever")

    def _fill(self) -> None:
        data = self.socket.recv(1 << 20)
        assert data, f"the server closed the connection after {self.buffer!r}"
        self.buffer += data
