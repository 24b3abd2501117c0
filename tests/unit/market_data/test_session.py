"""A slow client: the effect of each lag policy, and the bounds of its waiting messages."""

import pytest

from market_data.fanout.hub import Hub
from market_data.fanout.lag import LagPolicy, gap_frame
from market_data.fanout.replay import Replay
from market_data.fanout.ring import Entry, Note
from market_data.fanout.session import Session
from market_data.limits import FanoutLimits
from tapewire.web.websocket_frames import text_frame
from tests.support.transport.fake_socket import FakeSocket, message_frame, private_frame

EVERYTHING = frozenset({("trades", "*"), ("bbo", "*")})
LIMITS = FanoutLimits(
    batch_messages_max=4,
    lag_messages_max=8,
    ring_messages_max=16,
    ring_bytes_max=4096,
    join_bytes_max=256,
    backlog_bytes_max=2048,
)


def stalled(hub: Hub, policy: LagPolicy) -> tuple[Session, FakeSocket]:
    """Return a client that got trade 1 and whose socket is full since then."""
    socket = FakeSocket(room_bytes=1)
    socket.session = session = hub.connect(socket, EVERYTHING, policy=policy)
    publish(hub, 1)
    return session, socket


def numbered(seq: int) -> Entry:
    """A trade as a log has it."""
    return message_frame("trades", "BTC", seq), Note("trades", "BTC", seq, seq)


def publish(hub: Hub, *seqs: int, channel: str = "trades", symbol: str = "BTC") -> None:
    """Publish and flush messages with these sequences."""
    for seq in seqs:
        hub.publish(channel, symbol, seq, message_frame(channel, symbol, seq))
    hub.flush()


def test_a_client_at_its_lag_limit_is_left_alone() -> None:
    """A client with a lag of exactly the limit stays connected."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.DISCONNECT)
    publish(hub, *range(2, 10))
    assert (session.lag, session.closed) == (8, False)
    socket.drain()
    assert socket.seqs() == list(range(1, 10))


def test_disconnect_names_where_to_resume() -> None:
    """Past the limit the client gets an error with its last sequences, and close code 4008."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.DISCONNECT)
    publish(hub, 7, symbol="ETH")
    publish(hub, *range(2, 10))
    assert session.closed
    assert socket.closed_with == (4008, "slow_consumer")
    error = socket.messages()[-1]
    assert (error["code"], error["since"]) == ("slow_consumer", {"BTC": 1, "ETH": 6})
    assert (hub.terms.slow_disconnects, hub.sessions, session.lag) == (1, set(), 0)


def test_skip_reports_the_gap_and_goes_on() -> None:
    """Past the limit the missed messages become a notice, and the stream continues after it."""
    hub = Hub(limits=LIMITS)
    _, socket = stalled(hub, LagPolicy.SKIP)
    publish(hub, *range(2, 11))
    publish(hub, 11)
    socket.drain()
    publish(hub, 12)
    gap, *rest = socket.messages()[1:]
    assert (gap["type"], gap["symbol"], gap["from"], gap["to"]) == ("gap", "BTC", 2, 10)
    assert [message["seq"] for message in rest] == [11, 12]
    assert (hub.terms.skipped, hub.terms.gaps) == (9, 1)


