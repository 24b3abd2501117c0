"""The owner of an adopted WebSocket connection, and the substitute for its ASGI queue."""

from __future__ import annotations

import socket as sockets
from typing import TYPE_CHECKING, Protocol

from uvicorn.protocols.utils import is_ssl

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGIReceiveEvent


class Owner(Protocol):
    """The calls of an adopted connection, always from the event loop thread."""

    def text_received(self, text: str) -> None:
        """Take one message of the client."""

    def pause_writing(self) -> None:
        """Stop writing: the transport holds unsent bytes."""

    def resume_writing(self) -> None:
        """Write again: the transport has handed everything to the kernel."""

    def connection_closed(self) -> None:
        """Never write again; called exactly once."""


class DiscardedEvents:
    """Replaces the ASGI receive queue of an adopted connection, which has no reader."""

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        """Forget the event."""


DISCARDED_EVENTS = DiscardedEvents()


def bound_buffers(transport: asyncio.Transport, send_buffer_bytes: int | None) -> None:
    """Have `pause_writing` called as soon as the kernel does not take all bytes.

    `send_buffer_bytes` is the size of the kernel's buffer; None leaves it as it is.
    """
    socket = transport.get_extra_info("socket")
    if socket is not None and send_buffer_bytes is not None:
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, send_buffer_bytes)
    # One unsent byte is enough for the transport to call pause_writing: a plain one compares with
    # "more than", that of TLS with "at least", and would pause when all is written.
    transport.set_write_buffer_limits(high=int(is_ssl(transport)))
