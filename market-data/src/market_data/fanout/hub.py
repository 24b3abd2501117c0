"""Fan-out: who gets a message, in which order, and what happens to those who cannot keep up.

A message is framed once, appended to the ring of every group that subscribed to its topic, and
written at the next flush: one joined bytes object per group, one write per ready socket. There is
no task, queue, lock or `await` per client; everything runs on one event loop thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from market_data.fanout import lag
from market_data.fanout.frames import text_frame
from market_data.fanout.group import Group
from market_data.fanout.lag import LagPolicy
from market_data.fanout.ring import Note
from market_data.fanout.session import Session, Socket
from market_data.limits import FanoutLimits

if TYPE_CHECKING:
    from collections.abc import Callable

Topic: TypeAlias = tuple[str, str]
"""(channel, symbol), the symbol `*` meaning every symbol, also ones that appear later."""

Subscription: TypeAlias = frozenset[Topic]

EVERY_SYMBOL = "*"


class Hub:
    """All clients of one process, by subscription."""

    def __init__(
        self,
        *,
        limits: FanoutLimits | None = None,
        state_channels: frozenset[str] = lag.STATE_CHANNELS,
        encode: Callable[[bytes], bytes] = text_frame,
        on_gap: Callable[[Session, list[Note]], None] | None = None,
    ) -> None:
        """Make an empty hub.

        `encode` frames the messages the hub writes itself; `on_gap` learns which gaps a client has
        just been told of, for instance to send it a fresh snapshot.
        """
        self.limits = limits or FanoutLimits()
        self.state_channels = state_channels
        self.encode = encode
        self.on_gap = on_gap
        self.sessions: set[Session] = set()
        self.slow_disconnects = 0
        self.gaps = 0
        self.skipped = 0
        self._groups: dict[Subscription, Group] = {}
        # A group stands under a symbol or under the wildcard of a channel, never under both.
        self._topics: dict[Topic, dict[Group, None]] = {}
        self._pending: dict[Group, None] = {}

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group that has clients now."""
        return tuple(self._groups.values())

    @property
    def group_count(self) -> int:
        """Different subscriptions in use."""
        return len(self._groups)

    def has_topic(self, channel: str, symbol: str) -> bool:
        """Whether any client gets this channel of this symbol."""
        topics = self._topics
        return (channel, symbol) in topics or (channel, EVERY_SYMBOL) in topics

    def connect(
        self,
        socket: Socket,
        subscription: Subscription,
        *,
        policy: LagPolicy = LagPolicy.DISCONNECT,
        on_text: Callable[[Session, str], None] | None = None,
        on_closed: Callable[[Session], None] | None = None,
        context: object = None,
    ) -> Session:
        """Take a client in: it gets everything of its topics published from now on."""
        group = self._group(normalised(subscription))
        session = Session(
            self,
            socket,
            group,
            policy=policy,
            on_text=on_text,
            on_closed=on_closed,
            context=context,
        )
        self.sessions.add(session)
        group.add(session)
        session.catch_up()
        return session

    def subscribe(self, session: Session, subscription: Subscription) -> None:
        """Replace what a client gets; nothing published before is lost, nothing repeated."""
        subscription = normalised(subscription)
        old = session.group
        if session.closed or subscription == old.subscription:
            return
        session.take_from_ring()
        old.remove(session)
        self._discard_if_empty(old)
        self._group(subscription).add(session)
        session.catch_up()
        lags = session.lag > self.limits.lag_messages_max
        if lags or session.backlog_bytes > self.limits.backlog_bytes_max:
            self.apply_lag_policy(session)

    def remove(self, session: Session) -> None:
        """Forget a client; called by the session when its connection has closed."""
        self.sessions.discard(session)
        session.group.remove(session)
        self._discard_if_empty(session.group)

    def publish(self, channel: str, symbol: str, seq: int | None, frame: bytes) -> None:
        """Append a framed message for every client subscribed to the topic.

        It is written at the next `flush`, or now if `batch_messages_max` are waiting.
        """
        self._append(frame, Note(channel, symbol, seq, seq))

    def publish_gap(self, channel: str, symbol: str, first_seq: int, last_seq: int) -> None:
        """Append a notice that messages are lost for everybody, both ends included.

        Unlike a message without a sequence it is merged into, never replaced by, later notices.
        """
        gap = Note(channel, symbol, first_seq, last_seq, is_gap=True)
        self._append(self.encode(lag.gap_message(gap)), gap)

    def broadcast(self, frame: bytes, channel: str | None = None) -> None:
        """Append a frame for every client whatever its subscription.

        With a channel (`heartbeat`), only the newest survives lag; without one, it is not dropped.
        """
        note = None if channel is None else Note(channel, "", None, None)
        for group in tuple(self._groups.values()):
            self._pending[group] = None
            group.append(frame, note)

    def append(self, group: Group, channel: str | None, frame: bytes) -> None:
        """Append a frame for the clients of one group only; see `broadcast` for the channel."""
        self._pending[group] = None
        group.append(frame, None if channel is None else Note(channel, "", None, None))

    def flush(self) -> None:
        """Write what was published: once per group and ready socket."""
        while self._pending:
            # One at a time: should a callback fail, the other groups are still waiting.
            group, _ = self._pending.popitem()
            group.flush()

    def apply_lag_policy(self, session: Session) -> None:
        """Act on a client that is too far behind, in the way it asked for."""
        session.lags += 1
        if session.policy is LagPolicy.DISCONNECT:
            self._disconnect(session)
            return
        session.take_from_ring()
        queue = session.backlog if session.held is None else session.held
        conflates = session.policy is LagPolicy.CONFLATE
        kept = self.state_channels if conflates else frozenset[str]()
        thinned = lag.thin(queue, kept, self.encode)
        queue[:] = thinned.entries
        session.backlog_bytes = sum(len(frame) for frame, _ in session.backlog)
        session.moved = 0
        session.skipped += thinned.dropped
        self.skipped += thinned.dropped
        self.gaps += len(thinned.gaps)
        if session.backlog_bytes > self.limits.backlog_bytes_max:
            self._disconnect(session)
        elif thinned.gaps and self.on_gap is not None:
            self.on_gap(session, thinned.gaps)

    def _append(self, frame: bytes, note: Note) -> None:
        for symbol in (note.symbol, EVERY_SYMBOL):
            # Copied because a full ring may disconnect the last client of a group.
            for group in tuple(self._topics.get((note.channel, symbol), ())):
                self._pending[group] = None
                group.append(frame, note)

    def _disconnect(self, session: Session) -> None:
        self.slow_disconnects += 1
        session.take_from_ring()
        # A held client is still owed a replay that only it knows: it resumes from what it saw.
        since = lag.resume_points(session.backlog) if session.held is None else {}
        session.backlog.clear()
        session.write(self.encode(lag.slow_consumer_message(since)))
        session.close(lag.SLOW_CONSUMER_CLOSE_CODE, lag.SLOW_CONSUMER_CODE)

    def _group(self, subscription: Subscription) -> Group:
        group = self._groups.get(subscription)
        if group is None:
            group = self._groups[subscription] = Group(self, subscription)
            for topic in subscription:
                self._topics.setdefault(topic, {})[group] = None
        return group

    def _discard_if_empty(self, group: Group) -> None:
        if group.in_step or group.behind or self._groups.get(group.subscription) is not group:
            return
        del self._groups[group.subscription]
        self._pending.pop(group, None)
        for topic in group.subscription:
            groups = self._topics[topic]
            del groups[group]
            if not groups:
                del self._topics[topic]


def normalised(subscription: Subscription) -> Subscription:
    """Return the subscription without symbols that a wildcard of their channel covers."""
    channels = {channel for channel, symbol in subscription if symbol == EVERY_SYMBOL}
    return frozenset(
        (channel, symbol)
        for channel, symbol in subscription
        if symbol == EVERY_SYMBOL or channel not in channels
    )
