"""A WebSocket connection without a key in its handshake; browsers cannot send one there.

The first message must be `{"op": "authenticate", "key": "..."}`, within AUTHENTICATE_TIMEOUT_S. A
client has one attempt: any error ends the connection.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from order_gateway.replies import Reply
from order_gateway.ws.messages import (
    NO_ID,
    Authenticated,
    error_frame,
    failure_frame,
    read_id,
    read_key,
    read_object,
    reply_frame,
)
from tapewire.api_keys.verifier import KEY_CLOSE_CODE
from tapewire.errors import KeyRequired, RateLimited, Refusal, Unavailable
from tapewire.limits import AUTHENTICATE_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from order_gateway.ws.session import Session
    from tapewire.api_keys.text import Identity
    from tapewire.web.websocket_protocol import SocketProtocol

logger = logging.getLogger(__name__)

TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011


class Newcomer:
    """Owns a connection until its account is known; then a session owns the connection."""

    def __init__(
        self,
        socket: SocketProtocol,
        *,
        authenticate: Callable[[str], Awaitable[Identity]],
        open_session: Callable[[Identity], Session],
        on_ended: Callable[[Newcomer], None],
        timeout_s: float = AUTHENTICATE_TIMEOUT_S,
    ) -> None:
        """`authenticate` raises a Refusal or Unavailable; `on_ended` is called exactly once."""
        self._socket = socket
        self._authenticate = authenticate
        self._open_session = open_session
        self._on_ended = on_ended
        # Messages that arrived after the first one, before reading paused.
        self._early: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self._write_paused = False
        self._late = asyncio.get_running_loop().call_later(timeout_s, self._time_is_over)

    def text_received(self, text: str) -> None:
        """Take the first message; keep the others for the session."""
        if self._task is not None:
            self._early.append(text)
            return
        self._socket.pause_reading()
        self._task = asyncio.create_task(self._run(text), name="authenticate")

    def pause_writing(self) -> None:
        """Remember the pause for the session."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """As `pause_writing`."""
        self._write_paused = False

    def connection_closed(self) -> None:
        """Stop the timeout and the authentication."""
        self._late.cancel()
        if self._task is not None:
            self._task.cancel()
        self._on_ended(self)

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        self._socket.close(code, reason)

    async def _run(self, text: str) -> None:
        id_text = NO_ID
        try:
            message = read_object(text)
            if "id" in message:
                id_text = read_id(message)
            identity = await self._authenticate(read_key(message))
        except (Refusal, Unavailable) as error:
            self._refuse(id_text, error)
        except Exception:
            logger.exception("a connection could not be authenticated")
            self._socket.write(failure_frame(id_text))
            self.close(INTERNAL_ERROR, "internal error")
        else:
            self._welcome(id_text, identity)

    def _welcome(self, id_text: str, identity: Identity) -> None:
        """Answer, and hand the connection with its early messages and its pause to a session."""
        self._late.cancel()
        self._on_ended(self)
        answer = Authenticated(identity.account, sorted(identity.permissions))
        self._socket.write(reply_frame(id_text, Reply(200, answer)))
        session = self._open_session(identity)
        self._socket.owner = session
        if self._write_paused:
            session.pause_writing()
        self._socket.resume_reading()
        for text in self._early:
            session.text_received(text)

    def _refuse(self, id_text: str, error: Refusal | Unavailable) -> None:
        self._socket.write(error_frame(id_text, error))
        passing = isinstance(error, Unavailable | RateLimited)
        self.close(TRY_AGAIN_LATER if passing else KEY_CLOSE_CODE, error.code)

    def _time_is_over(self) -> None:
        self._refuse(NO_ID, KeyRequired())
