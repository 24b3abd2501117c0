"""A slow client: what each lag policy does to it, and the bounds of what waits for it."""

import pytest

from market_data.fanout.frames import text_frame
from market_data.fanout.hub import Hub
from market_data.fanout.lag import LagPolicy
from market_data.fanout.ring import Note
from market_data.fanout.session import Session
from market_data.limits import FanoutLimits
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
    """Return a client that has been given trade 1 and whose socket is full since."""
    socket = FakeSocket(room_bytes=1)
    socket.session = session = hub.connect(socket, EVERYTHING, policy=policy)
    publish(hub, 1)
    return session, socket


def publish(hub: Hub, *seqs: int, channel: str = "trades", symbol: str = "BTC") -> None:
    """Publish and flush messages with these sequences."""
    for seq in seqs:
        hub.publish(channel, symbol, seq, message_frame(channel, symbol, seq))
    hub.flush()


def test_a_client_at_its_lag_limit_is_left_alone() -> None:
    """The limit itself is still allowed."""
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
    assert (hub.slow_disconnects, hub.sessions, session.lag) == (1, set(), 0)


def test_skip_reports_the_gap_and_goes_on() -> None:
    """Past the limit everything missed becomes a notice, and the stream continues after it."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.SKIP)
    publish(hub, *range(2, 11))
    publish(hub, 11)
    socket.drain()
    publish(hub, 12)
    gap, *rest = socket.messages()[1:]
    assert (gap["type"], gap["symbol"], gap["from"], gap["to"]) == ("gap", "BTC", 2, 10)
    assert [message["seq"] for message in rest] == [11, 12]
    assert (session.skipped, session.lags, hub.skipped, hub.gaps) == (9, 1, 9, 1)


def test_a_client_that_stays_slow_gets_one_gap() -> None:
    """Notices are merged while they wait, so that their number does not grow."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.SKIP)
    publish(hub, *range(2, 200))
    assert len(session.backlog) == 1
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
    """What the venue lost and what the client missed are accounted for together."""
    hub = Hub(limits=LIMITS)
    _, socket = stalled(hub, LagPolicy.SKIP)
    publish(hub, 2, 3)
    hub.publish_gap("trades", "BTC", 4, 50)
    publish(hub, *range(51, 60))
    socket.drain()
    gap, *rest = socket.messages()[1:]
    assert (gap["from"], gap["to"] >= 50) == (2, True)
    assert [message["seq"] for message in rest] == list(range(gap["to"] + 1, 60))


def test_gaps_are_reported_to_the_application() -> None:
    """The application learns of gaps, so that it can send a fresh snapshot behind the notice."""

    def on_gap(session: Session, gaps: list[Note]) -> None:
        assert gaps == [Note("trades", "BTC", 2, 10, is_gap=True)]
        session.send(private_frame(77))

    hub = Hub(limits=LIMITS, on_gap=on_gap)
    _, socket = stalled(hub, LagPolicy.SKIP)
    publish(hub, *range(2, 11))
    socket.drain()
    assert socket.messages()[-1] == {"private": 77}


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
        assert session.group.ring.size_bytes <= LIMITS.ring_bytes_max
    socket.drain()
    hub.flush()
    data = b"".join(socket.writes)
    assert b'"from":2,"to":4}' + text_frame(b"x" * 1500) in data
    assert session.lags == 1


def test_a_full_ring_without_slow_clients_disturbs_nobody() -> None:
    """A turn larger than the ring is written, not dropped."""
    hub = Hub(limits=LIMITS)
    socket = FakeSocket()
    socket.session = session = hub.connect(socket, EVERYTHING)
    for seq in range(1, 10):
        hub.publish("trades", "BTC", seq, text_frame(b"x" * 1500))
    hub.flush()
    assert b"".join(socket.writes) == text_frame(b"x" * 1500) * 9
    assert session.lags == 0


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


def test_a_held_client_that_lags_resumes_from_what_it_saw() -> None:
    """While a replay is on its way only the client knows where it stands."""
    hub = Hub(limits=LIMITS)
    socket = FakeSocket()
    socket.session = session = hub.connect(socket, EVERYTHING)
    session.hold()
    publish(hub, *range(1, 12))
    assert socket.closed_with == (4008, "slow_consumer")
    assert socket.messages()[-1]["since"] == {}


def test_a_hold_writes_what_came_before_it() -> None:
    """Messages from before the hold do not wait for the replay."""
    hub = Hub(limits=LIMITS)
    socket = FakeSocket()
    socket.session = session = hub.connect(socket, EVERYTHING)
    hub.publish("trades", "BTC", 1, message_frame("trades", "BTC", 1))
    session.hold()
    publish(hub, 2)
    assert socket.seqs() == [1]
    session.release()
    assert socket.seqs() == [1, 2]


def test_a_hold_of_a_slow_client_keeps_the_backlog_bounded() -> None:
    """What a hold takes out of the ring counts against the backlog at once."""
    hub = Hub(limits=LIMITS)
    session, socket = stalled(hub, LagPolicy.SKIP)
    session.send(text_frame(b"x" * (LIMITS.backlog_bytes_max - 400)))
    for seq in range(2, 8):
        publish(hub, seq)
    hub.publish("trades", "BTC", 8, text_frame(b"x" * 200))
    session.hold()
    publish(hub, 9)
    assert session.backlog_bytes <= LIMITS.backlog_bytes_max
    session.release()
    socket.drain()
    data = b"".join(socket.writes)
    assert b'"from":2,"to":8}' in data
    assert data.endswith(message_frame("trades", "BTC", 9))


def test_a_held_client_that_skips_gets_its_gap_after_the_replay() -> None:
    """The notice for what the hold cost stands where the stream goes on."""
    hub = Hub(limits=LIMITS)
    socket = FakeSocket()
    socket.session = session = hub.connect(socket, EVERYTHING, policy=LagPolicy.SKIP)
    session.hold()
    publish(hub, *range(5, 14))
    session.replay([(message_frame("trades", "BTC", 4), Note("trades", "BTC", 4, 4))])
    session.release()
    messages = socket.messages()
    assert messages[0]["seq"] == 4
    assert (messages[1]["from"], messages[1]["to"]) == (5, 13)


def test_text_reaches_the_application_until_the_end() -> None:
    """Messages of a client go to its callback, and to nobody once it is closed."""
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
