"""Order entry over WebSocket: many requests in flight, answered in order, sent again in order.

When the connection is lost, `OrderEntry` connects again and sends every request without an answer
again, oldest first. That is safe: an order is known by its `client_order_id`, and the other
operations have the same effect twice as once.
"""

import asyncio
import contextlib
from collections import deque
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tapewire.client import order_calls
from tapewire.client.addresses import ServiceAddress
from tapewire.client.calls import Call, Operation
from tapewire.client.errors import RequestRefused, Unreachable
from tapewire.client.methods import awaited, awaited_items
from tapewire.client.order_link import Hello, open_link
from tapewire.client.replies import Problem
from tapewire.client.rest import RestOptions
from tapewire.errors import MessageError, OutcomeUnknown, TapewireError, Unavailable

# Requests that wait for a place among those in flight.
WAITING_MAX = 10_000
PING = Operation("order-gateway", "GET", "/v1/ws", "ping")

Result = TypeVar("Result")


class _Reply(msgspec.Struct, frozen=True):
    """A reply; `error` instead of `result` if the request was refused."""

    id: int | None
    status: int
    result: msgspec.Raw = msgspec.Raw()
    error: Problem | None = None
    retry_after_s: int | None = None


_read_reply = msgspec.json.Decoder(_Reply).decode
_encode = msgspec.json.Encoder().encode


class _Request(Generic[Result]):
    """A request without an answer."""

    __slots__ = ("attempts", "call", "future", "number", "text")

    def __init__(
        self, number: int, call: Call[Result], text: bytes, future: "asyncio.Future[Result]"
    ) -> None:
        self.number, self.call, self.text, self.future = number, call, text, future
        self.attempts = 0

    def fail(self, reason: TapewireError) -> None:
        """End the request, whose answer cannot come any more."""
        if self.future.done():
            return
        if self.attempts and self.call.operation.method != "GET":
            self.future.set_exception(OutcomeUnknown(f"the answer was lost: {reason.detail}"))
        else:
            self.future.set_exception(reason)


