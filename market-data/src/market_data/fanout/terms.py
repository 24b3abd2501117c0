"""What surrounds a session: its connection, and the terms on which its hub serves clients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from market_data.limits import FanoutLimits


class Socket(Protocol):
    """What a session needs of a connection; `FeedSocketProtocol` is one."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Hand bytes to the transport, which calls `pause_writing` at once if some stay unsent."""

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after what was written, then end the connection."""

    def unsent_bytes(self) -> int:
        """Bytes that the transport could not hand to the kernel yet."""


@dataclass(slots=True)
class Terms:
    """What all sessions of a hub have in common: bounds, counters, where states are found."""

    limits: FanoutLimits
    state_of: Callable[[str, str], bytes | None]
    """Of a channel and a symbol: the framed state that a subscriber starts from, if known."""
    slow_disconnects: int = 0
    gaps: int = 0
    skipped: int = 0
