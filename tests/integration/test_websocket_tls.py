"""The adopted connection over TLS, on both event loops: the transport is another, conduct is not.

Bytes that a client does not take wait in two places, before and behind the encryption; the bounds
on slow clients must hold for both.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from market_data.limits import FanoutLimits
from tapewire.web.tls import client_context
from tests.support.feeds.server import LOOPS, MESSAGE_BYTES_MAX, FeedServer, running_server
from tests.support.transport.certificates import Certificate, issue
from tests.support.transport.raw_websocket import CLOSE, TEXT, RawWebSocket
from tests.support.wait import wait_for

# What an event loop may hold behind the encryption before it stops to encrypt, and one write.
BEHIND_TLS_BYTES_MAX = 4 * 64 * 1024


@dataclass(frozen=True, slots=True)
class SecureFeed:
    """A running server, and whom its clients trust."""

    feed: FeedServer
    trust: ssl.SSLContext

    def client(self) -> RawWebSocket:
        """A client that was greeted."""
        websocket = RawWebSocket(self.feed.port, "/feed", receive_buffer_bytes=4096, tls=self.trust)
        assert websocket.receive_text() == "hello"
        return websocket


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """What the servers present."""
    return issue(tmp_path_factory.mktemp("certificates"))


def options(certificate: Certificate) -> dict[str, Any]:
    """Those of uvicorn."""
    return {"ssl_certfile": certificate.certificate, "ssl_keyfile": certificate.key}


@pytest.fixture(scope="module", params=LOOPS)
def secure(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[SecureFeed]:
    """A server for the tests of this module."""
    with running_server(request.param, **options(certificate)) as feed:
        yield SecureFeed(feed, client_context(certificate.ca_file))


@pytest.fixture
def served(secure: SecureFeed) -> Iterator[SecureFeed]:
    """The server, without clients at the beginning and at the end of the test."""
    secure.feed.sockets.clear()
    yield secure
    secure.feed.wait_for_clients(0)
    secure.feed.wait_for_connections(0)


def test_text_goes_both_ways(served: SecureFeed) -> None:
    """Also the largest message, and what comes byte by byte."""
    with served.client() as websocket:
        websocket.send(TEXT, b"x" * MESSAGE_BYTES_MAX)
        assert len(websocket.receive_text()) == MESSAGE_BYTES_MAX
        for byte in RawWebSocket.frame(TEXT, b"slowly"):
            websocket.socket.sendall(bytes((byte,)))
        assert websocket.receive_text() == "slowly"


def test_a_stalled_client_gets_everything_when_it_reads_again(served: SecureFeed) -> None:
    """A stall loses and repeats no message, and delays no other client."""
    feed = served.feed
    with served.client() as slow, served.client() as fast:
        for first in range(1, 12_001, 400):
            feed.publish(first, first + 399)
            seqs = [int(fast.receive_text().split()[0]) for _ in range(400)]
            assert seqs == list(range(first, first + 400))
        assert max(session.lag for session in feed.hub.sessions) > 0
        seqs = [int(slow.receive_text().split()[0]) for _ in range(12_000)]
        assert seqs == list(range(1, 12_001))
        wait_for(lambda: all(s.in_step for s in feed.hub.sessions), "both clients in step")


@pytest.mark.parametrize("loop_name", LOOPS)
def test_a_client_that_never_reads_is_bounded_and_ended(
    loop_name: str, certificate: Certificate
) -> None:
    """A silent client costs a bounded number of bytes, is closed with 4008, and then dropped."""
    limits = FanoutLimits(lag_messages_max=500, join_bytes_max=32 * 1024)
    with running_server(loop_name, limits, **options(certificate)) as feed:
        secure = SecureFeed(feed, client_context(certificate.ca_file))
        with secure.client():
            protocol = feed.sockets[0]
            published = 0
            while feed.hub.sessions:
                feed.publish(published + 1, published + 100)
                published += 100
                assert protocol.unsent_bytes() < limits.join_bytes_max + BEHIND_TLS_BYTES_MAX
                assert published < 20_000, "the lag limit did not act"
            feed.wait_for_connections(0)


def test_the_client_may_say_goodbye(served: SecureFeed) -> None:
    """A close frame is echoed, the connection ended, the client forgotten."""
    with served.client() as websocket:
        websocket.send(CLOSE, (4242).to_bytes(2) + b"bye")
        assert websocket.receive() == (CLOSE, (4242).to_bytes(2) + b"bye")
        websocket.receive_end()


def test_the_server_says_goodbye_last(served: SecureFeed) -> None:
    """The close frame stands behind everything sent before, and waits for its echo."""
    with served.client() as websocket:
        served.feed.publish(1, 2)
        websocket.send_text("close")
        assert [websocket.receive_text().split()[0] for _ in range(2)] == ["1", "2"]
        frame = websocket.receive()
        assert (frame.close_code, frame.payload[2:]) == (4001, b"as you wish")
        websocket.send(CLOSE, frame.payload)
        websocket.receive_end()


def test_a_broken_rule_is_named_by_the_close_code(served: SecureFeed) -> None:
    """TLS cannot end one direction alone, so the connection ends with the close frame."""
    with served.client() as websocket:
        websocket.socket.sendall(b"\x81\x01x")
        assert websocket.receive().close_code == 1002


def test_a_client_that_vanishes_is_forgotten(served: SecureFeed) -> None:
    """Also one that was reset, without a word of TLS."""
    with served.client(), served.client() as other:
        other.drop()
        served.feed.wait_for_clients(1)
