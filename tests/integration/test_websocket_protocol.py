"""The adopted connection against a real uvicorn, spoken to byte by byte, on both event loops.

Goal: leaving ASGI behind costs nothing in WebSocket conduct. Each case is a rule of RFC 6455 or a
way for a connection to end, and each one ends with nothing left behind in hub or server.
"""

import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_data.limits import CLIENT_FRAGMENTS_MAX, FanoutLimits
from tests.support.feeds.server import (
    LOOPS,
    MESSAGE_BYTES_MAX,
    BoundedHttpProtocol,
    FeedServer,
    running_server,
)
from tests.support.transport.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawWebSocket,
)
from tests.support.wait import wait_for

NOT_FINAL = 0x00


@pytest.fixture(scope="module", params=LOOPS)
def server(request: pytest.FixtureRequest) -> Iterator[FeedServer]:
    """A running server, shared because starting and stopping it takes longer than most tests."""
    with running_server(request.param) as server:
        yield server


@pytest.fixture
def feed(server: FeedServer) -> Iterator[FeedServer]:
    """The server, without clients at the beginning and at the end of the test."""
    server.sockets.clear()
    yield server
    server.wait_for_clients(0)
    server.wait_for_connections(0)


def client(feed: FeedServer, path: str = "/feed") -> RawWebSocket:
    """Return a client that was greeted."""
    websocket = RawWebSocket(feed.port, path, receive_buffer_bytes=4096)
    assert websocket.receive_text() == "hello"
    return websocket


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/feed?" + "a" * 10_000, (), 414), ("/feed", ("Cookie: " + "a" * 10_000,), 431)],
)
def test_a_line_that_is_too_long_for_the_parser_is_refused(
    feed: FeedServer, path: str, headers: tuple[str, ...], status: int
) -> None:
    """With a problem, also below the bound of the whole head; the connection ends."""
    with RawWebSocket(feed.port, path, headers=headers) as refused:
        assert refused.status == status
        assert "application/problem+json" in refused.head
        assert b'"status":%d' % status in refused.receive_rest()


def close_code(websocket: RawWebSocket) -> int:
    """Return the code of the close frame that comes next, and go along with it."""
    frame = websocket.receive()
    websocket.socket.close()
    return frame.close_code


