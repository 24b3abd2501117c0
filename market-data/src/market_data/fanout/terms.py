"""The surroundings of a session: its connection, its group, the terms of its hub."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from market_data.fanout.ring import Ring
from market_data.limits import FanoutLimits
from market_data.topics import Subscription

Member_contra = TypeVar("Member_contra", contravariant=True)

Farewell: TypeAlias = Callable[[dict[str, int]], bytes]
"""Of the numbers to resume from: the framed last message to a client that is too slow, or b""."""


class Socket(Protocol):
    """The connection of a session, as `FeedSocketProtocol` provides it."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Hand bytes to the transport, which calls `pause_writing` at once if some stay unsent."""

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after all written frames, then end the connection."""

    def unsent_bytes(self) -> int:
        """Bytes that the transport could not hand to the kernel yet."""


class Place(Protocol[Member_contra]):
    """The group of a session, as `Group` provides it."""

    ring: Ring
    cursor: int
    subscription: Subscription

    def leave_step(self, session: Member_contra) -> None:
        """Give a client in step its own cursor."""

    def fall_into_step(self, session: Member_contra) -> None:
        """Write for this client from now on, at once or after the flush that reaches it."""


@dataclass(slots=True)
class Terms:
    """The common terms of all sessions of a hub: bounds, counters, sources of states."""

    limits: FanoutLimits
    state_of: Callable[[str, str], bytes | None]
    """Of a channel and a symbol: the framed state that a subscriber starts from, if known."""
    farewell: Farewell
    slow_disconnects: int = 0
    gaps: int = 0
    skipped: int = 0
