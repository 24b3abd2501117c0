"""A WebSocket connection of a service: uvicorn's sans-I/O protocol, minus ASGI once adopted.

Routing, handshake and authentication stay with FastAPI. The endpoint accepts, takes this object
from `scope["extensions"]["tapewire.socket"]`, and adopts it for a session. From then on text from
the client is a plain call, frames go straight to the transport, and the ASGI task, its scope and
its queue are released: an idle client is a transport, a parser and a session, nothing that waits.

Close codes sent here: 1003 binary message, 1007 invalid UTF-8, 1009 message too big, 1002 protocol
error, 1008 too many fragments, 1011 failed application or unanswered ping, 1012 server stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from tapewire.web.frame_splitter import FrameSplitter, is_between_frames
from tapewire.web.websocket_frames import close_reason
from tapewire.web.websocket_handshake import Handshake
from tapewire.web.websocket_owner import DISCARDED_EVENTS, Owner, bound_buffers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from uvicorn._types import ASGIReceiveEvent
    from websockets.frames import Frame

SCOPE_EXTENSION = "tapewire.socket"


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection; pass the class as `uvicorn.Config(ws=SocketProtocol)`."""

    # Class attributes so that a subclass can set them: uvicorn constructs the instances.
    # None leaves the kernel's own bound.
    send_buffer_bytes: int | None = None
    close_timeout_s: float = 5.0
    # Fragments of one message; empty ones would escape the limit in bytes.
    fragments_max: int = 64

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Take the arguments that uvicorn passes to every WebSocket protocol."""
        super().__init__(*args, **kwargs)
        self.close_timeout = self.close_timeout_s
        self.conn = Handshake(
            headers=self.default_headers, max_size=self.config.ws_max_size, logger=self.conn.logger
        )
        self.adopted = False
        self.splitter: FrameSplitter | None = None
        self.owner: Owner | None = None
        # The newest pong that had to wait for the transport to drain; older ones are obsolete.
        self.pong: bytes | None = None
        self.reading = True
        # Called once when the connection is lost.
        self.on_lost: Callable[[], None] | None = None

    # For the application.

    @property
    def write(self) -> Callable[[bytes], None]:
        """The transport's own write, for bytes that are whole WebSocket frames."""
        return self.transport.write

    def unsent_bytes(self) -> int:
        """Return the bytes that the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    @property
    def is_open(self) -> bool:
        """Whether frames can still be written."""
        return self.handshake_complete and not (
            self.close_sent or self.disconnected or self.transport.is_closing()
        )

    def adopt(self, owner: Owner) -> None:
        """Hand the accepted connection over; the ASGI endpoint should return right after.

        Messages that came in before are delivered from here, a connection that has already ended
        is reported from here. Raises RuntimeError if the handshake is not complete.
        """
        if not self.handshake_complete:
            raise RuntimeError("accept the WebSocket before adopting it")
        self.adopted = True
        self.owner = owner
        if self.is_open:
            bound_buffers(self.transport, self.send_buffer_bytes)
        early = self.queue
        self.queue = cast("asyncio.Queue[ASGIReceiveEvent]", DISCARDED_EVENTS)
        self._drop_handshake()
        while not early.empty():
            event = cast("Mapping[str, Any]", early.get_nowait())
            if event["type"] == "websocket.receive":
                self._deliver(event.get("text"))
        if not self.is_open:
            self._release_owner()
        elif self.read_paused:
            self.read_paused = False
            if self.reading:
                self.transport.resume_reading()

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame after all written frames; drop the connection after the timeout.

        The reason is cut to fit. Raises websockets' ProtocolError for a code that may not be sent.
        """
        if not self.is_open:
            return
        self.conn.send_close(code, close_reason(reason))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._ending()

    def pause_reading(self) -> None:
        """Leave the client's bytes to the kernel, until `resume_reading`."""
        if self.reading and self.is_open:
            self.reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on after `pause_reading`."""
        if not self.reading and not self.transport.is_closing():
            self.reading = True
            self.transport.resume_reading()

    def abort(self) -> None:
        """Drop the connection at once, with all unsent bytes."""
        self.transport.abort()

    # Differences to uvicorn's protocol once the connection is adopted.

    async def run_asgi(self) -> None:
        """Run the endpoint; unlike the original, leave an adopted connection open at its end."""
        cast("dict[str, Any]", self.scope["extensions"])[SCOPE_EXTENSION] = self
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self.send_500_response()
            if self.adopted:
                self.close(1011, "internal error")
        else:
            if not self.handshake_complete and self.initial_response is None:
                self.logger.error("ASGI callable returned without completing handshake.")
                self.send_500_response()
        if self.adopted:
            del self.scope
        elif self.close_timer is None:
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """Deliver a complete message synchronously."""
        if not self.adopted:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        self._deliver(data if self.curr_msg_data_type == "text" else None)

    def data_received(self, data: bytes) -> None:
        """Deliver text messages at once; the library reads all other frames."""
        if self.splitter is None:
            super().data_received(data)
            return
        for piece, is_text in self.splitter.split(data):
            if is_text:
                self._deliver(piece)
            else:
                super().data_received(piece)

    def handle_events(self) -> None:
        """Also send the parser's refusal of a long line (414, 431), which uvicorn leaves unsent."""
        super().handle_events()
        if self.conn.handshake_exc is not None and not self.handshake_complete:
            self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """Refuse a message in too many fragments: empty ones cost memory but no bytes."""
        if len(self.frames) >= self.fragments_max:
            self.frames = []
            if self.is_open:
                self.close(1008, "too many fragments")
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer at once, or only the newest ping while the client does not read."""
        output = self.conn.data_to_send()
        if output and self.conn.state is OPEN and self.unsent_bytes():
            self.pong = output[-1]
        else:
            self.transport.write(b"".join(output))

    def handle_close(self, event: Frame) -> None:
        """End the session as soon as the client says goodbye."""
        super().handle_close(event)
        self._ending()

    def handle_parser_exception(self) -> None:
        """Send the close frame of a failed connection and let the client read it.

        Closing at once would reset the connection under unread input, and lose the close frame.
        """
        if not self.adopted:
            super().handle_parser_exception()
            return
        output = b"".join(self.conn.data_to_send())
        if self.close_sent or self.transport.is_closing():
            return
        self.close_sent = True
        self.transport.write(output)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        self._ending()

    def keepalive_timeout(self) -> None:
        """Close a client that did not answer a ping, as uvicorn does, in bounded time."""
        super().keepalive_timeout()
        self._ending()

    def shutdown(self) -> None:
        """Close with 1012 when the server stops, in bounded time."""
        super().shutdown()
        self._ending()

    def eof_received(self) -> None:
        """Treat a half-closed connection as closed: the client can no longer answer a ping."""
        self._ending()

    def pause_writing(self) -> None:
        """Pass on that the transport holds unsent bytes."""
        super().pause_writing()
        if self.owner is not None:
            self.owner.pause_writing()

    def resume_writing(self) -> None:
        """Send the pong that waited, then let the owner continue."""
        super().resume_writing()
        if self.pong is not None and self.is_open:
            pong, self.pong = self.pong, None
            self.transport.write(pong)
        if self.owner is not None and not self.unsent_bytes():
            self.owner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything."""
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()
        self._release_owner()

    # Inside.

    def _deliver(self, message: str | bytes | None) -> None:
        """Give a text message to the owner; None means a binary message, which is refused."""
        if not self.is_open:
            return
        if message is None:
            self.close(1003, "text messages only")
            return
        try:
            text = message.decode() if isinstance(message, bytes) else message
        except UnicodeDecodeError:
            self.close(1007, "invalid UTF-8")
            return
        if self.owner is not None:
            self.owner.text_received(text)

    def _ending(self) -> None:
        """Stop the session and make sure that the connection ends, drained or not."""
        self._release_owner()
        # The client's close frame must be read, also while reading is paused.
        self.resume_reading()
        if self.adopted and self.close_timer is None and not self.disconnected:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def _release_owner(self) -> None:
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.connection_closed()

    def _drop_handshake(self) -> None:
        """Replace the parser, whose suspended frames keep the request, and drop the rest of it."""
        conn = self.conn
        if conn.state is OPEN and is_between_frames(conn):
            bytes_max = self.config.ws_max_size
            self.conn = ServerProtocol(state=OPEN, max_size=bytes_max, logger=conn.logger)
            self.conn.extensions = conn.extensions
            self.splitter = FrameSplitter(is_masked=True, message_bytes_max=bytes_max)
        del self.request, self.response
