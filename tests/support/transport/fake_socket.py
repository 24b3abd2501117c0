"""A connection for hub tests: it has room for so many bytes, then it is full until told otherwise.

It does what an asyncio transport with a write limit of zero does: it calls `pause_writing` from
inside the write that does not fit, and `resume_writing` once everything has gone out.
"""

import json
from collections.abc import Callable
from typing import Any

from market_data.fanout.session import Session
from tapewire.web.websocket_frames import text_frame
from tests.support.transport.raw_websocket import parse_frames

UNLIMITED_BYTES = 1 << 40


def message_frame(channel: str, symbol: str, seq: int) -> bytes:
    """Return the frame of a published message, as tests publish them."""
    return text_frame(json.dumps({"channel": channel, "symbol": symbol, "seq": seq}).encode())


def private_frame(number: int) -> bytes:
    """Return the frame of a message to one client."""
    return text_frame(json.dumps({"private": number}).encode())


class FakeSocket:
    """Takes `room_bytes`, keeps the rest unsent."""

    def __init__(self, room_bytes: int = UNLIMITED_BYTES) -> None:
        """Make a socket that is not yet anybody's."""
        self.room_bytes = room_bytes
        self.session: Session | None = None
        self.writes: list[bytes] = []
        self.unsent = 0
        self.written_while_full: list[bytes] = []
        self.closed_with: tuple[int, str] | None = None

    @property
    def write(self) -> Callable[[bytes], None]:
        """The function that takes bytes."""
        return self._write

    def _write(self, data: bytes) -> None:
        assert self.closed_with is None, "written after the close frame"
        was_full = self.unsent > 0
        if was_full:
            self.written_while_full.append(data)
        self.writes.append(data)
        fits = min(self.room_bytes, len(data)) if not was_full else 0
        self.room_bytes -= fits
        self.unsent += len(data) - fits
        if self.unsent and not was_full and self.session is not None:
            self.session.pause_writing()

    def unsent_bytes(self) -> int:
        """Return what did not fit."""
        return self.unsent

    def close(self, code: int, reason: str) -> None:
        """Remember the close code."""
        self.closed_with = (code, reason)

    def drain(self, room_bytes: int = UNLIMITED_BYTES) -> None:
        """Let everything unsent go out and give the socket new room."""
        was_full, self.unsent = self.unsent > 0, 0
        self.room_bytes = room_bytes
        if was_full and self.session is not None:
            self.session.resume_writing()

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages handed to the socket so far."""
        return parse_frames(b"".join(self.writes))

    def seqs(self, symbol: str = "BTC") -> list[int]:
        """Return the sequences of the published messages of one symbol."""
        return [m["seq"] for m in self.messages() if "seq" in m and m["symbol"] == symbol]
