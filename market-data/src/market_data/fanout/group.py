"""Clients with equal subscriptions: one ring, one joined write for all whose socket is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market_data.fanout.ring import Note, Ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from market_data.fanout.session import Session
    from market_data.limits import FanoutLimits
    from market_data.topics import Subscription

NEVER = 1 << 62
"""A ring position that is not reached."""


class Group:
    """The ring and the clients of one subscription.

    `cursor` is the position of every client in step; `ring.head - cursor` messages wait for a
    flush. Clients that are behind keep their own cursor, and the ring keeps what they need.
    """

    __slots__ = (
        "_command_messages",
        "_command_messages_counted_max",
        "_lag_check_at",
        "_limits",
        "_waiting",
        "behind",
        "cursor",
        "in_step",
        "ring",
        "subscription",
    )

    def __init__(self, subscription: Subscription, limits: FanoutLimits) -> None:
        self.subscription = subscription
        self.ring = Ring()
        self.cursor = 0
        self.in_step: dict[Session, Callable[[bytes], None]] = {}
        self.behind: dict[Session, None] = {}
        self._limits = limits
        self._command_messages_counted_max = limits.command_messages_counted_max
        # Messages so far of the command that was published last.
        self._command_messages = 0
        # Clients behind the group's cursor that wait only for the next flush of the group.
        self._waiting: dict[Session, None] = {}
        # No client can be past its lag limit before the head reaches this position.
        self._lag_check_at = NEVER

    @property
    def is_empty(self) -> bool:
        """Whether the group has no client."""
        return not (self.in_step or self.behind)

    def add(self, session: Session) -> None:
        """Take a client in at the head: it receives the messages that are published from now on."""
        session.enter(self)
        self._put_behind(session)

    def remove(self, session: Session) -> None:
        """Forget a client."""
        if session.in_step:
            self.leave_step(session)
        self.behind.pop(session, None)
        self._waiting.pop(session, None)

    def leave_step(self, session: Session) -> None:
        """Give a client in step its own cursor."""
        del self.in_step[session]
        session.left_step()
        self._put_behind(session)

    def fall_into_step(self, session: Session) -> None:
        """Write for this client from now on, at once or after the flush that reaches it."""
        if session.cursor != self.cursor:
            self._waiting[session] = None
            return
        self.behind.pop(session, None)
        self._waiting.pop(session, None)
        session.in_step = True
        self.in_step[session] = session.write

    def append(self, frame: bytes, note: Note | None, *, goes_on: bool = False) -> None:
        """Add a message to the ring; flushes or makes room when a limit is reached."""
        ring, limits = self.ring, self._limits
        self._command_messages = self._command_messages + 1 if goes_on else 1
        is_counted = self._command_messages <= self._command_messages_counted_max
        ring.append(frame, note, is_counted=is_counted)
        if ring.head - self.cursor >= limits.batch_messages_max:
            self.flush()
        if (
            ring.size_bytes > limits.ring_bytes_max
            or ring.head - ring.base > limits.ring_messages_max
        ):
            self._make_room()

    def flush(self) -> None:
        """Write new messages: one joined bytes object to clients in step, then to the others."""
        ring = self.ring
        join_bytes_max = self._limits.join_bytes_max
        while self.cursor < ring.head:
            if not self.in_step:
                self.cursor = ring.head
                break
            # The cursor moves first: a client that fills up during its write was given the data.
            data, self.cursor = ring.join(self.cursor, join_bytes_max)
            write_all(list(self.in_step.values()), data)
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            for session in waiting:
                session.catch_up()
        if ring.head > self._lag_check_at:
            self._check_lag()
        if not self.behind:
            ring.trim(ring.head)
            self._lag_check_at = NEVER

    def trim(self) -> None:
        """Drop frames that no client needs; done rarely, because it looks at all clients that are
        behind."""
        self.ring.trim(min((session.cursor for session in self.behind), default=self.cursor))

    def _put_behind(self, session: Session) -> None:
        self.behind[session] = None
        allowed = self._limits.lag_messages_max - session.counted_lag
        self._lag_check_at = min(self._lag_check_at, self.ring.head + allowed)

    def _check_lag(self) -> None:
        for session in list(self.behind):
            session.judge()
        most = max((session.counted_lag for session in self.behind), default=None)
        if most is None:
            self._lag_check_at = NEVER
        else:
            self._lag_check_at = self.ring.head + self._limits.lag_messages_max - most

    def _make_room(self) -> None:
        """Drop the oldest quarter; a client that still needs it is treated as lagging."""
        self.flush()
        ring = self.ring
        if ring.head == ring.base:
            return
        # A quarter at a time, so that the clients behind are looked at rarely.
        base = ring.base + max(1, (ring.head - ring.base) // 4)
        while True:
            for session in list(self.behind):
                if session.cursor < base:
                    session.act_on_lag()
            ring.trim(base)
            if ring.size_bytes <= self._limits.ring_bytes_max:
                return
            base = ring.base + max(1, (ring.head - ring.base) // 4)


def write_all(writes: list[Callable[[bytes], None]], data: bytes) -> None:
    """Write the same bytes to every socket; the hottest loop of the service."""
    remaining = iter(writes)
    while True:
        try:
            for write in remaining:
                write(data)
        except (OSError, RuntimeError):
            # A transport that fails in this loop ends its own session only.
            continue
        return
