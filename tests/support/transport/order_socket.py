"""A client of WebSocket order entry for tests: numbered requests, replies in order."""

import json
from types import TracebackType
from typing import Any, Self

from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.raw_websocket import CLOSE, TEXT, RawWebSocket

# Away from the book, so that it rests.
RESTING: dict[str, Any] = LIMIT_ORDER | {"price": "50000.00"}


class OrderSocket:
    """One connection; the hello has been read."""

    def __init__(self, port: int, account: str, **query: str) -> None:
        """Connect as `account`, which goes into the query as from a browser."""
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        path = f"/v1/ws?account={account}" + (f"&{parameters}" if parameters else "")
        self.raw = RawWebSocket(port, path)
        assert self.raw.status == 101
        self.hello: dict[str, Any] = json.loads(self.raw.receive_text())
        self.sent = 0

    def __enter__(self) -> Self:
        """Use as a context manager, so that no socket is left open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the connection without a word."""
        self.raw.socket.close()

    def send(self, op: str, **params: Any) -> int:
        """Send one request; returns its id."""
        self.sent += 1
        self.raw.send_text(json.dumps({"id": self.sent, "op": op, "params": params}))
        return self.sent

    def send_together(self, requests: list[tuple[str, dict[str, Any]]]) -> list[int]:
        """Send many requests in as few packets as they need."""
        frames = []
        for op, params in requests:
            self.sent += 1
            text = json.dumps({"id": self.sent, "op": op, "params": params})
            frames.append(RawWebSocket.frame(TEXT, text.encode()))
        self.raw.socket.sendall(b"".join(frames))
        return list(range(self.sent - len(requests) + 1, self.sent + 1))

    def receive(self) -> dict[str, Any]:
        """The next reply."""
        reply: dict[str, Any] = json.loads(self.raw.receive_text())
        return reply

    def ask(self, op: str, **params: Any) -> dict[str, Any]:
        """Send one request and wait for its reply."""
        number = self.send(op, **params)
        reply = self.receive()
        assert reply["id"] == number
        return reply

    def done(self, op: str, **params: Any) -> dict[str, Any]:
        """The result of a request that must not be refused."""
        reply = self.ask(op, **params)
        assert "result" in reply, reply
        result: dict[str, Any] = reply["result"]
        return result

    def close_code(self) -> int:
        """Read up to the close frame of the server."""
        while (frame := self.raw.receive()).opcode != CLOSE:
            assert frame.opcode == TEXT
        return frame.close_code