def test_a_client_that_stays_slow_gets_one_gap() -> None:
    """Notices are merged while they wait, so that their number does not grow."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.SKIP)
    publish(hub, *range(2, 200))
    assert session.backlog_bytes < 2 * len(gap_frame(Note("trades", "BTC", 2, 199, is_gap=True)))
    socket.drain()
    gap, *rest = socket.messages()[1:]
    assert gap["from"] == 2
    assert [message["seq"] for message in rest] == list(range(gap["to"] + 1, 200))


def test_conflate_keeps_the_newest_quote() -> None:
    """The newest bbo survives lag, trades are counted."""
    hub = Hub(limits=LIMITS)
    _, socket = stalled(hub, LagPolicy.CONFLATE)
    for seq in range(1, 7):
        publish(hub, seq, channel="bbo")
        publish(hub, seq + 1)
    socket.drain()
    messages = socket.messages()[1:]
    quotes = [m["seq"] for m in messages if m.get("channel") == "bbo" and "seq" in m]
    assert quotes[-1] == 6
    assert len(quotes) < 6
    gaps = [m for m in messages if m.get("type") == "gap"]
    assert [gap["channel"] for gap in gaps] == ["trades"]


def test_a_loss_for_everybody_is_merged_into_the_notice_of_a_slow_client() -> None:
    """Messages that the venue lost and messages that the client missed share one notice."""
    hub = Hub(limits=LIMITS)
    _, socket = stalled(hub, LagPolicy.SKIP)
    publish(hub, 2, 3)
    hub.publish_gap("trades", "BTC", 4, 50)
    publish(hub, *range(51, 60))
    socket.drain()
    gap, *rest = socket.messages()[1:]
    assert (gap["from"], gap["to"] >= 50) == (2, True)
    assert [message["seq"] for message in rest] == list(range(gap["to"] + 1, 60))


def test_a_book_with_a_gap_is_sent_anew() -> None:
    """The present state comes after the notice, and later messages come after both."""
    hub = Hub(limits=LIMITS)
    hub.find_states_with(lambda channel, symbol: message_frame(channel, symbol, 77))
    socket = FakeSocket(room_bytes=1)
    socket.session = hub.connect(socket, frozenset({("book10", "BTC")}), policy=LagPolicy.CONFLATE)
    publish(hub, 1, channel="book10")
    publish(hub, *range(2, 11), channel="book10")
    socket.drain()
    publish(hub, 11, channel="book10")
    _, gap, state, later = socket.messages()
    assert (gap["type"], gap["from"], gap["to"]) == ("gap", 2, 10)
    assert (state["seq"], later["seq"]) == (77, 11)


def test_states_wait_for_the_socket() -> None:
    """A state is made after the client took the state before it, so no states pile up."""
    made: list[str] = []

    def state_of(channel: str, symbol: str) -> bytes | None:
        made.append(symbol)
        return None if symbol == "NONE" else message_frame(channel, symbol, len(made))

    hub = Hub(limits=LIMITS)
    hub.find_states_with(state_of)
    session, socket = stalled(hub, LagPolicy.DISCONNECT)
    session.send_states([("bbo", symbol) for symbol in ("A", "NONE", "B", "C")])
    assert made == []
    publish(hub, 2)
    socket.drain(room_bytes=60)
    assert made == ["A"]
    publish(hub, 3)
    socket.drain()
    publish(hub, 4)
    told = [(message["channel"], message["symbol"]) for message in socket.messages()]
    assert made == ["A", "NONE", "B", "C"]
    assert told == [
        ("trades", "BTC"), ("trades", "BTC"), ("bbo", "A"), ("trades", "BTC"), ("bbo", "B"),
        ("bbo", "C"), ("trades", "BTC"),
    ]  # fmt: skip


def publish_command(hub: Hub, first: int, last: int) -> None:
    """Publish and flush the messages of one command."""
    for seq in range(first, last + 1):
        frame = message_frame("trades", "BTC", seq)
        hub.publish("trades", "BTC", seq, frame, goes_on=seq > first)
    hub.flush()


def test_a_command_is_a_small_part_of_the_allowed_lag() -> None:
    """More than the limit in one command counts as a quarter of it; later commands count too."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.DISCONNECT)
    publish_command(hub, 2, 10)
    publish(hub, 11)
    publish_command(hub, 12, 13)
    hub.subscribe(session, EVERYTHING | {("trades", "ETH")})
    hub.subscribe(session, frozenset({("trades", "*")}))
    publish(hub, 14, 15, 16)
    assert (session.lag, session.closed) == (15, False)
    publish(hub, 17)
    assert socket.closed_with == (4008, "slow_consumer")
    assert socket.messages()[-1]["since"] == {"BTC": 1}


@pytest.mark.parametrize("policy", list(LagPolicy))
def test_private_messages_are_bounded_under_every_policy(policy: LagPolicy) -> None:
    """Private messages are never dropped, so too many of them end the client."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, policy)
    for number in range(LIMITS.backlog_bytes_max):
        if session.closed:
            break
        session.send(private_frame(number))
        assert session.backlog_bytes <= LIMITS.backlog_bytes_max
    assert socket.closed_with == (4008, "slow_consumer")


def test_a_full_ring_acts_on_the_client_it_is_kept_for() -> None:
    """Large messages fill the ring before the lag limit is reached: same treatment, no silence."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.SKIP)
    for seq in range(2, 6):
        hub.publish("trades", "BTC", seq, text_frame(b"x" * 1500))
        assert session.place.ring.size_bytes <= LIMITS.ring_bytes_max
    socket.drain()
    hub.flush()
    data = b"".join(socket.writes)
    assert b'"from":2,"to":4}' + text_frame(b"x" * 1500) in data


