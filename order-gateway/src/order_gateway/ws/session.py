"""One WebSocket client of the gateway: requests in order, many in flight, replies in order.

Requests start in the order in which they arrive, at most IN_FLIGHT_MAX at a time. Then reading
pauses: the client sees a full socket, not an error. All replies that are ready in one turn of the
event loop leave in one write.

Most operations put their command into the queue to Redis when they start, so order is kept without
waiting. Operations that need several round trips (`HELD_BACK`) hold later requests back until they
end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from order_gateway.authentication import check_operation
from order_gateway.batch import orders_in
from order_gateway.operations import READS_FIRST
from order_gateway.ws.messages import (
    NO_ID,
    PING,
    Request,
    error_frame,
    failure_frame,
    pong_frame,
    read_id,
    read_object,
    read_request,
    reply_frame,
)
from tapewire.api_keys.verifier import KEY_CLOSE_CODE
from tapewire.errors import OutcomeUnknown, Refusal, Unavailable

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from order_gateway.operations import Operations
    from order_gateway.rate_limit import RateLimits
    from order_gateway.ws.orders import PlacedOrders
    from tapewire.api_keys.text import Identity
    from tapewire.values.types import Account

logger = logging.getLogger(__name__)

IN_FLIGHT_MAX = 256
# A large cancel_all takes several atomic steps. No later request may run between them.
HELD_BACK = READS_FIRST | {"cancel_all"}


class Socket(Protocol):
    """The connection of a session, as `websocket_protocol.SocketProtocol` provides it."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Hand bytes to the transport."""

    def pause_reading(self) -> None:
        """Stop reading."""

    def resume_reading(self) -> None:
        """Read again."""

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after all written frames, then end the connection."""


class _Slot:
    """The place of one reply in the order of replies."""

    __slots__ = ("frame", "task")

    def __init__(self) -> None:
        self.frame: bytes | None = None
        self.task: asyncio.Task[None] | None = None


class Session:
    """The state of one connection; `orders` is None without cancel-on-disconnect."""

    def __init__(
        self,
        socket: Socket,
        operations: Operations,
        limits: RateLimits,
        *,
        account: Account,
        address: str | None,
        orders: PlacedOrders | None,
        on_closed: Callable[[Session], None],
        refusals: Counter[str],
        identity: Identity | None = None,
    ) -> None:
        """`identity` is that of the connection's key, None at an open venue.

        `refusals` counts refused requests by code.
        """
        self._refusals = refusals
        self.account = account
        self.identity = identity
        self.orders = orders
        self.closed = False
        self._socket = socket
        self._operations = operations
        self._limits = limits
        self._address = address
        self._on_closed = on_closed
        self._loop = asyncio.get_running_loop()
        # Messages that have not started, and the replies that are due, oldest first.
        self._waiting: deque[str] = deque()
        self._slots: deque[_Slot] = deque()
        # The operation that holds later requests back.
        self._holder: _Slot | None = None
        self._write_paused = False
        self._flush_due = False
        self._draining = False
        self._idle: asyncio.Event = asyncio.Event()
        self._idle.set()

    # Called by the connection.

    def text_received(self, text: str) -> None:
        """Take one message; start it if no message waits before it."""
        if self.closed:
            return
        self._waiting.append(text)
        self._idle.clear()
        self._advance()

    def pause_writing(self) -> None:
        """Start no more requests: the client reads too slowly."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """Start waiting requests: the socket has taken all frames."""
        self._write_paused = False
        self._advance()

    def connection_closed(self) -> None:
        """Drop the requests that have not started; requests in flight end by themselves."""
        if self.closed:
            return
        self.closed = True
        self._waiting.clear()
        if not self._slots:
            self._idle.set()
        self._on_closed(self)

    # Called by the registry of connections.

    def send(self, frame: bytes) -> None:
        """Write a frame that answers no request."""
        self._socket.write(frame)

    async def drain(self) -> None:
        """Read nothing more; wait until every request that was read is answered."""
        self._draining = True
        self._socket.pause_reading()
        await self._idle.wait()

    def close(self, code: int, reason: str) -> None:
        """End the connection after the frames that were written."""
        if not self.closed:
            self._socket.close(code, reason)

    def end_for_key(self, fault: Refusal) -> None:
        """Close with the error of a key that is no longer valid, then the close code."""
        if not self.closed:
            self.send(error_frame(NO_ID, fault))
            self.close(KEY_CLOSE_CODE, fault.code)

    async def settled(self) -> None:
        """Wait until every started command has its answer."""
        tasks = [slot.task for slot in self._slots if slot.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    # Inside.

    def _advance(self) -> None:
        """Start the requests that may start; read more if none is left."""
        while (
            self._waiting
            and self._holder is None
            and not self._write_paused
            and len(self._slots) < IN_FLIGHT_MAX
        ):
            self._start(self._waiting.popleft())
        if self._waiting or self._draining:
            self._socket.pause_reading()
        elif not self.closed:
            self._socket.resume_reading()
        if not self._waiting and not self._slots:
            self._idle.set()

    def _start(self, text: str) -> None:
        slot = _Slot()
        self._slots.append(slot)
        id_text = NO_ID
        count = 1
        try:
            try:
                message = read_object(text)
                id_text = read_id(message)
                request = read_request(message, id_text)
                if self.identity is not None:
                    check_operation(self.identity, request.op)
                count = orders_in(request.op, request.params)
                if request.op == PING:
                    self._operations.hear_clock(request.clock_us)
            finally:
                # A message that cannot be read counts too.
                self._limits.take(self.account, self._address, count, time.monotonic_ns())
        except Refusal as error:
            self._refusals[error.code] += 1
            self._finish(slot, error_frame(id_text, error))
            return
        if request.op == PING:
            self._finish(slot, pong_frame(id_text))
            return
        must_prune = self.orders is not None and self.orders.is_full
        if request.op in HELD_BACK or must_prune:
            self._holder = slot
        slot.task = self._loop.create_task(self._run(slot, request))

    async def _run(self, slot: _Slot, request: Request) -> None:
        """Do one operation; the result or the error is its reply."""
        orders, op = self.orders, request.op
        try:
            if (
                orders is not None
                and orders.is_full
                and op in {"place", "replace", "place_list", "batch"}
            ):
                await orders.prune()
            reply = await self._operations.run(op, self.account, request.params, request.clock_us)
            frame = reply_frame(request.id_text, reply)
            if orders is not None:
                orders.note(op, request.params, reply)
        except (Refusal, Unavailable) as error:
            self._refusals[error.code] += 1
            frame = error_frame(request.id_text, error)
            if orders is not None and isinstance(error, OutcomeUnknown):
                orders.note_unknown(op, request.params)
        except Exception:
            logger.exception("a request over WebSocket failed")
            self._refusals["internal_error"] += 1
            frame = failure_frame(request.id_text)
        self._finish(slot, frame)

    def _finish(self, slot: _Slot, frame: bytes) -> None:
        slot.frame = frame
        slot.task = None
        if slot is self._holder:
            self._holder = None
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write every reply that is next in order, in one piece."""
        self._flush_due = False
        slots, frames = self._slots, []
        while slots and (frame := slots[0].frame) is not None:
            frames.append(frame)
            slots.popleft()
        if frames and not self.closed:
            self._socket.write(b"".join(frames))
        self._advance()
