"""An HTTP connection of a service: uvicorn's, with bounds on size and time of requests.

A request has `request_timeout_s` from its first byte (the first one of a connection: from its
opening) to its last, or is answered 408 and cut off; the server looks at it once a second.
A head over its bound is answered 431, anything that is not HTTP 400. A WebSocket begins as a
request, so its handshake has the same bounds.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from msgspec.json import encode
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tapewire.limits import REQUEST_BYTES_MAX, REQUEST_HEAD_BYTES_MAX
from tapewire.web.connections import OPERATOR_PATHS, Connections
from tapewire.web.problem import PROBLEM_MEDIA_TYPE, problem_of
from tapewire.web.response_headers import fitting
from tapewire.web.websocket_protocol import SocketProtocol

if TYPE_CHECKING:
    import asyncio

# Seconds for a refused client to read the answer, and for the rest of its request.
PARTING_TIMEOUT_S = 2.0


class HeadTooLarge(Exception):
    """Ends the parsing of a request whose head is over its bound."""


class ExpectationFailed(Exception):
    """Ends the parsing of a request that expects more than 100-continue (RFC 9110, 10.1.1)."""


class ConnectionRefused(Exception):
    """Ends the parsing of a request on a connection over the limits."""


class HttpProtocol(HttpToolsProtocol):
    """One connection; `enforce_deadline` is to be called about once a second."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        request_timeout_s: float,
        connections: Connections,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Take the arguments that uvicorn passes to every HTTP protocol, and the bounds."""
        super().__init__(*args, **kwargs)
        self._all = connections
        self._address: str | None = None
        # Why the connection is only good for the paths of an operator.
        self._refusal: str | None = None
        self._request_timeout_s = request_timeout_s
        # When the request that is being received must be complete; None between two requests.
        self._due_s: float | None = None
        self._received_bytes = 0
        self._in_head = False
        self._head_too_large = False
        self._expectation_failed = False
        self._parting = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time of the first request; drop the connection if there are far too many."""
        super().connection_made(transport)
        self._address = None if self.client is None else self.client[0]
        self._refusal = self._all.open(self._address)
        timeout_s = self._request_timeout_s if self._refusal is None else PARTING_TIMEOUT_S
        self._due_s = self.loop.time() + timeout_s
        if self._all.is_flooded:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the place of the connection."""
        self._all.wake(self)
        self._all.close(self._address)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Let the WebSocket keep the place of the connection until it is lost."""
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, SocketProtocol):
            # Not a method of this object: a WebSocket of many hours must not keep it in memory.
            protocol.on_lost = partial(self._all.close, self._address)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and bound the bytes of one request."""
        if self._parting:
            return
        if self._due_s is None:
            self._all.wake(self)
            self._due_s = self.loop.time() + self._request_timeout_s
            self._received_bytes = 0
        self._received_bytes += len(data)
        super().data_received(data)
        if self._received_bytes > REQUEST_HEAD_BYTES_MAX and not self.transport.is_closing():
            if self._in_head:
                self._part("headers_too_large", f"The head {_over(REQUEST_HEAD_BYTES_MAX)}")
            elif self._received_bytes > REQUEST_BYTES_MAX and self._due_s is not None:
                self._part("body_too_large", f"The request {_over(REQUEST_BYTES_MAX)}")

    def _get_upgrade(self) -> bytes | None:
        """The protocol to upgrade to. All Connection lines count together (RFC 9110, section 5.3).

        uvicorn's own method reads the last Connection line only.
        """
        tokens: set[bytes] = set()
        upgrade = None
        for name, value in self.headers:
            if name == b"connection":
                tokens.update(token.strip().lower() for token in value.split(b","))
            elif name == b"upgrade":
                upgrade = value.lower()
        return upgrade if b"upgrade" in tokens else None

    def on_message_begin(self) -> None:
        """Start the time of a request that begins behind another in the same bytes."""
        super().on_message_begin()
        self._in_head = True
        if self._due_s is None:
            self._due_s = self.loop.time() + self._request_timeout_s
            self._received_bytes = 0

    def on_headers_complete(self) -> None:
        """Judge the head. Raises HeadTooLarge and others of this module, for the parser to stop."""
        self._in_head = False
        if self._received_bytes > REQUEST_HEAD_BYTES_MAX or self._received_bytes == 0:
            head_bytes = len(self.url) + sum(len(n) + len(v) + 4 for n, v in self.headers)
            if head_bytes > REQUEST_HEAD_BYTES_MAX:
                self._head_too_large = True
                raise HeadTooLarge
        if self._refusal is not None and self.url.partition(b"?")[0] not in OPERATOR_PATHS:
            raise ConnectionRefused
        for name, value in self.headers:
            if name == b"expect" and value.lower() != b"100-continue":
                self._expectation_failed = True
                raise ExpectationFailed
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is not None:
            method = self.parser.get_method()
            cycle.default_headers = fitting(cycle.default_headers, method, self.url)
            if self._refusal is not None:
                cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The client has said all: from here on it waits for us."""
        self._due_s = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that the parser refused with a problem document."""
        if self._refusal is not None:
            self._part("connections_limit", self._refusal)
        elif self._head_too_large:
            self._part("headers_too_large", f"The head {_over(REQUEST_HEAD_BYTES_MAX)}")
        elif self._expectation_failed:
            self._part("expectation_failed", "Expect must be 100-continue or left out.")
        else:
            self._part("http_error", msg)

    def on_response_complete(self) -> None:
        """Note the connection as idle, unless the next request has begun to come already."""
        super().on_response_complete()
        if self._due_s is None and not self.pipeline and not self.transport.is_closing():
            self._all.rest(self, self.transport.close)

    def shutdown(self) -> None:
        """Let the server stop without waiting for a client that was cut off."""
        if self._parting:
            self.transport.abort()
        else:
            super().shutdown()

    def enforce_deadline(self, now_s: float) -> None:
        """Cut the client off if it takes too long to send its request, or to read a refusal."""
        if self._due_s is None:
            if self.transport.is_closing():
                self._due_s = now_s + PARTING_TIMEOUT_S
            return
        if now_s < self._due_s:
            return
        if self._parting or self.transport.is_closing():
            self.transport.abort()
        elif self.flow.read_paused:
            # The server itself made the client wait.
            self._due_s = now_s + self._request_timeout_s
        elif not (self._received_bytes or self._in_head):
            self.transport.close()
        else:
            self._part(
                "request_timeout",
                f"The request was not complete within {self._request_timeout_s:g} s.",
            )

    def _part(self, code: str, detail: str) -> None:
        """Answer, if no other answer is on its way, and end the connection in bounded time.

        What the client still sends is read and forgotten for a while: to close at once would reset
        the connection under its feet, and lose the answer.
        """
        if self._parting or self.transport.is_closing():
            return
        self._parting = True
        self._due_s = self.loop.time() + PARTING_TIMEOUT_S
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if not answering or (cycle.more_body and not cycle.response_started and not self.pipeline):
            self._write_problem(code, detail)
        if answering:
            cycle.disconnected = True
            cycle.message_event.set()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _write_problem(self, code: str, detail: str) -> None:
        problem = problem_of(code, detail)
        body = encode(problem) + b"\n"
        headers = [
            *self.server_state.default_headers,
            (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append((b"retry-after", b"1"))
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body]))


def _over(limit_bytes: int) -> str:
    return f"is over the limit of {limit_bytes} bytes."
