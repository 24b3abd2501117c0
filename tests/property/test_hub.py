"""Random clients against a simple model of what a subscription promises.

The model keeps, per client, the plain list of everything it is owed. What the client was given must
be that list: all of it, in order and once, or with exact gap notices where its policy allows them,
or a start of it followed by an error that says where the rest begins.
"""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from market_data.fanout.hub import Hub
from market_data.fanout.lag import LagPolicy
from market_data.fanout.replay import Replay
from market_data.fanout.ring import Entry, Note
from market_data.fanout.session import Session
from market_data.limits import FanoutLimits
from market_data.topics import Subscription, Topic, normalised
from tests.support.transport.fake_socket import FakeSocket, message_frame, private_frame

CHANNELS = ("trades", "bbo")
SYMBOLS = ("A", "B", "C")
LIMITS = FanoutLimits(
    batch_messages_max=4,
    join_bytes_max=200,
    ring_messages_max=20,
    ring_bytes_max=900,
    lag_messages_max=9,
    backlog_bytes_max=900,
)

Key = tuple[str, str, int]
"""What identifies a message: (channel, symbol, seq), or ("private", "", number)."""

topics = st.tuples(st.sampled_from(CHANNELS), st.sampled_from((*SYMBOLS, "*")))
subscriptions = st.frozensets(topics, max_size=4)
rooms = st.sampled_from([0, 1, 60, 150, 400, 5000, 1 << 40])


class Client:
    """One client of the hub and what it is owed."""

    def __init__(self, hub: Hub, subscription: Subscription, policy: LagPolicy, room: int) -> None:
        """Connect."""
        self.socket = FakeSocket(room)
        self.subscription = subscription
        self.policy = policy
        self.session: Session = hub.connect(self.socket, subscription, policy=policy)
        self.socket.session = self.session
        self.owed: list[Key] = []
        self.owed_after_release: list[Key] | None = None
        self.replay: Replay | None = None
        # A hold may drop what can be had again: then topics are right one by one.
        self.was_held = False

    def owe(self, key: Key) -> None:
        """Remember a published message if the subscription covers it."""
        covers = {(key[0], key[1]), (key[0], "*")} & self.subscription
        if covers and not self.session.closed:
            held = self.owed_after_release
            (self.owed if held is None else held).append(key)

    def got(self) -> list[dict[str, Any]]:
        """Return what was handed to the socket, without the error of a disconnect."""
        return [m for m in self.socket.messages() if m.get("type") != "error"]

    def all_owed(self) -> list[Key]:
        """Return everything owed, also what waits for a release."""
        return self.owed + (self.owed_after_release or [])


def key_of(message: dict[str, Any]) -> Key:
    """Return the key of a received message."""
    if "private" in message:
        return ("private", "", message["private"])
    return (message["channel"], message["symbol"], message["seq"])


def expanded(messages: list[dict[str, Any]]) -> list[tuple[Key, bool]]:
    """Return received keys in order, gap notices written out, and whether each came whole."""
    keys: list[tuple[Key, bool]] = []
    for message in messages:
        if message.get("type") == "gap":
            assert message["from"] <= message["to"]
            keys += [
                ((message["channel"], message["symbol"], seq), False)
                for seq in range(message["from"], message["to"] + 1)
            ]
        else:
            keys.append((key_of(message), True))
    return keys


def is_subsequence(short: list[Key], long: list[Key]) -> bool:
    """Tell whether `short` is `long` with some elements left out."""
    remaining = iter(long)
    return all(key in remaining for key in short)


