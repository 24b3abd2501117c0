"""A client of the Binance WebSocket API that signs its requests and keeps answers from events."""

import json
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from order_gateway.binance.signature import json_payload, sign
from tapewire.values.json_text import decode_json

TIMEOUT_S = 30.0


class WebSocketApi:
    """One connection. `events` has the events that came before an answer."""

    def __init__(
        self, port: int, key: str = "bot", secret: str | None = None, **query: str
    ) -> None:
        self.key = key
        self.secret = key if secret is None else secret
        text = "&".join(f"{name}={value}" for name, value in query.items())
        self._url = f"ws://127.0.0.1:{port}/ws-api/v3?{text}"
        self._stack = ExitStack()
        self.events: list[dict[str, Any]] = []
        self._number = 0

    def __enter__(self) -> Self:
        self.socket = self._stack.enter_context(connect(self._url, proxy=None))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stack.close()

    def receive(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=TIMEOUT_S))
        return message

    def event(self) -> dict[str, Any]:
        """The next event."""
        message = self.events.pop(0) if self.events else self.receive()
        event: dict[str, Any] = message["event"]
        return event

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send an unsigned request; its answer."""
        self._number += 1
        self.socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = self.receive()
            if "event" not in message:
                assert message["id"] == self._number, message
                return message
            self.events.append(message)

    def signed(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a signed request; its answer."""
        params |= {"apiKey": self.key, "timestamp": time.time_ns() // 1_000_000}
        read = decode_json(json.dumps(params).encode())
        assert isinstance(read, dict)
        return self.ask(method, **params, signature=sign(self.secret, json_payload(read)))

    def close_code(self) -> int:
        """The code with which the gateway ends the connection; events before it are skipped."""
        with pytest.raises(ConnectionClosed) as closed:
            self._receive_all()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    def _receive_all(self) -> None:
        while True:
            self.receive()
