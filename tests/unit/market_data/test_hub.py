"""The hub: which client gets which messages, in which order, and in how many writes."""

from market_data.fanout.group import Group
from market_data.fanout.hub import Hub
from market_data.fanout.replay import Replay
from market_data.fanout.ring import Entry, Note
from market_data.fanout.session import Session
from market_data.limits import FanoutLimits
from market_data.topics import normalised
from tapewire.web.websocket_frames import text_frame
from tests.support.transport.fake_socket import FakeSocket, message_frame, private_frame

TRADES = frozenset({("trades", "*")})
BTC = frozenset({("trades", "BTC")})
ETH = frozenset({("trades", "ETH")})


def join(
    hub: Hub, subscription: frozenset[tuple[str, str]] = TRADES, room_bytes: int = 1 << 40
) -> tuple[Session, FakeSocket]:
    """Return a client and its socket."""
    socket = FakeSocket(room_bytes)
    socket.session = hub.connect(socket, subscription)
    return socket.session, socket


def numbered(seq: int) -> Entry:
    """A trade as a log has it."""
    return message_frame("trades", "BTC", seq), Note("trades", "BTC", seq, seq)


def publish(hub: Hub, *seqs: int, symbol: str = "BTC") -> None:
    """Publish trades with these sequences."""
    for seq in seqs:
        hub.publish("trades", symbol, seq, message_frame("trades", symbol, seq))


def test_a_batch_is_one_shared_write_per_client() -> None:
    """Everything published before a flush reaches each client in one write of one object."""
    hub = Hub()
    sockets = [join(hub)[1] for _ in range(3)]
    publish(hub, 1, 2, 3)
    assert all(not socket.writes for socket in sockets)
    hub.flush()
    assert [len(socket.writes) for socket in sockets] == [1, 1, 1]
    assert all(socket.writes[0] is sockets[0].writes[0] for socket in sockets)
    assert sockets[0].seqs() == [1, 2, 3]


def test_flush_without_news_writes_nothing() -> None:
    """A flush writes nothing when nothing was published."""
    hub = Hub()
    _, socket = join(hub)
    hub.flush()
    publish(hub, 1)
    hub.flush()
    hub.flush()
    assert len(socket.writes) == 1


def test_clients_with_equal_subscriptions_share_a_group() -> None:
    """Groups are made per subscription and vanish with their last client."""
    hub = Hub()
    first, _ = join(hub, BTC)
    join(hub, BTC)
    other, _ = join(hub, ETH)
    assert len(hub.subscriptions) == 2
    other.connection_closed()
    assert len(hub.subscriptions) == 1
    assert first.subscription == BTC


def test_topics_reach_only_their_subscribers() -> None:
    """A symbol subscription gets its symbol, a wildcard every symbol, also a new one."""
    hub = Hub()
    _, btc = join(hub, BTC)
    _, everything = join(hub, TRADES)
    _, bbo = join(hub, frozenset({("bbo", "*")}))
    publish(hub, 1)
    publish(hub, 1, symbol="DOGE")
    hub.flush()
    assert (btc.seqs(), btc.seqs("DOGE")) == ([1], [])
    assert (everything.seqs(), everything.seqs("DOGE")) == ([1], [1])
    assert bbo.writes == []


def test_a_symbol_beside_its_wildcard_is_not_delivered_twice() -> None:
    """A subscription with a symbol and the wildcard gets the messages of the symbol once."""
    both = frozenset({("trades", "*"), ("trades", "BTC"), ("bbo", "BTC")})
    assert normalised(both) == {("trades", "*"), ("bbo", "BTC")}
    hub = Hub()
    _, socket = join(hub, both)
    publish(hub, 1)
    hub.flush()
    assert socket.seqs() == [1]


def test_a_client_gets_nothing_from_before_it_joined() -> None:
    """A joining client does not get messages that already wait for a flush."""
    hub = Hub()
    _, early = join(hub)
    publish(hub, 1)
    _, late = join(hub)
    publish(hub, 2)
    hub.flush()
    assert (early.seqs(), late.seqs()) == ([1, 2], [2])


