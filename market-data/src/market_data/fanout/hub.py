"""Fan-out: the receivers of a message, and the order of messages.

A message is framed once, appended to the ring of every group that subscribed to its topic, and
written at the next flush: one joined bytes object per group, one write per ready socket. A client
has no task, queue, lock or `await` of its own; everything runs on one event loop thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from market_data.fanout.group import Group
from market_data.fanout.lag import LagPolicy, gap_frame, slow_consumer_frame
from market_data.fanout.ring import Note
from market_data.fanout.session import Session
from market_data.fanout.terms import Farewell, Socket, Terms
from market_data.limits import FanoutLimits
from market_data.topics import EVERY_SYMBOL, Subscription, Topic, covering, normalised

if TYPE_CHECKING:
    from collections.abc import Callable


class Slowest(NamedTuple):
    """The client of a hub that lags most; `lag` is its messages, then its private bytes."""

    session: Session
    group: Group
    lag: tuple[int, int]


class Hub:
    """All clients of one process that speak the same language, by subscription."""

    def __init__(
        self, *, limits: FanoutLimits | None = None, farewell: Farewell = slow_consumer_frame
    ) -> None:
        """Make an empty hub, which knows no states until `find_states_with`.

        `farewell` makes the last message to a client that is too slow.
        """
        self.terms = Terms(limits or FanoutLimits(), lambda _channel, _symbol: None, farewell)
        self.sessions: set[Session] = set()
        self._groups: dict[Subscription, Group] = {}
        # A group stands under a symbol or under all symbols of a channel, never under both.
        self._topics: dict[Topic, dict[Group, None]] = {}
        self._pending: dict[Group, None] = {}

    def find_states_with(self, state_of: Callable[[str, str], bytes | None]) -> None:
        """Set where the state of a channel and a symbol is found, framed, if it is known."""
        self.terms.state_of = state_of

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """Every subscription that some client has now."""
        return tuple(self._groups)

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Every topic that some client has now."""
        return tuple(self._topics)

    def position(self, subscription: Subscription) -> int:
        """The number of messages published to a subscription since its first client came."""
        return self._groups[subscription].ring.head

    def has_topic(self, channel: str, symbol: str) -> bool:
        """Whether any client gets this channel of this symbol."""
        topics = self._topics
        # Without clients no topic has to be looked up.
        return bool(topics) and ((channel, symbol) in topics or (channel, EVERY_SYMBOL) in topics)

    def connect(
        self,
        socket: Socket,
        subscription: Subscription,
        *,
        policy: LagPolicy = LagPolicy.DISCONNECT,
        on_text: Callable[[Session, str], None] | None = None,
        context: object = None,
    ) -> Session:
        """Take a client in: it gets everything of its topics published from now on."""
        group = self._group(normalised(subscription))
        session = Session(
            socket,
            group,
            self.terms,
            policy=policy,
            on_text=on_text,
            leave=self._remove,
            context=context,
        )
        self.sessions.add(session)
        group.add(session)
        session.catch_up()
        return session

    def subscribe(self, session: Session, subscription: Subscription) -> None:
        """Replace a client's topics; no message published before is lost or repeated."""
        subscription = normalised(subscription)
        if session.closed or subscription == session.subscription:
            return
        session.take_from_ring()
        self._take_out(session)
        self._group(subscription).add(session)
        session.catch_up()
        session.judge()

    def publish(
        self, channel: str, symbol: str, seq: int | None, frame: bytes, *, goes_on: bool = False
    ) -> None:
        """Append a framed message for every client subscribed to the topic.

        The message is written at the next `flush`, or at once if `batch_messages_max` are waiting.
        `goes_on` tells that the message belongs to the command of the message before. A command
        counts as lag up to a bound only, because the venue makes its messages in one instant.
        """
        self._append(frame, Note(channel, symbol, seq, seq), goes_on=goes_on)

    def publish_gap(self, channel: str, symbol: str, first_seq: int, last_seq: int) -> None:
        """Append a notice of messages that are lost for all clients, `first` to `last` included.

        Later notices merge with an earlier notice; they never replace it.
        """
        gap = Note(channel, symbol, first_seq, last_seq, is_gap=True)
        self._append(gap_frame(gap), gap)

    def tell(self, subscription: Subscription, frame: bytes, channel: str | None = None) -> int:
        """Append a frame for the clients of one subscription; returns its new position.

        With a channel (HEARTBEATS) only the newest survives lag; without one no lag drops it.
        """
        group = self._groups[subscription]
        self._pending[group] = None
        group.append(frame, None if channel is None else Note(channel, "", None, None))
        return group.ring.head

    def flush(self) -> None:
        """Write the published messages: once per group and ready socket."""
        while self._pending:
            # One at a time: should a callback fail, the other groups are still waiting.
            group, _ = self._pending.popitem()
            group.flush()

    def used_bytes(self) -> int:
        """Bytes that wait for clients now; frames in several rings count once for each."""
        return sum(
            group.ring.size_bytes + sum(session.backlog_bytes for session in group.behind)
            for group in self._groups.values()
        )

    def slowest(self) -> Slowest | None:
        """The client that lags most; None if no client is behind."""
        behind = (
            Slowest(session, group, (session.lag, session.backlog_bytes))
            for group in self._groups.values()
            for session in group.behind
        )
        return max(behind, key=lambda found: found.lag, default=None)

    def _append(self, frame: bytes, note: Note, *, goes_on: bool = False) -> None:
        for topic in covering((note.channel, note.symbol)):
            # Copied because a full ring may disconnect the last client of a group.
            for group in tuple(self._topics.get(topic, ())):
                self._pending[group] = None
                group.append(frame, note, goes_on=goes_on)

    def _remove(self, session: Session) -> None:
        """Forget a client whose connection has closed."""
        self.sessions.discard(session)
        self._take_out(session)

    def _take_out(self, session: Session) -> None:
        group = self._groups[session.subscription]
        group.remove(session)
        if not group.is_empty:
            return
        del self._groups[group.subscription]
        self._pending.pop(group, None)
        for topic in group.subscription:
            groups = self._topics[topic]
            del groups[group]
            if not groups:
                del self._topics[topic]

    def _group(self, subscription: Subscription) -> Group:
        group = self._groups.get(subscription)
        if group is None:
            group = self._groups[subscription] = Group(subscription, self.terms.limits)
            for topic in subscription:
                self._topics.setdefault(topic, {})[group] = None
        return group
