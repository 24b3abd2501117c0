"""The owner of an adopted WebSocket connection, and the substitute for its ASGI queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
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