def open_files() -> int:
    """Return how many file descriptors this process, and so the server in it, has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_the_connection_outlives_the_endpoint(feed: FeedServer) -> None:
    """After adoption no task, scope or queue is left, and messages go both ways."""
    with client(feed) as websocket:
        wait_for(lambda: not feed.server.server_state.tasks, "the endpoint's task to end")
        assert not hasattr(feed.sockets[0], "scope")
        assert not hasattr(feed.sockets[0], "request")
        websocket.send_text("ping me")
        assert websocket.receive_text() == "ping me"
        feed.publish(1, 3)
        assert [websocket.receive_text().split()[0] for _ in range(3)] == ["1", "2", "3"]


def test_the_http_connection_is_forgotten(feed: FeedServer) -> None:
    """An open WebSocket keeps no memory of the HTTP connection that it began as."""

    def http_connections() -> int:
        gc.collect()
        return sum(type(item) is BoundedHttpProtocol for item in gc.get_objects())

    with client(feed):
        wait_for(lambda: not feed.server.server_state.tasks, "the endpoint's task to end")
        assert feed.call(http_connections) == 0


def test_an_endpoint_that_does_not_adopt_works_as_ever(feed: FeedServer) -> None:
    """An endpoint that does not adopt its connection has the protocol of uvicorn."""
    with RawWebSocket(feed.port, "/classic") as websocket:
        websocket.send_text("as ever")
        assert websocket.receive_text() == "as ever"
        websocket.receive_end()


def test_a_refused_handshake_is_an_http_answer(feed: FeedServer) -> None:
    """Closing before accepting is 403, and adopting before accepting is an error: 500."""
    with RawWebSocket(feed.port, "/refuse") as websocket:
        assert websocket.status == 403
    with RawWebSocket(feed.port, "/early") as websocket:
        assert websocket.status == 500
    for session in list(feed.hub.sessions):
        feed.call(session.connection_closed)


def test_an_endpoint_that_fails_after_adoption_ends_the_client(feed: FeedServer) -> None:
    """An application error is close code 1011, not a client that hangs."""
    with client(feed, "/feed?then=fail") as websocket:
        assert close_code(websocket) == 1011


def test_messages_from_before_the_adoption_are_delivered(feed: FeedServer) -> None:
    """A client may speak as soon as it was accepted."""
    feed.adopt_now.clear()
    with RawWebSocket(feed.port, "/feed") as websocket:
        websocket.send_text("early")
        websocket.send_text("bird")
        feed.adopt_now.set()
        assert {websocket.receive_text() for _ in range(3)} == {"hello", "early", "bird"}


@pytest.mark.parametrize("polite", [True, False])
def test_a_client_that_left_before_the_adoption_is_not_kept(
    feed: FeedServer,
    polite: bool,
) -> None:
    """A connection that has ended, with or without a word, is reported by the adoption."""
    feed.adopt_now.clear()
    with RawWebSocket(feed.port, "/feed") as websocket:
        if polite:
            websocket.send(CLOSE, (1000).to_bytes(2))
            assert websocket.receive().close_code == 1000
        websocket.drop()
        feed.wait_for_connections(0)
    feed.adopt_now.set()
    wait_for(lambda: feed.sockets, "the adoption")


def test_fragments_and_control_frames_may_interleave(feed: FeedServer) -> None:
    """A message in pieces, cut inside a character, with a ping between, arrives as one."""
    euro = "€".encode()
    with client(feed) as websocket:
        websocket.send(TEXT, b"12 " + euro[:1], first_bits=NOT_FINAL)
        websocket.send(PING, b"between")
        websocket.send(CONTINUATION, euro[1:2], first_bits=NOT_FINAL)
        websocket.send(CONTINUATION, euro[2:])
        assert websocket.receive() == (PONG, b"between")
        assert websocket.receive_text() == "12 €"


def test_a_frame_may_arrive_byte_by_byte(feed: FeedServer) -> None:
    """The parser keeps what it has got of a frame."""
    with client(feed) as websocket:
        for byte in RawWebSocket.frame(TEXT, b"slowly"):
            websocket.socket.sendall(bytes((byte,)))
        assert websocket.receive_text() == "slowly"


def test_a_message_of_the_largest_size_is_taken(feed: FeedServer) -> None:
    """The limit itself is still allowed."""
    with client(feed) as websocket:
        websocket.send(TEXT, b"x" * MESSAGE_BYTES_MAX)
        assert len(websocket.receive_text()) == MESSAGE_BYTES_MAX


RULES_BROKEN = {
    "binary message": (1003, RawWebSocket.frame(BINARY, b"x")),
    "invalid UTF-8": (1007, RawWebSocket.frame(TEXT, b"\xc3\x28")),
    "message too big": (1009, RawWebSocket.frame(TEXT, b"x" * (MESSAGE_BYTES_MAX + 1))),
    "announced too big": (1009, b"\x81\xff" + b"\x7f" * 8),
    "fragments too big": (
        1009,
        RawWebSocket.frame(TEXT, b"x" * MESSAGE_BYTES_MAX, first_bits=NOT_FINAL)
        + RawWebSocket.frame(CONTINUATION, b"x"),
    ),
    "too many fragments": (
        1008,
        RawWebSocket.frame(TEXT, b"", first_bits=NOT_FINAL)
        + RawWebSocket.frame(CONTINUATION, b"", first_bits=NOT_FINAL) * CLIENT_FRAGMENTS_MAX
        + RawWebSocket.frame(CONTINUATION, b""),
    ),
    "not masked": (1002, b"\x81\x01x"),
    "reserved bit": (1002, RawWebSocket.frame(TEXT, b"x", first_bits=0xC0)),
    "unknown opcode": (1002, RawWebSocket.frame(3, b"x")),
    "unknown control opcode": (1002, RawWebSocket.frame(11, b"x")),
    "continuation of nothing": (1002, RawWebSocket.frame(CONTINUATION, b"x")),
    "message inside a message": (
        1002,
        RawWebSocket.frame(TEXT, b"x", first_bits=NOT_FINAL) + RawWebSocket.frame(TEXT, b"y"),
    ),
    "fragmented ping": (1002, RawWebSocket.frame(PING, b"x", first_bits=NOT_FINAL)),
    "long ping": (1002, RawWebSocket.frame(PING, b"x" * 126)),
    "close code 1005": (1002, RawWebSocket.frame(CLOSE, (1005).to_bytes(2))),
    "close with one byte": (1002, RawWebSocket.frame(CLOSE, b"x")),
    "close with invalid UTF-8": (1007, RawWebSocket.frame(CLOSE, (1000).to_bytes(2) + b"\xff")),
}


@pytest.mark.parametrize("rule", RULES_BROKEN)
def test_a_broken_rule_is_named_by_the_close_code(feed: FeedServer, rule: str) -> None:
    """The close frame reaches the client even when it goes on sending, and nothing else does."""
    code, data = RULES_BROKEN[rule]
    with client(feed) as websocket:
        websocket.socket.sendall(data + RawWebSocket.frame(TEXT, b"x" * 4000) * 800)
        feed.wait_for_clients(0)
        feed.publish(1, 2)
        assert websocket.receive().close_code == code


def test_the_client_may_say_goodbye(feed: FeedServer) -> None:
    """A close frame is echoed, the connection ended, the client forgotten."""
    with client(feed) as websocket:
        websocket.send(CLOSE, (4242).to_bytes(2) + b"bye")
        assert websocket.receive() == (CLOSE, (4242).to_bytes(2) + b"bye")
        websocket.receive_end()


def test_a_close_without_a_code_is_echoed_without_a_code(feed: FeedServer) -> None:
    """An empty close frame is answered by an empty one."""
    with client(feed) as websocket:
        websocket.send(CLOSE)
        assert websocket.receive() == (CLOSE, b"")
        websocket.receive_end()


def test_the_server_says_goodbye_last(feed: FeedServer) -> None:
    """The close frame stands behind everything sent before, and waits for its echo."""
    with client(feed) as websocket:
        feed.publish(1, 2)
        websocket.send_text("close")
        websocket.send_text("too late")
        assert [websocket.receive_text().split()[0] for _ in range(2)] == ["1", "2"]
        frame = websocket.receive()
        assert (frame.close_code, frame.payload[2:]) == (4001, b"as you wish")
        websocket.send(CLOSE, frame.payload)
        websocket.receive_end()


def test_a_client_that_does_not_answer_a_close_is_dropped(feed: FeedServer) -> None:
    """The close timeout ends what the client does not."""
    with client(feed) as websocket:
        websocket.send_text("close")
        assert websocket.receive().close_code == 4001
        websocket.receive_rest()


def test_a_half_closed_connection_is_closed(feed: FeedServer) -> None:
    """A client that can no longer speak is let go."""
    with client(feed) as websocket:
        websocket.socket.shutdown(socket.SHUT_WR)
        feed.wait_for_clients(0)
        websocket.receive_end()


def test_a_reset_connection_is_forgotten(feed: FeedServer) -> None:
    """A client that vanishes leaves nothing behind, also while it is written to."""
    with client(feed) as websocket:
        websocket.drop()
        feed.publish(1, 5)
        feed.wait_for_clients(0)


def fill_socket(feed: FeedServer) -> None:
    """Publish until the transport of the first client holds unsent bytes."""
    published = 0
    while not feed.sockets[0].unsent_bytes():
        feed.publish(published + 1, published + 100)
        published += 100


@pytest.mark.parametrize("ending", ["close frame", "half-close"])
def test_a_stalled_client_that_leaves_is_not_waited_for(feed: FeedServer, ending: str) -> None:
    """What it will never read does not keep its connection alive."""
    with client(feed) as websocket:
        fill_socket(feed)
        if ending == "close frame":
            websocket.send(CLOSE, (1000).to_bytes(2))
        else:
            websocket.socket.shutdown(socket.SHUT_WR)
        feed.wait_for_connections(0)


@pytest.mark.parametrize("loop_name", LOOPS)
def test_a_stalled_client_that_does_not_answer_pings_is_dropped(loop_name: str) -> None:
    """Keepalive ends a client that neither reads nor speaks, drained or not."""
    with (
        running_server(loop_name, ws_ping_interval=0.05, ws_ping_timeout=0.1) as feed,
        client(feed),
    ):
        fill_socket(feed)
        feed.wait_for_connections(0)
        assert not feed.hub.sessions


def test_a_stalled_client_gets_everything_when_it_reads_again(feed: FeedServer) -> None:
    """A stall loses and repeats no message, and delays no other client."""
    with client(feed) as slow, client(feed) as fast:
        for first in range(1, 4001, 400):
            feed.publish(first, first + 399)
            seqs = [int(fast.receive_text().split()[0]) for _ in range(400)]
            assert seqs == list(range(first, first + 400))
        assert max(session.lag for session in feed.hub.sessions) > 0
        seqs = [int(slow.receive_text().split()[0]) for _ in range(4000)]
        assert seqs == list(range(1, 4001))
        wait_for(lambda: all(s.in_step for s in feed.hub.sessions), "both clients in step")


def test_pings_of_a_client_that_does_not_read_do_not_pile_up(feed: FeedServer) -> None:
    """While a client is stalled only its newest ping is remembered, and then answered."""
    with client(feed) as websocket:
        protocol = feed.sockets[0]
        feed.publish(1, 2000)
        assert protocol.unsent_bytes()
        unsent = protocol.unsent_bytes()
        websocket.socket.sendall(
            b"".join(RawWebSocket.frame(PING, b"%d" % number) for number in range(5000))
        )
        newest = bytes((0x8A, 4)) + b"4999"
        wait_for(lambda: protocol.pong == newest, "the newest ping to arrive")
        assert protocol.unsent_bytes() <= unsent
        frames = [websocket.receive() for _ in range(2001)]
        assert [frame.payload for frame in frames if frame.opcode == PONG] == [b"4999"]


@pytest.mark.parametrize("loop_name", LOOPS)
def test_a_client_that_never_reads_is_bounded_and_ended(loop_name: str) -> None:
    """A silent client costs a bounded number of bytes, is closed with 4008, and then dropped."""
    limits = FanoutLimits(lag_messages_max=500, join_bytes_max=32 * 1024)
    with running_server(loop_name, limits) as feed, client(feed) as websocket:
        protocol = feed.sockets[0]
        published = 0
        while feed.hub.sessions:
            feed.publish(published + 1, published + 100)
            published += 100
            assert protocol.unsent_bytes() < limits.join_bytes_max + 1024
            assert published < 5000, "the lag limit did not act"
        feed.wait_for_connections(0)
        assert len(websocket.receive_rest()) < published * 100


@pytest.mark.parametrize("loop_name", LOOPS)
def test_a_slow_client_reads_why_it_is_closed(loop_name: str) -> None:
    """After what it was given comes the error with its place to resume, then close code 4008."""
    limits = FanoutLimits(lag_messages_max=500, join_bytes_max=32 * 1024)
    with running_server(loop_name, limits) as feed, client(feed) as websocket:
        published = 0
        while feed.hub.sessions:
            feed.publish(published + 1, published + 100)
            published += 100
        texts = []
        while (frame := websocket.receive()).opcode == TEXT:
            texts.append(frame.payload)
        assert frame.close_code == 4008
        seqs = [int(text.split()[0]) for text in texts[:-1]]
        assert seqs == list(range(1, len(seqs) + 1))
        assert b'"code":"slow_consumer"' in texts[-1]
        assert b'"since":{"BTC":%d}' % seqs[-1] in texts[-1]


@pytest.mark.parametrize("loop_name", LOOPS)
def test_keepalive_pings_go_on(loop_name: str) -> None:
    """A client that answers stays, over several pings; one that stops answering gets 1011."""
    with (
        running_server(loop_name, ws_ping_interval=0.05, ws_ping_timeout=0.5) as feed,
        client(feed) as websocket,
    ):
        for _ in range(4):
            ping = websocket.receive()
            assert ping.opcode == PING
            websocket.send(PONG, ping.payload)
        assert websocket.receive().opcode == PING
        assert websocket.receive().close_code == 1011
        feed.wait_for_clients(0)


@pytest.mark.parametrize("loop_name", LOOPS)
def test_a_stopping_server_says_1012(loop_name: str) -> None:
    """Clients of a server that stops are told to come back, and a stalled one does not stop it."""
    with running_server(loop_name) as feed, client(feed) as websocket, client(feed):
        stalled = feed.sockets[1]
        published = 0
        while not stalled.unsent_bytes():
            feed.publish(published + 1, published + 100)
            published += 100
            for _ in range(100):
                websocket.receive_text()
        feed.server.should_exit = True
        feed.wait_for_connections(0)
        assert websocket.receive().close_code == 1012


def test_nothing_is_left_open_by_many_clients(feed: FeedServer) -> None:
    """A hundred clients that come and go leave no file descriptor behind."""
    with client(feed):
        before = open_files()
        for _ in range(100):
            with client(feed) as websocket:
                websocket.send_text("x")
                assert websocket.receive_text() == "x"
        feed.wait_for_connections(1)
        assert open_files() <= before
