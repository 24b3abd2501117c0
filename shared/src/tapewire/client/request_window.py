"""The requests of an order entry: waiting and in flight. No I/O."""

import asyncio
from collections import deque
from typing import Any, Generic, TypeVar

import msgspec

from tapewire.client.calls import Call
from tapewire.client.errors import RequestRefused
from tapewire.client.replies import Problem
from tapewire.errors import MessageError, OutcomeUnknown, TapewireError, Unavailable

# Requests that wait for a place among those in flight.
WAITING_MAX = 10_000

Result = TypeVar("Result")


class Reply(msgspec.Struct, frozen=True):
    """A reply; `error` instead of `result` if the request was refused."""

    id: int | None
    status: int
    result: msgspec.Raw = msgspec.Raw()
    error: Problem | None = None
    retry_after_s: int | None = None


_read_reply = msgspec.json.Decoder(Reply).decode
_encode = msgspec.json.Encoder().encode


class Request(Generic[Result]):
    """A request without an answer; `attempts` counts how often it was sent."""

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


class RequestWindow:
    """Requests in their order: each waits, is in flight, is answered; or waits again."""

    def __init__(self, attempts_max: int) -> None:
        """A request that was sent `attempts_max` times without an answer is given up."""
        self._attempts_max = attempts_max
        self._waiting: deque[Request[Any]] = deque()
        self._in_flight: dict[int, Request[Any]] = {}
        self._last_number = 0

    @property
    def is_waiting_for_replies(self) -> bool:
        """Whether requests are in flight."""
        return bool(self._in_flight)

    def add(self, call: Call[Result], bytes_max: int | None) -> Request[Result]:
        """Take a request in, behind all others.

        Raises Unavailable with code `overloaded` if WAITING_MAX requests wait, RequestRefused for a
        message of more than `bytes_max`, ValueError for an operation that order entry lacks.
        """
        if len(self._waiting) >= WAITING_MAX:
            error = Unavailable(f"{WAITING_MAX:,} requests wait to be sent")
            error.code = "overloaded"
            raise error
        if call.operation.op is None:
            raise ValueError(f"{call.operation.path} is not an operation of order entry")
        number = self._last_number + 1
        message = {"id": number, "op": call.operation.op, "params": call.params}
        if call.clock_us is not None:
            message["clock_us"] = call.clock_us
        text = _encode(message)
        if bytes_max is not None and len(text) > bytes_max:
            detail = f"The request has {len(text):,} bytes, at most {bytes_max:,} are allowed."
            raise RequestRefused(413, "body_too_large", detail)
        self._last_number = number
        request = Request(number, call, text, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        return request

    def next(self, in_flight_max: int, bytes_max: int) -> list[bytes]:
        """The messages to send now, up to the one that reaches `bytes_max`.

        There is none without a request that waits, or without a place in flight.
        """
        texts: list[bytes] = []
        size_bytes = 0
        while self._waiting and len(self._in_flight) < in_flight_max and size_bytes < bytes_max:
            request = self._waiting.popleft()
            if not request.future.cancelled():
                request.attempts += 1
                self._in_flight[request.number] = request
                texts.append(request.text)
                size_bytes += len(request.text)
        return texts

    def take(self, message: bytes) -> None:
        """Give a reply to its request. Raises MessageError for a message that is no reply."""
        try:
            reply = _read_reply(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise MessageError(f"a message is no reply: {error}") from None
        request = None if reply.id is None else self._in_flight.pop(reply.id, None)
        # An error without an id announces a close, whose reason the next handshake tells.
        if request is None or request.future.done():
            return
        if reply.error is not None:
            request.future.set_exception(_refused(reply, reply.error, request.attempts))
            return
        try:
            request.future.set_result(request.call.decode(bytes(reply.result)))
        except MessageError as error:
            request.future.set_exception(error)

    def repeat(self) -> None:
        """The connection was lost: requests in flight wait again, before the others."""
        lost = OutcomeUnknown(f"no answer in {self._attempts_max} attempts")
        again = []
        for request in self._in_flight.values():
            if request.attempts >= self._attempts_max:
                request.fail(lost)
            elif not request.future.done():
                again.append(request)
        self._waiting.extendleft(reversed(again))
        self._in_flight.clear()

    def fail(self, reason: TapewireError) -> None:
        """End every request without an answer."""
        for request in (*self._in_flight.values(), *self._waiting):
            request.fail(reason)
        self._in_flight.clear()
        self._waiting.clear()


def _refused(reply: Reply, problem: Problem, attempts: int) -> TapewireError:
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
