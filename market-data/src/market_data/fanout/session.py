"""One client in the fan-out: its position in the stream, and the messages for it alone.

A session is *in step* with its group (its socket takes everything, so the group writes for it) or
*behind*: then it has a cursor of its own, and perhaps a backlog that goes out before its ring.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from market_data.fanout.backlog import Backlog
from market_data.fanout.lag import (
    SLOW_CONSUMER_CLOSE_CODE,
    SLOW_CONSUMER_CODE,
    LagPolicy,
    states_to_renew,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from market_data.fanout.terms import Place, Socket, Terms
    from market_data.topics import Subscription, Topic


class Session:
    """The state of one client; made by `Hub.connect`."""

    __slots__ = (
        "_leave",
        "_states",
        "backlog",
        "closed",
        "context",
        "cursor",
        "in_step",
        "on_text",
        "paused",
        "place",
        "policy",
        "socket",
        "terms",
        "write",
    )

    def __init__(
        self,
        socket: Socket,
        place: Place[Session],
        terms: Terms,
        *,
        policy: LagPolicy,
        on_text: Callable[[Session, str], None] | None,
        leave: Callable[[Session], None],
        context: object,
    ) -> None:
        """`leave` is called once, when the connection is over."""
        self.socket = socket
        self.write = socket.write
        self.place = place
        self.terms = terms
        self.policy = policy
        self.on_text = on_text
        # The application's own state of the client.
        self.context = context
        # In step: the ring position at which it fell into step. Behind: the next one to send.
        self.cursor = 0
        self.in_step = False
        # The transport holds unsent bytes: nothing more is written until it has none.
        self.paused = socket.unsent_bytes() > 0
        self.closed = False
        self._leave = leave
        self.backlog = Backlog()
        # Topics whose present state the client is owed, in the order in which it gets them.
        self._states: dict[Topic, None] = {}

    @property
    def subscription(self) -> Subscription:
        """The topics of the client."""
        return self.place.subscription

    @property
    def lag(self) -> int:
        """Stream messages published for this client and not yet handed to its socket."""
        if self.closed:
            return 0
        cursor = self.place.cursor if self.in_step else self.cursor
        return self.place.ring.head - cursor + self.backlog.from_ring

    @property
    def counted_lag(self) -> int:
        """The part of the lag that counts: of a large command only the first messages do."""
        if self.in_step:
            return self.place.ring.counted(self.place.cursor)
        return self.place.ring.counted(self.cursor) + self.backlog.counted

    @property
    def backlog_bytes(self) -> int:
        """Bytes that wait for this client alone."""
        return self.backlog.size_bytes

    @property
    def ready_bytes(self) -> int:
        """The entries that are sent before the held ones."""
        return self.backlog.ready_bytes

    # Called by the application.

    def send(self, frame: bytes) -> None:
        """Send one frame to this client alone, after everything published to it so far.

        While the session is held the frame goes out at once, before the stream goes on.
        """
        if self.closed:
            return
        if self.in_step and self.place.cursor == self.place.ring.head:
            self.write(frame)
            return
        if not self.backlog.is_held:
            self.take_from_ring()
        self.backlog.add(frame)
        self.catch_up_and_judge()

    def send_states(self, topics: Iterable[Topic]) -> None:
        """Send the present state of these topics, each when the socket has taken the one before.

        States are made when they are sent, so a client that takes them slowly costs no memory. A
        held client gets them after its replay.
        """
        if self.closed:
            return
        self._states.update(dict.fromkeys(topics))
        self._leave_step()
        self.catch_up()

    def hold(self, since: Mapping[Topic, int]) -> None:
        """Keep the stream back until `release`, so that a replay from `since` can go out first."""
        if self.closed or self.backlog.is_held:
            return
        self.take_from_ring()
        # The policy may thin messages from before the hold, so it acts before the hold begins.
        self.catch_up_and_judge()
        if not self.closed:
            self._leave_step()
            self.backlog.hold(since)

    def release(self) -> None:
        """Release the stream from the position at which it was held."""
        if self.closed or not self.backlog.is_held:
            return
        self.backlog.release()
        self.catch_up_and_judge()

    def close(self, code: int, reason: str = "") -> None:
        """Close after the private messages that wait; stream messages that wait are dropped."""
        if self.closed:
            return
        if private := self.backlog.private_frames():
            self.write(b"".join(private))
        self.socket.close(code, reason)
        self.connection_closed()

    # Called by the connection.

    def text_received(self, text: str) -> None:
        """Pass a message of the client on to the application."""
        if self.on_text is not None and not self.closed:
            self.on_text(self, text)

    def pause_writing(self) -> None:
        """Fall out of step: the socket is full."""
        self.paused = True
        self._leave_step()

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
        self._leave(self)
        self.backlog.clear()
        self._states.clear()

    # Called by group and hub.

    def enter(self, place: Place[Session]) -> None:
        """Join a group: the client receives the messages that are published to it from now on."""
        self.place = place
        self.cursor = place.ring.head

    def left_step(self) -> None:
        """Take over the position from the group; called by the group."""
        self.cursor = self.place.cursor
        self.in_step = False

    def take_from_ring(self) -> None:
        """Move the unsent messages of the ring into the backlog; the client leaves step."""
        self._leave_step()
        ring = self.place.ring
        self.backlog.add_stream(ring.entries(self.cursor), ring.counted(self.cursor))
        self.cursor = ring.head

    def catch_up(self) -> None:
        """Write queued messages until the socket is full or the client is in step again."""
        place, backlog = self.place, self.backlog
        join_bytes_max = self.terms.limits.join_bytes_max
        states_bytes = 0
        while not self.paused and not self.closed:
            if backlog.is_ready:
                self.write(backlog.take(join_bytes_max))
            elif backlog.is_held:
                return
            elif self._states:
                if states_bytes > join_bytes_max:
                    # Making states takes time, which belongs to the other clients too.
                    asyncio.get_running_loop().call_soon(self.catch_up)
                    return
                states_bytes += self._add_state()
            elif self.cursor < place.cursor:
                data, self.cursor = place.ring.join(self.cursor, join_bytes_max, place.cursor)
                self.write(data)
            else:
                place.fall_into_step(self)
                return

    def catch_up_and_judge(self) -> None:
        """Write queued messages, then apply the lag policy if too many are left."""
        self.catch_up()
        self.judge()

    def judge(self) -> None:
        """Apply the lag policy to a client that is over its limits.

        A large command counts as a part of the allowed lag, and a replay counts nothing.
        """
        limits, backlog = self.terms.limits, self.backlog
        if not self.closed and (
            self.counted_lag > limits.lag_messages_max
            or backlog.private_bytes > limits.backlog_bytes_max
            or backlog.size_bytes > limits.backlog_bytes_max + limits.ring_bytes_max
        ):
            self.act_on_lag()

    def act_on_lag(self) -> None:
        """Apply the policy of a client that is too far behind.

        A held client is behind because of its replay, so its held messages join the replay.
        """
        terms = self.terms
        if self.backlog.is_held:
            self.take_from_ring()
            self._states.update(dict.fromkeys(self.backlog.shed()))
            if self.backlog.private_bytes > terms.limits.backlog_bytes_max:
                self.give_up()
            return
        if self.policy is LagPolicy.DISCONNECT:
            self.give_up()
            return
        self.take_from_ring()
        thinned = self.backlog.thin(self.policy)
        terms.skipped += thinned.dropped
        terms.gaps += len(thinned.gaps)
        if self.backlog.size_bytes > terms.limits.backlog_bytes_max:
            self.give_up()
        else:
            self.send_states(states_to_renew(thinned.gaps, self.policy))

    def give_up(self) -> None:
        """Close the client as too slow under any policy, with the positions to resume from."""
        self.terms.slow_disconnects += 1
        self.take_from_ring()
        since = self.backlog.resume_points()
        self.backlog.clear()
        if farewell := self.terms.farewell(since):
            self.write(farewell)
        self.close(SLOW_CONSUMER_CLOSE_CODE, SLOW_CONSUMER_CODE)

    def _leave_step(self) -> None:
        if self.in_step:
            self.place.leave_step(self)

    def _add_state(self) -> int:
        """Put the next state behind everything published so far; returns its size in bytes."""
        topic = next(iter(self._states))
        del self._states[topic]
        frame = self.terms.state_of(*topic)
        if frame is None:
            # The channel publishes the state as soon as it is known.
            return 0
        self.take_from_ring()
        self.backlog.add(frame)
        return len(frame)