class HubMachine(RuleBasedStateMachine):
    """Joins, leaves, stalls, resubscriptions, holds and publishes, in any order."""

    def __init__(self) -> None:
        """Start with an empty hub."""
        super().__init__()
        self.hub = Hub(limits=LIMITS)
        self.hub.find_states_with(self.state_of)
        self.clients: list[Client] = []
        self.seqs: dict[tuple[str, str], int] = {}
        self.private = 0
        self.replayed = 0

    def state_of(self, channel: str, symbol: str) -> bytes | None:
        """The newest quote of a symbol."""
        seq = self.seqs.get((channel, symbol))
        return None if seq is None else message_frame(channel, symbol, seq)

    def pick(self, index: int) -> Client:
        """Return one of the clients."""
        return self.clients[index % len(self.clients)]

    @rule(subscription=subscriptions, policy=st.sampled_from(LagPolicy), room=rooms)
    def join(self, subscription: Subscription, policy: LagPolicy, room: int) -> None:
        """A client connects."""
        self.clients.append(Client(self.hub, subscription, policy, room))

    @precondition(lambda self: self.clients)
    @rule(index=st.integers(0, 99))
    def leave(self, index: int) -> None:
        """A connection is lost; what it was given until then must have been right."""
        client = self.clients.pop(index % len(self.clients))
        client.session.connection_closed()
        check_prefix(client)

    @rule(channel=st.sampled_from(CHANNELS), symbol=st.sampled_from(SYMBOLS), n=st.integers(1, 7))
    def publish(self, channel: str, symbol: str, n: int) -> None:
        """Messages of one topic are published; a full ring may already act on slow clients."""
        for _ in range(n):
            seq = self.seqs[channel, symbol] = self.seqs.get((channel, symbol), 0) + 1
            for client in self.clients:
                client.owe((channel, symbol, seq))
            self.hub.publish(channel, symbol, seq, message_frame(channel, symbol, seq))

    @rule()
    def flush(self) -> None:
        """The turn ends."""
        self.hub.flush()

    @precondition(lambda self: self.clients)
    @rule(index=st.integers(0, 99), subscription=subscriptions)
    def subscribe(self, index: int, subscription: Subscription) -> None:
        """A client changes its subscription."""
        client = self.pick(index)
        if client.replay is None:
            client.subscription = subscription
            self.hub.subscribe(client.session, subscription)

    @precondition(lambda self: self.clients)
    @rule(index=st.integers(0, 99), room=rooms)
    def drain(self, index: int, room: int) -> None:
        """A socket takes what was unsent, and then so many bytes more."""
        self.pick(index).socket.drain(room)

    @precondition(lambda self: self.clients)
    @rule(index=st.integers(0, 99), room=st.sampled_from([0, 1, 100]))
    def stall(self, index: int, room: int) -> None:
        """A socket will soon be full."""
        socket = self.pick(index).socket
        if not socket.unsent:
            socket.room_bytes = room

    @precondition(lambda self: self.clients)
    @rule(index=st.integers(0, 99))
    def send(self, index: int) -> None:
        """A message goes to one client."""
        client = self.pick(index)
        self.private += 1
        if not client.session.closed:
            client.owed.append(("private", "", self.private))
        client.session.send(private_frame(self.private))

    @precondition(lambda self: self.clients)
    @rule(index=st.integers(0, 99))
    def hold(self, index: int) -> None:
        """A replay is asked for."""
        client = self.pick(index)
        if client.owed_after_release is None and not client.session.closed:
            client.owed_after_release = []
            client.was_held = True
            client.replay = Replay(client.session, {})

    @precondition(lambda self: self.clients)
    @rule(index=st.integers(0, 99), count=st.integers(0, 18))
    def replay_and_release(self, index: int, count: int) -> None:
        """The replay arrives and the stream goes on."""
        client = self.pick(index)
        replay = client.replay
        if client.owed_after_release is None or replay is None or client.session.closed:
            return
        entries: list[Entry] = []
        for _ in range(count):
            self.replayed += 1
            key = ("history", "A", self.replayed)
            client.owed.append(key)
            entries.append((message_frame(*key), Note(key[0], key[1], key[2], key[2])))
        client.owed += client.owed_after_release
        client.owed_after_release = None
        replay.send(entries)
        self.replay_rest(replay)
        replay.end()
        client.replay = None

    def replay_rest(self, replay: Replay) -> None:
        """Do what a resume does: send what was dropped while it was kept back, until none is left.

        Sending makes the hub look at the client again, and that may drop more of what is kept back.
        """
        while missing := self.missing(replay):
            for topic, seq in missing:
                replay.send([(message_frame(*topic, seq), Note(*topic, seq, seq))])

    def missing(self, replay: Replay) -> list[tuple[Topic, int]]:
        """The trades before the first kept-back one that the replay has not sent."""
        return [
            (topic, seq)
            for topic, last in dict(replay.positions).items()
            if topic[0] == "trades"
            for seq in range(last + 1, replay.head(topic, self.seqs[topic]) + 1)
        ]

    @invariant()
    def memory_is_bounded(self) -> None:
        """Rings, backlogs and lag stay within their limits."""
        for client in self.clients:
            session = client.session
            ring, backlog = session.place.ring, session.backlog
            waiting = [*backlog._ready, *(backlog._kept_back or ())]
            assert session.backlog_bytes == sum(len(frame) for frame, _ in waiting)
            assert backlog.private_bytes == sum(len(f) for f, note in waiting if note is None)
            assert backlog.private_bytes <= LIMITS.backlog_bytes_max
            assert session.backlog_bytes <= LIMITS.backlog_bytes_max + LIMITS.ring_bytes_max
            assert ring.head - ring.base <= LIMITS.ring_messages_max
            assert ring.size_bytes <= LIMITS.ring_bytes_max
            assert session.lag <= LIMITS.lag_messages_max + LIMITS.batch_messages_max
            if not session.closed:
                assert session.subscription == normalised(client.subscription)

    @invariant()
    def nothing_is_wrong_so_far(self) -> None:
        """What each client was given is right at every moment, not only in the end."""
        for client in self.clients:
            check_prefix(client)

    def teardown(self) -> None:
        """In the end every socket drains, and then every promise is kept to the last message."""
        for client in self.clients:
            if client.owed_after_release is not None:
                client.owed += client.owed_after_release
                client.owed_after_release = None
                assert client.replay is not None
                self.replay_rest(client.replay)
                client.replay.end()
        self.hub.flush()
        for client in self.clients:
            client.socket.drain()
        self.hub.flush()
        for client in self.clients:
            check_complete(client)
            client.session.connection_closed()
        assert not self.hub.subscriptions
        assert not self.hub.sessions