def test_a_full_ring_without_slow_clients_disturbs_nobody() -> None:
    """A turn larger than the ring is written, not dropped."""
    hub = Hub(limits=LIMITS)
    socket = FakeSocket()
    socket.session = session = hub.connect(socket, EVERYTHING)
    for seq in range(1, 10):
        hub.publish("trades", "BTC", seq, text_frame(b"x" * 1500))
    hub.flush()
    assert b"".join(socket.writes) == text_frame(b"x" * 1500) * 9
    assert (session.lag, hub.terms.gaps) == (0, 0)


def test_a_slow_client_that_changes_its_subscription_is_still_slow() -> None:
    """Lag is not forgotten by moving to another group."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.DISCONNECT)
    publish(hub, *range(2, 8))
    hub.subscribe(session, frozenset({("trades", "BTC")}))
    assert session.lag == 6
    publish(hub, 8, 9)
    assert not session.closed
    publish(hub, 10)
    assert socket.closed_with == (4008, "slow_consumer")
    assert socket.messages()[-1]["since"] == {"BTC": 1}


def test_a_hold_writes_what_came_before_it() -> None:
    """Messages from before the hold do not wait for the replay."""
    hub = Hub(limits=LIMITS)
    socket = FakeSocket()
    socket.session = session = hub.connect(socket, EVERYTHING)
    hub.publish("trades", "BTC", 1, message_frame("trades", "BTC", 1))
    replay = Replay(session, {})
    publish(hub, 2)
    assert socket.seqs() == [1]
    replay.end()
    assert socket.seqs() == [1, 2]


@pytest.mark.parametrize("policy", list(LagPolicy))
def test_a_replay_is_no_lag(policy: LagPolicy) -> None:
    """Held messages over the limit are dropped; the replay or a new state covers them."""
    hub = Hub(limits=LIMITS)
    hub.find_states_with(lambda channel, symbol: message_frame(channel, symbol, 77))
    socket = FakeSocket()
    socket.session = session = hub.connect(socket, EVERYTHING, policy=policy)
    replay = Replay(session, {("trades", "BTC"): 3})
    replay.send([numbered(4)])
    publish(hub, 1, channel="bbo")
    publish(hub, 5, symbol="ETH")
    publish(hub, *range(5, 20))
    assert not session.closed
    assert replay.positions == {("trades", "BTC"): 4, ("trades", "ETH"): 4}
    head = replay.head(("trades", "BTC"), 19)
    replay.send([numbered(seq) for seq in range(5, head + 1)])
    replay.end()
    publish(hub, 20)
    trades = [m["seq"] for m in socket.messages() if m["channel"] == "trades"]
    assert trades == list(range(4, 21))
    assert [m["seq"] for m in socket.messages() if m["channel"] == "bbo"] == [77]


def test_a_client_that_is_given_up_in_its_replay_knows_where_it_stands() -> None:
    """The error names the position of the replay, and the positions of held topics."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.DISCONNECT)
    replay = Replay(session, {("trades", "ETH"): 3, ("orders", "alice"): 8})
    replay.send([(message_frame("trades", "ETH", 4), Note("trades", "ETH", 4, 4))])
    publish(hub, 2)
    publish(hub, 9, symbol="ETH")
    session.give_up()
    assert socket.messages()[-1]["since"] == {"BTC": 1, "ETH": 3, "orders": 8}


def test_text_reaches_the_application_until_the_end() -> None:
    """Messages of a client go to its callback until the client is closed."""
    received: list[str] = []
    hub = Hub()
    socket = FakeSocket()
    session = hub.connect(
        socket, EVERYTHING, on_text=lambda _session, text: received.append(text), context="who"
    )
    session.text_received("one")
    session.close(1000)
    session.text_received("two")
    assert (received, session.context) == (["one"], "who")