def test_a_full_socket_is_skipped_until_it_drains() -> None:
    """A client with a full socket delays no other client, and later gets all messages in order."""
    hub = Hub()
    _, slow = join(hub, room_bytes=10)
    _, fast = join(hub)
    for seq in (1, 2, 3):
        publish(hub, seq)
        hub.flush()
    assert fast.seqs() == [1, 2, 3]
    assert (slow.seqs(), len(slow.writes)) == ([1], 1)
    slow.drain()
    assert slow.seqs() == [1, 2, 3]
    assert len(slow.writes) == 2
    publish(hub, 4)
    hub.flush()
    assert slow.seqs() == [1, 2, 3, 4]


def test_a_client_that_drains_between_publish_and_flush_gets_each_message_once() -> None:
    """Catching up stops where the coming flush starts."""
    hub = Hub()
    _, slow = join(hub, room_bytes=1)
    publish(hub, 1)
    hub.flush()
    publish(hub, 2)
    hub.flush()
    publish(hub, 3)
    slow.drain()
    assert slow.seqs() == [1, 2]
    hub.flush()
    assert slow.seqs() == [1, 2, 3]


def test_a_private_message_keeps_its_place_in_the_stream() -> None:
    """What was published before a private message arrives before it, the rest after."""
    hub = Hub()
    session, socket = join(hub)
    publish(hub, 1)
    session.send(private_frame(1))
    publish(hub, 2)
    session.send(private_frame(2))
    hub.flush()
    publish(hub, 3)
    hub.flush()
    order = [message.get("seq") or -message["private"] for message in socket.messages()]
    assert order == [1, -1, 2, -2, 3]


def test_a_private_message_to_a_full_socket_waits_in_place() -> None:
    """The order is the same if the socket is full for a while."""
    hub = Hub()
    session, socket = join(hub, room_bytes=1)
    publish(hub, 1)
    hub.flush()
    publish(hub, 2)
    session.send(private_frame(9))
    publish(hub, 3)
    hub.flush()
    socket.drain()
    order = [message.get("seq") or -message["private"] for message in socket.messages()]
    assert order == [1, 2, -9, 3]


def test_changing_the_subscription_loses_and_repeats_nothing() -> None:
    """A topic in both subscriptions arrives exactly once across the change."""
    hub = Hub()
    session, socket = join(hub, BTC)
    publish(hub, 1)
    hub.subscribe(session, BTC | ETH)
    publish(hub, 2)
    publish(hub, 1, symbol="ETH")
    hub.flush()
    publish(hub, 3)
    hub.flush()
    assert socket.seqs() == [1, 2, 3]
    assert socket.seqs("ETH") == [1]
    assert len(hub.subscriptions) == 1


def test_changing_the_subscription_of_a_full_socket_keeps_its_backlog() -> None:
    """Waiting messages of the old subscription are delivered before those of the new one."""
    hub = Hub()
    session, socket = join(hub, BTC, room_bytes=1)
    publish(hub, 1)
    hub.flush()
    publish(hub, 2)
    hub.subscribe(session, ETH)
    publish(hub, 3)
    publish(hub, 1, symbol="ETH")
    hub.flush()
    assert session.lag == 2
    socket.drain()
    assert (socket.seqs(), socket.seqs("ETH")) == ([1, 2], [1])
    assert session.lag == 0


def test_a_replay_goes_out_between_the_hold_and_the_stream() -> None:
    """Held messages wait for the replay; private messages do not."""
    hub = Hub()
    session, socket = join(hub)
    replay = Replay(session, {("trades", "BTC"): 2})
    publish(hub, 5)
    hub.flush()
    session.send(private_frame(1))
    hub.subscribe(session, BTC)
    publish(hub, 6)
    assert replay.head(("trades", "BTC"), 6) == 4
    assert replay.head(("trades", "ETH"), 9) == 9
    replay.send([numbered(3), numbered(4)])
    assert replay.positions == {("trades", "BTC"): 4}
    replay.end()
    hub.flush()
    publish(hub, 7)
    hub.flush()
    order = [message.get("seq") or -message["private"] for message in socket.messages()]
    assert order == [-1, 3, 4, 5, 6, 7]


