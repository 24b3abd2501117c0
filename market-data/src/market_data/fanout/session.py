"""One client as the hub sees it: where it is in the stream and what waits for it alone.

A session is either in step with its group (its socket takes everything, the group writes for it)
or behind: it has a cursor of its own, and perhaps a backlog that goes out before the ring does.
The backlog is how private messages, replay and the rest of an old group keep their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from market_data.fanout.ring import Entry, count_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from market_data.fanout.group import Group
    from market_data.fanout.hub import Hub
    from market_data.fanout.lag import LagPolicy


class Socket(Protocol):
    """What a session needs of a connection; `websocket_protocol.FeedSocketProtocol` is one."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Hand bytes to the transport; it calls `pause_writing` at once if some stay unsent."""

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after what was written, then end the connection."""

    def unsent_bytes(self) -> int:
        """Return the bytes the transport has not been able to hand to the kernel."""


class Session:
    """The state of one client; made by `Hub.connect`."""

    __slots__ = (
        "_delivered",
        "backlog",
        "backlog_bytes",
        "closed",
        "context",
        "cursor",
        "group",
        "held",
        "hub",
        "in_step",
        "lags",
        "moved",
        "on_closed",
        "on_text",
        "paused",
        "policy",
        "skipped",
        "socket",
        "write",
    )

    def __init__(
        self,
        hub: Hub,
        socket: Socket,
        group: Group,
        *,
        policy: LagPolicy,
        on_text: Callable[[Session, str], None] | None,
        on_closed: Callable[[Session], None] | None,
        context: object,
    ) -> None:
        self.hub = hub
        self.socket = socket
        self.write = socket.write
        self.group = group
        self.policy = policy
        self.on_text = on_text
        self.on_closed = on_closed
        # Whatever the application wants to remember about the client.
        self.context = context
        # In step: the group position at which it fell into step. Behind: the next one to send.
        self.cursor = 0
        self.in_step = False
        # The transport holds unsent bytes: nothing more is written until it has none.
        self.paused = socket.unsent_bytes() > 0
        self.closed = False
        # Entries that go out before ring[cursor:], oldest first.
        self.backlog: list[Entry] = []
        self.backlog_bytes = 0
        # While held: stream entries that must wait for the replay; None when not held.
        self.held: list[Entry] | None = None
        # Entries of backlog and held that came out of a ring: they still count as lag.
        self.moved = 0
        # Messages dropped by the lag policy, and how often it acted.
        self.skipped = 0
        self.lags = 0
        self._delivered = 0

    @property
    def delivered(self) -> int:
        """Messages handed to the socket since the client connected."""
        return self._delivered + (self.group.cursor - self.cursor if self.in_step else 0)

    @property
    def lag(self) -> int:
        """Stream messages published for this client and not yet handed to its socket."""
        if self.closed:
            return 0
        cursor = self.group.cursor if self.in_step else self.cursor
        return self.group.ring.head - cursor + self.moved

    def send(self, frame: bytes) -> None:
        """Send one frame to this client alone, after everything published to it so far.

        While the session is held the frame goes out at once, before the replay.
        """
        if self.closed:
            return
        if self.in_step and self.group.cursor == self.group.ring.head:
            self._delivered += 1
            self.write(frame)
            return
        if self.held is None:
            self.take_from_ring()
        self._add_to_backlog([(frame, None)])

    def hold(self) -> None:
        """Keep the stream back until `release`, so that a replay can go out before it."""
        if self.closed or self.held is not None:
            return
        self.take_from_ring()
        self.held = []
        self.catch_up()
        if self.backlog_bytes > self.hub.limits.backlog_bytes_max:
            # The policy thins what was owed before the hold, so it acts before the hold begins.
            self.held = None
            self.hub.apply_lag_policy(self)
            self.held = None if self.closed else []

    def replay(self, entries: Iterable[Entry]) -> None:
        """Send earlier messages to a held client; with notes, so that lag stays accountable.

        Raises RuntimeError unless held. More than `backlog_bytes_max` unsent ends the client:
        give long replays in pages and wait for `backlog_bytes` to fall in between.
        """
        if self.closed:
            return
        if self.held is None:
            raise RuntimeError("replay needs a held session")
        self._add_to_backlog(list(entries))

    def release(self) -> None:
        """Let the stream go on from where it was held."""
        held, self.held = self.held, None
        if self.closed or held is None:
            return
        self._add_to_backlog(held)

    def close(self, code: int, reason: str = "") -> None:
        """Close after the private messages that wait; stream messages that wait are dropped."""
        if self.closed:
            return
        private = [frame for frame, note in self.backlog if note is None]
        if private:
            self.write(b"".join(private))
        self.socket.close(code, reason)
        self.connection_closed()

    def take_from_ring(self) -> None:
        """Move what the client has not got of the ring into its backlog; leaves step if needed."""
        if self.in_step:
            self.group.leave_step(self)
        entries = self.group.ring.entries(self.cursor)
        self.cursor = self.group.ring.head
        self.moved += len(entries)
        if self.held is not None:
            self.held += entries
        else:
            self.backlog += entries
            self.backlog_bytes += sum(len(frame) for frame, _ in entries)

    def catch_up(self) -> None:
        """Write what waits for this client until its socket is full or it is in step again."""
        group = self.group
        join_bytes_max = self.hub.limits.join_bytes_max
        while not self.paused and not self.closed:
            if self.backlog:
                self.write(self._next_of_backlog(join_bytes_max))
            elif self.held is None and self.cursor < group.cursor:
                data, cursor = group.ring.join(self.cursor, join_bytes_max, group.cursor)
                self._delivered += cursor - self.cursor
                self.cursor = cursor
                self.write(data)
            else:
                break
        if not (self.paused or self.closed or self.backlog or self.held is not None):
            group.fall_into_step(self)

    def left_step(self) -> None:
        """Take over the position from the group; called by the group."""
        self._delivered += self.group.cursor - self.cursor
        self.cursor = self.group.cursor
        self.in_step = False

    # What the connection calls.

    def text_received(self, text: str) -> None:
        """Pass a message of the client on to the application."""
        if self.on_text is not None and not self.closed:
            self.on_text(self, text)

    def pause_writing(self) -> None:
        """Fall out of step: the socket is full."""
        self.paused = True
        if self.in_step:
            self.group.leave_step(self)

    def resume_writing(self) -> None:
        """Catch up: the socket has taken everything."""
        self.paused = False
        if not self.closed and not self.in_step:
            self.catch_up()

    def connection_closed(self) -> None:
        """Leave the hub; nothing can be written any more. Safe to call twice."""
        if self.closed:
            return
        self.closed = True
        self.hub.remove(self)
        self.backlog = []
        self.backlog_bytes = self.moved = 0
        self.held = None
        if self.on_closed is not None:
            self.on_closed(self)

    def _add_to_backlog(self, entries: list[Entry]) -> None:
        if self.in_step:
            self.group.leave_step(self)
        self.backlog += entries
        self.backlog_bytes += sum(len(frame) for frame, _ in entries)
        self.catch_up()
        if self.backlog_bytes > self.hub.limits.backlog_bytes_max:
            self.hub.apply_lag_policy(self)

    def _next_of_backlog(self, bytes_max: int) -> bytes:
        # Frames average far above 32 bytes, so this slice is enough to fill one write.
        frames = [frame for frame, _ in self.backlog[: bytes_max // 32 + 1]]
        count = count_within(frames, bytes_max)
        data = b"".join(frames[:count])
        del self.backlog[:count]
        self.backlog_bytes -= len(data)
        self.moved = min(self.moved, len(self.backlog) + len(self.held or ()))
        self._delivered += count
        return data