def check_prefix(client: Client) -> None:
    """What came whole is owed, in order, once; and with the notices nothing is left out."""
    whole = [key for key, came_whole in expanded(client.got()) if came_whole]
    owed = client.all_owed()
    if client.was_held:
        for topic in {key[:2] for key in whole}:
            check_topic_prefix(
                topic,
                [key for key in whole if key[:2] == topic],
                [key for key in owed if key[:2] == topic],
            )
    elif client.policy is LagPolicy.DISCONNECT:
        assert whole == owed[: len(whole)]
    else:
        assert len(set(whole)) == len(whole)
        assert is_subsequence(whole, owed)
    if client.policy is LagPolicy.DISCONNECT:
        assert len(whole) == len(client.got()), "gap notices belong to the other policies"
    if client.socket.written_while_full:
        assert client.socket.closed_with is not None, "written to a full socket"


def check_topic_prefix(topic: tuple[str, str], whole: list[Key], owed: list[Key]) -> None:
    """A state may come again and stand for earlier ones; everything else is as without a hold."""
    if topic[0] == "bbo":
        assert whole == sorted(whole)
        assert not whole or whole[-1] in owed
    else:
        assert len(set(whole)) == len(whole)
        assert is_subsequence(whole, owed)


def check_complete(client: Client) -> None:
    """Everything owed was delivered or accounted for, or the client knows where to resume."""
    received = expanded(client.got())
    owed = client.all_owed()
    if client.session.closed:
        assert client.socket.closed_with == (4008, "slow_consumer")
        error = client.socket.messages()[-1]
        assert error["code"] == "slow_consumer"
        if client.policy is LagPolicy.DISCONNECT:
            told = {name: seq for name, seq in error["since"].items() if name in SYMBOLS}
            keys = {key for key, _ in received}
            assert told == first_missing([key for key in owed if key not in keys])
        return
    for topic in {key[:2] for key in owed}:
        expected = [key for key in owed if key[:2] == topic]
        covered = [key for key, _ in received if key[:2] == topic]
        newest_counts = client.policy is LagPolicy.CONFLATE or client.was_held
        if newest_counts and topic[0] == "bbo":
            assert covered[-1] == expected[-1], "the newest state was lost"
        else:
            assert covered == expected, json.dumps(client.got())
    if client.policy is LagPolicy.DISCONNECT and not client.was_held:
        assert [key for key, _ in received] == owed


def first_missing(undelivered: list[Key]) -> dict[str, int]:
    """Return, per symbol, the trade sequence before the first one undelivered."""
    since: dict[str, int] = {}
    for channel, symbol, seq in undelivered:
        if channel == "trades":
            since.setdefault(symbol, seq - 1)
    return since


HubMachine.TestCase.settings = settings(
    max_examples=settings().max_examples, stateful_step_count=40, deadline=None, print_blob=True
)
TestHub = HubMachine.TestCase
