"""Order entry over WebSocket: many requests in flight, answered in order, sent again in order.

When the connection is lost, `OrderEntry` connects again and sends every request without an answer
again, oldest first. That is safe: an order is known by its `client_order_id`, and the other
operations have the same effect twice as once.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

from tapewire.client import order_calls, pair_calls
from tapewire.client.addresses import ServiceAddress
from tapewire.client.calls import Call, Operation
from tapewire.client.errors import RequestRefused, Unreachable
from tapewire.client.methods import awaited, awaited_items
from tapewire.client.order_link import Hello, open_link
from tapewire.client.reply_connection import ReplyConnection
from tapewire.client.request_window import Request, RequestWindow
from tapewire.client.rest import RestOptions
from tapewire.errors import TapewireError

# A write ends with the request that reaches this size. The next write waits while the connection is
# full.
WRITE_BYTES_MAX = 64 * 1024

PING = Operation("order-gateway", "GET", "/v1/ws", "ping")

Result = TypeVar("Result")


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
        self._window = RequestWindow(options.attempts_max)
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._deadline: asyncio.Timeout | None = None
        self._ended: TapewireError | None = None
        self._greeted: asyncio.Future[Hello] | None = None
        self.hello: Hello | None = None
        self.connections = 0
        self.closed = False

    place = awaited(order_calls.place)
    replace = awaited(pair_calls.replace)
    place_list = awaited(pair_calls.place_list)
    cancel_list = awaited(pair_calls.cancel_list)
    order_list = awaited(pair_calls.order_list)
    open_lists = awaited_items(pair_calls.open_lists)
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
        self._window.fail(self._ended)

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

    def _submit(self, call: Call[Result]) -> Request[Result]:
        if self._ended is not None:
            raise self._ended
        bytes_max = None if self.hello is None else self.hello.message_bytes_max
        request = self._window.add(call, bytes_max)
        self._start()
        self._work.set()
        return request

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._live(), name="order-entry")

    async def _live(self) -> None:
        """Keep a connection for as long as the gateway can be reached."""
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
                    self._window.fail(self._ended)
                    return
                self._window.repeat()
        except TapewireError as error:
            self._greet(error)
            self._window.fail(error)
        except Exception as error:
            failure = TapewireError(f"order entry failed: {error!r}")
            self._greet(failure)
            self._window.fail(failure)
            raise
        finally:
            self.hello = None

    async def _serve(self, connection: ReplyConnection, hello: Hello) -> None:
        """Send and receive until the connection is lost."""
        connection.deliver(self._take)
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
                with contextlib.suppress(OSError, TimeoutError):
                    task.result()

    async def _read(self, connection: ReplyConnection) -> None:
        """Wait for the end of the connection. Raises TimeoutError if a reply is late."""
        try:
            async with asyncio.timeout(None) as self._deadline:
                self._expect()
                await connection.wait_closed()
        finally:
            self._deadline = None
        if connection.failure is not None:
            raise connection.failure

    def _take(self, messages: Sequence[bytes]) -> None:
        """Give replies to their requests. Raises MessageError for a message that is no reply."""
        for message in messages:
            self._window.take(message)
        self._expect()
        self._work.set()

    async def _write(self, connection: ReplyConnection, hello: Hello) -> None:
        """Send what waits: all that was asked for in one turn in one write."""
        while connection.is_open:
            self._work.clear()
            texts = self._window.next(hello.in_flight_max, WRITE_BYTES_MAX)
            if texts:
                self._expect()
                await connection.send_texts(texts)
            else:
                await self._work.wait()

    def _expect(self) -> None:
        """A reply is due within the timeout as long as requests are in flight.

        A deadline that is less than an eighth of the timeout too early stays, because moving a
        timer for each request costs more than sending the request.
        """
        if self._deadline is None:
            return
        timeout_s, set_s = self._options.timeout_s, self._deadline.when()
        if not self._window.is_waiting_for_replies:
            due_s = None
        else:
            due_s = asyncio.get_running_loop().time() + timeout_s
            if set_s is not None and due_s - set_s < timeout_s / 8:
                return
        if due_s != set_s:
            self._deadline.reschedule(due_s)

    def _greet(self, error: TapewireError | None = None) -> None:
        """Wake the tasks that wait in `connect`."""
        if self._greeted is not None and not self._greeted.done():
            if error is not None:
                self._greeted.set_exception(error)
            elif self.hello is not None:
                self._greeted.set_result(self.hello)
