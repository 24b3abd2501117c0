"""One connection of the WebSocket API: requests in, answers and events out.

Requests start in the order of arrival, at most IN_FLIGHT_MAX at a time, and are answered when they
are done. With IN_FLIGHT_MAX requests in flight, reading pauses. A client that does not read its
events is disconnected at UNSENT_BYTES_MAX, so that memory is bounded.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from order_gateway.binance.calls import CALLS, METHODS, Call
from order_gateway.binance.context import Context
from order_gateway.binance.errors import UNKNOWN, BinanceError, error_of, key_missing
from order_gateway.binance.fields import Fields, read_json
from order_gateway.binance.messages import (
    NO_ID,
    Message,
    answer_frame,
    error_frame,
    event_frame,
    read_id,
    read_message,
    read_object,
)
from order_gateway.binance.reports import server_stops
from order_gateway.binance.signature import check_time, json_payload
from order_gateway.binance.subscriptions import Subscribed, Subscriptions
from tapewire.api_keys.verifier import KEY_CLOSE_CODE
from tapewire.errors import RedisUnavailable, Refusal, Unavailable
from tapewire.web.rate_limit import client_network

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from order_gateway.binance.surface import Surface
    from order_gateway.binance.user_streams import UserStreams
    from tapewire.api_keys.text import Identity
    from tapewire.web.websocket_protocol import SocketProtocol

logger = logging.getLogger(__name__)

IN_FLIGHT_MAX = 64
UNSENT_BYTES_MAX = 4 * 1_048_576
TOO_SLOW = 1008

_FAILURE = "An unknown error occurred while processing the request."


class BinanceSession:
    """The state of one connection."""

    def __init__(
        self,
        socket: SocketProtocol,
        surface: Surface,
        streams: UserStreams,
        *,
        us_per_unit: int,
        shows_limits: bool,
        on_closed: Callable[[BinanceSession], None],
        on_refused: Callable[[int], None],
    ) -> None:
        """`us_per_unit` is the unit of all times; `on_refused` receives each error code."""
        self._socket = socket
        self._surface = surface
        self._us_per_unit = us_per_unit
        self._shows_limits = shows_limits
        self._on_closed = on_closed
        self._on_refused = on_refused
        self._address = None if socket.client is None else client_network(socket.client[0])
        self._connected_us = time.time_ns() // 1_000
        self._identity: Identity | None = None
        self._api_key: str | None = None
        self._authorized_us = 0
        self._subscriptions = Subscriptions(streams, self._send, us_per_unit)
        self._waiting: deque[str] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self.closed = False
        self._methods: dict[str, Callable[[Message], Awaitable[object]]] = {
            "session.logon": self._log_on,
            "session.status": self._status,
            "session.logout": self._log_out,
            "session.subscriptions": self._list_subscriptions,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    # Called by the connection.

    def text_received(self, text: str) -> None:
        """Take one message; start it unless too many are in flight."""
        if not self.closed:
            self._waiting.append(text)
            self._idle.clear()
            self._advance()

    def pause_writing(self) -> None:
        """The transport holds unsent bytes; `_send` bounds them."""

    def resume_writing(self) -> None:
        """The transport has sent everything."""

    def connection_closed(self) -> None:
        """Release the streams; requests in flight end by themselves."""
        self.closed = True
        self._waiting.clear()
        self._subscriptions.leave_all()
        if not self._tasks:
            self._idle.set()
        self._on_closed(self)

    # Called by the registry of connections.

    def identities(self) -> Iterator[Identity]:
        """Every identity that the connection acts for or follows by a key."""
        known = self._subscriptions.identities
        if self._identity is not None:
            known.append(self._identity)
        yield from (identity for identity in known if identity.key_id)

    async def drain(self) -> None:
        """Announce the end, read nothing more, and answer every request that was read."""
        self._draining = True
        self._socket.pause_reading()
        self._send(event_frame(None, server_stops(time.time_ns() // 1_000, self._us_per_unit)))
        await self._idle.wait()

    def close(self, code: int, reason: str) -> None:
        """End the connection after the frames that were written."""
        if not self.closed:
            self._socket.close(code, reason)

    def end_for_key(self, fault: Refusal) -> None:
        """Close because a key of the connection is revoked or expired."""
        self.close(KEY_CLOSE_CODE, fault.code)

    # Requests.

    def _advance(self) -> None:
        while self._waiting and len(self._tasks) < IN_FLIGHT_MAX:
            task = asyncio.create_task(self._run(self._waiting.popleft()), name="binance-request")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        if self._waiting or self._draining:
            self._socket.pause_reading()
        elif not self.closed:
            self._socket.resume_reading()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._advance()
        if not self._tasks and not self._waiting:
            self._idle.set()

    async def _run(self, text: str) -> None:
        """Answer one message with its result or its error."""
        id_text, shows_limits, account = NO_ID, self._shows_limits, None
        begin: Callable[[], None] | None = None
        error: BinanceError | None = None
        result: object = None
        try:
            members = read_object(text)
            id_text = read_id(members)
            message = read_message(members, id_text)
            fields = read_json(message.params)
            shows_limits = fields.flag("returnRateLimits", default=shows_limits)
            answer = await self._answer(message, fields)
            if isinstance(answer, Subscribed):
                result, begin = answer.answer, answer.begin
            else:
                result = answer
        except BinanceError as refusal:
            error = refusal
        except (Refusal, Unavailable) as refusal:
            error = error_of(refusal)
        except (RedisError, OSError):
            error = error_of(RedisUnavailable("Redis does not answer."))
        except Exception:
            logger.exception("a request of the WebSocket API failed")
            error = BinanceError(UNKNOWN, _FAILURE, 500)
        if self._identity is not None:
            account = self._identity.account
        limits = None
        if shows_limits:
            limits = self._surface.usage.counted(self._address or "", account, time.time())
        if error is None:
            self._send(answer_frame(id_text, result, limits))
        else:
            self._on_refused(error.code)
            self._send(error_frame(id_text, error, limits))
        # The answer to a subscription precedes its first event.
        if begin is not None and not self.closed:
            begin()

    async def _answer(self, message: Message, fields: Fields) -> object:
        """The result of a request. Raises BinanceError, Refusal, Unavailable, RedisError."""
        own = self._methods.get(message.method)
        if own is not None:
            self._surface.take_weight(CALLS["ping"], self._context(fields, None), self._address)
            return await own(message)
        call = METHODS.get(message.method)
        if call is None:
            raise BinanceError(-1020, "This operation is not supported.")
        identity = await self._caller(call, message, fields)
        context = self._context(fields, identity)
        self._surface.take_weight(call, context, self._address)
        return await self._surface.run(call, context, self._address)

    async def _caller(self, call: Call, message: Message, fields: Fields) -> Identity | None:
        """The identity of a call:

        by its own key and signature, or by the log-on of the connection.
        """
        if call.permission is None:
            return None
        if "signature" in fields or self._identity is None:
            return await self._identify(message, fields)
        if "timestamp" in fields:
            check_time(fields, time.time_ns() // 1_000_000)
        return self._identity

    async def _identify(self, message: Message, fields: Fields) -> Identity:
        return await self._surface.callers.identify(
            fields.optional("apiKey"), json_payload(message.params), fields, self._address
        )

    def _context(self, fields: Fields, identity: Identity | None) -> Context:
        return Context(fields, identity, self._us_per_unit)

    # The session.

    async def _log_on(self, message: Message) -> object:
        fields = read_json(message.params)
        self._identity = await self._identify(message, fields)
        self._api_key = fields.required("apiKey")
        self._authorized_us = time.time_ns() // 1_000
        return self._session_status()

    async def _status(self, _: Message) -> object:
        return self._session_status()

    async def _log_out(self, _: Message) -> object:
        self._identity, self._api_key = None, None
        return self._session_status()

    def _session_status(self) -> dict[str, object]:
        unit = self._us_per_unit
        return {
            "apiKey": self._api_key,
            "authorizedSince": None if self._api_key is None else self._authorized_us // unit,
            "connectedSince": self._connected_us // unit,
            "returnRateLimits": self._shows_limits,
            "serverTime": time.time_ns() // 1_000 // unit,
            "userDataStream": bool(self._subscriptions.identities),
        }

    async def _list_subscriptions(self, _: Message) -> object:
        return self._subscriptions.listed()

    async def _subscribe(self, message: Message) -> object:
        """Follow the account of the logged-on key, or of the key that signed the request."""
        if message.method.endswith(".signature"):
            return await self._subscriptions.open(
                await self._identify(message, read_json(message.params))
            )
        if self._identity is None:
            raise key_missing()
        return await self._subscriptions.open(self._identity)

    async def _unsubscribe(self, message: Message) -> object:
        self._subscriptions.close(read_json(message.params).whole("subscriptionId"))
        return {}

    def _send(self, frames: bytes) -> None:
        if self.closed:
            return
        self._socket.write(frames)
        if self._socket.unsent_bytes() > UNSENT_BYTES_MAX:
            self._socket.close(TOO_SLOW, "the client does not read")