class OrderEntry:
    """One account's order entry; use it with `async with`.

    The methods are those of `VenueClient`; each may be awaited at once or gathered with others.
    Requests are done in the order in which they were made. With `cancel_on_disconnect` the venue
    cancels the orders that were placed here when the connection ends; there is one connection then,
    and every request that it leaves without an answer raises OutcomeUnknown.
    """

    def __init__(
        self,
        gateway: ServiceAddress,
        options: RestOptions,
        *,
        cancel_on_disconnect: bool = False,
    ) -> None:
        """Nothing is connected yet."""
        self._gateway, self._options = gateway, options
        self._cancels = cancel_on_disconnect
        self._waiting: deque[_Request[Any]] = deque()
        self._in_flight: dict[int, _Request[Any]] = {}
        self._sent = 0
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._deadline: asyncio.Timeout | None = None
        self._ended: TapewireError | None = None
        self._greeted: asyncio.Future[Hello] | None = None
        self.hello: Hello | None = None
        self.connections = 0
        self.closed = False

    place = awaited(order_calls.place)
    amend = awaited(order_calls.amend)
    cancel = awaited(order_calls.cancel)
    order = awaited(order_calls.order)
    cancel_all = awaited(order_calls.cancel_all)
    orders = awaited_items(order_calls.orders)
    fills = awaited_items(order_calls.fills)
    account = awaited(order_calls.account)
    batch = awaited(order_calls.batch)
    cancel_all_after = awaited(order_calls.cancel_all_after)

    async def ping(self) -> None:
        """Wait until every request made before has been done."""
        await self.submit(Call(lambda _: None, operation=PING))

    async def run(self, call: Call[Result]) -> Result:
        """Send a call and wait for its answer. Raises as `VenueClient` does."""
        request = self._submit(call)
        try:
            return await request.future
        except RequestRefused as refusal:
            recheck = call.recheck
            if recheck is None or refusal.code != recheck.code or request.attempts == 1:
                raise
            result = await self.submit(recheck.call)
            if not recheck.accepts(result):
                raise
            return result

    def submit(self, call: Call[Result]) -> "asyncio.Future[Result]":
        """Send a call without waiting; its answer comes into the future.

        Raises Unavailable with code `overloaded` if WAITING_MAX requests wait to be sent.
        """
        return self._submit(call).future

    async def connect(self) -> Hello:
        """Connect, unless there is a connection. Raises RequestRefused, Unreachable."""
        if self.hello is None:
            self._greeted = asyncio.get_running_loop().create_future()
            self._start()
            return await self._greeted
        return self.hello

    async def aclose(self) -> None:
        """End the connection; requests without an answer raise OutcomeUnknown. Safe twice."""
        self.closed = True
        self._ended = Unreachable("this order entry was closed")
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._fail(self._ended)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _submit(self, call: Call[Result]) -> _Request[Result]:
        if self._ended is not None:
            raise self._ended
        if len(self._waiting) >= WAITING_MAX:
            error = Unavailable(f"{WAITING_MAX:,} requests wait to be sent")
            error.code = "overloaded"
            raise error
        if call.operation.op is None:
            raise ValueError(f"{call.operation.path} is not an operation of order entry")
        self._sent += 1
        number = self._sent
        text = _encode({"id": number, "op": call.operation.op, "params": call.params})
        if self.hello is not None and len(text) > self.hello.message_bytes_max:
            detail = (
                f"The request has {len(text):,} bytes, at most {self.hello.message_bytes_max:,}."
            )
            raise RequestRefused(413, "body_too_large", detail)
        request = _Request(number, call, text, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._start()
        self._work.set()
        return request

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._live(), name="order-entry")

    async def _live(self) -> None:
        """Keep a connection as long as there is one to be had, or requests wait for answers."""
        try:
            while True:
                self.hello = None
                connection, self.hello = await open_link(
                    self._gateway, self._options, cancel_on_disconnect=self._cancels
                )
                self.connections += 1
                self._greet()
                await self._serve(connection, self.hello)
                if self._cancels:
                    self._ended = Unreachable(
                        "the connection ended, and the venue cancels the orders placed over it"
                    )
                    self._fail(self._ended)
                    return
                self._repeat()
        except TapewireError as error:
            self._greet(error)
            self._fail(error)
        except Exception as error:
            failure = TapewireError(f"order entry failed: {error!r}")
            self._greet(failure)
            self._fail(failure)
            raise
        finally:
            self.hello = None

    async def _serve(self, connection: ClientConnection, hello: Hello) -> None:
        """Send and receive until the connection is lost."""
        tasks = [
            asyncio.create_task(self._write(connection, hello), name="order-entry-writer"),
            asyncio.create_task(self._read(connection), name="order-entry-reader"),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await connection.close()
        for task in tasks:
            if not task.cancelled():
                with contextlib.suppress(ConnectionClosed, OSError, TimeoutError):
                    task.result()

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async with asyncio.timeout(None) as self._deadline:
                self._expect()
                while True:
                    self._take(await connection.recv(decode=False))
        finally:
            self._deadline = None

    async def _write(self, connection: ClientConnection, hello: Hello) -> None:
        while True:
            self._work.clear()
            while self._waiting and len(self._in_flight) < hello.in_flight_max:
                request = self._waiting.popleft()
                if request.future.cancelled():
                    continue
                request.attempts += 1
                self._in_flight[request.number] = request
                if len(self._in_flight) == 1:
                    self._expect()
                await connection.send(request.text, text=True)
            await self._work.wait()

    def _take(self, message: bytes) -> None:
        """Give a reply to its request. Raises MessageError for what is no reply."""
        try:
            reply = _read_reply(message)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise MessageError(f"a message is no reply: {error}") from None
        request = None if reply.id is None else self._in_flight.pop(reply.id, None)
        if request is None:
            # An error without an id announces a close, whose reason the next handshake tells.
            return
        self._expect()
        self._work.set()
        if request.future.done():
            return
        if reply.error is not None:
            request.future.set_exception(_refused(reply, reply.error, request.attempts))
            return
        try:
            request.future.set_result(request.call.decode(bytes(reply.result)))
        except MessageError as error:
            request.future.set_exception(error)

    def _expect(self) -> None:
        """A reply is due within the timeout as long as requests are in flight."""
        if self._deadline is not None:
            due_s = asyncio.get_running_loop().time() + self._options.timeout_s
            self._deadline.reschedule(due_s if self._in_flight else None)

    def _repeat(self) -> None:
        """Put what was in flight before what waits, in its order, to be sent again."""
        lost = OutcomeUnknown(f"no answer in {self._options.attempts_max} attempts")
        for request in self._in_flight.values():
            if request.attempts >= self._options.attempts_max:
                request.fail(lost)
        open_requests = [each for each in self._in_flight.values() if not each.future.done()]
        self._waiting.extendleft(reversed(open_requests))
        self._in_flight.clear()

    def _greet(self, error: TapewireError | None = None) -> None:
        """Tell who waits in `connect`."""
        if self._greeted is not None and not self._greeted.done():
            if error is not None:
                self._greeted.set_exception(error)
            elif self.hello is not None:
                self._greeted.set_result(self.hello)

    def _fail(self, reason: TapewireError) -> None:
        """End every request without an answer."""
        for request in (*self._in_flight.values(), *self._waiting):
            request.fail(reason)
        self._in_flight.clear()
        self._waiting.clear()


def _refused(reply: _Reply, problem: Problem, attempts: int) -> TapewireError:
    """The exception of a reply with an error."""
    if reply.status >= 500:
        if problem.code == OutcomeUnknown.code:
            return OutcomeUnknown(problem.detail)
        unavailable = Unavailable(problem.detail)
        unavailable.code = problem.code
        return unavailable
    return RequestRefused(
        reply.status,
        problem.code,
        problem.detail,
        problem.field,
        retry_after_s=reply.retry_after_s,
        attempts=attempts,
    )