def test_what_a_client_has_from_another_process_is_not_sent_again() -> None:
    """Held messages up to the position of the client are dropped."""
    hub = Hub()
    session, socket = join(hub)
    replay = Replay(session, {("trades", "BTC"): 6})
    publish(hub, 5, 6, 7)
    replay.drop_known()
    replay.end()
    hub.flush()
    assert socket.seqs() == [7]


def test_a_message_for_every_subscription() -> None:
    """Each subscription can be told a message, also an empty subscription."""
    hub = Hub()
    _, one = join(hub, BTC)
    _, other = join(hub, frozenset())
    positions = [hub.tell(topics, private_frame(1)) for topics in hub.subscriptions]
    hub.flush()
    assert one.messages() == other.messages() == [{"private": 1}]
    assert positions == [hub.position(topics) for topics in hub.subscriptions] == [1, 1]


def test_a_loss_for_everybody_is_a_notice_in_the_stream() -> None:
    """Subscribers of a topic get a notice of a gap of the venue at its place in the stream."""
    hub = Hub()
    _, socket = join(hub, BTC)
    _, other = join(hub, ETH)
    publish(hub, 1)
    hub.publish_gap("trades", "BTC", 2, 4)
    publish(hub, 5)
    hub.flush()
    first, gap, last = socket.messages()
    assert (first["seq"], gap["from"], gap["to"], last["seq"]) == (1, 2, 4, 5)
    assert other.writes == []


def test_a_long_turn_flushes_itself() -> None:
    """At most one batch of messages waits for a flush."""
    hub = Hub(limits=FanoutLimits(batch_messages_max=4))
    _, socket = join(hub)
    publish(hub, *range(1, 10))
    assert socket.seqs() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(socket.writes) == 2


def test_one_write_is_bounded_in_bytes() -> None:
    """A batch larger than a write goes out in several."""
    frame = message_frame("trades", "BTC", 1)
    hub = Hub(limits=FanoutLimits(join_bytes_max=2 * len(frame)))
    _, socket = join(hub)
    publish(hub, 1, 2, 3, 4, 5)
    hub.flush()
    assert [len(data) // len(frame) for data in socket.writes] == [2, 2, 1]


def test_a_broken_transport_does_not_stop_the_others() -> None:
    """A write that raises affects only its own connection."""

    class BrokenSocket(FakeSocket):
        """Refuses every write."""

        def _write(self, data: bytes) -> None:
            raise OSError(f"gone, with {len(data)} bytes")

    hub = Hub()
    broken = BrokenSocket()
    broken.session = hub.connect(broken, TRADES)
    _, socket = join(hub)
    publish(hub, 1)
    hub.flush()
    assert socket.seqs() == [1]


def test_the_ring_is_empty_when_nobody_is_behind() -> None:
    """Frames are forgotten when no client needs them."""
    hub = Hub()
    session, _ = join(hub)
    publish(hub, *range(1, 101))
    hub.flush()
    ring = session.place.ring
    assert (ring.base, ring.head, ring.size_bytes) == (100, 100, 0)


def test_a_closed_client_is_forgotten() -> None:
    """After a client has left, the hub holds nothing of it, and reports its end once."""
    hub = Hub()
    session, socket = join(hub, BTC)
    group = session.place
    publish(hub, 1)
    session.connection_closed()
    session.connection_closed()
    session.send(text_frame(b"late"))
    hub.subscribe(session, ETH)
    hub.flush()
    assert (hub.sessions, hub.subscriptions, socket.writes) == (set(), (), [])
    assert isinstance(group, Group)
    assert group.is_empty


def test_close_sends_private_messages_first() -> None:
    """The last message reaches the transport before the close frame, even if the socket is full."""
    hub = Hub()
    session, socket = join(hub, room_bytes=1)
    publish(hub, 1)
    hub.flush()
    publish(hub, 2)
    session.send(private_frame(1))
    session.close(4000, "bye")
    assert socket.messages()[-1] == {"private": 1}
    assert (socket.seqs(), socket.closed_with) == ([1], (4000, "bye"))
