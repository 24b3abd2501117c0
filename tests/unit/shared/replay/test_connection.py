"""The replay's HTTP connection: order of answers, and every way in which a gateway can fail it."""

import socket

import pytest

from tapewire.replay.connection import GatewayConnection, Reply
from tapewire.replay.steps import ReplayError
from tests.support.transport.scripted_gateway import Request, reply, scripted_gateway


def test_answers_come_in_the_order_of_requests() -> None:
    """Several requests go out before the first answer is taken, and none is confused."""
    with scripted_gateway(lambda request: reply(200, {"path": request.path})) as gateway:
        connection = GatewayConnection(gateway.url)
        for i in range(5):
            connection.send("POST", f"/{i}", "ann", {"n": i})
        answers = [connection.receive() for _ in range(5)]
        connection.close()

    assert answers == [Reply(200, {"path": f"/{i}"}) for i in range(5)]
    assert gateway.requests == [Request("POST", f"/{i}", "ann", {"n": i}) for i in range(5)]


def test_a_closed_connection_opens_again() -> None:
    """After close the next request uses a new connection."""
    with scripted_gateway(lambda _: reply(200, {})) as gateway:
        connection = GatewayConnection(gateway.url)
        for _ in range(2):
            connection.send("DELETE", "/x", "ann")
            assert connection.receive().status == 200
            connection.close()

    assert len(gateway.requests) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "usable Content-Length"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{}", "usable Content-Length"),
        (b"SSH-2.0\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{]", "no answer from the gateway"),
        (b"x" * 70_000, "no end of headers"),
    ],
)
def test_a_bad_answer_is_a_replay_error(answer: bytes, reason: str) -> None:
    """Whatever the other side sends, the error is ours and says what was wrong."""
    answers = iter([answer, b""])
    with scripted_gateway(lambda _: next(answers)) as gateway:
        connection = GatewayConnection(gateway.url)
        connection.send("GET", "/", "ann")
        connection.send("GET", "/", "ann")
        with pytest.raises(ReplayError, match=reason):
            connection.receive()
        connection.close()


def test_an_absent_gateway_is_a_replay_error() -> None:
    """Nobody listening is told with the URL."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    connection = GatewayConnection(f"http://127.0.0.1:{port}")
    connection.send("GET", "/", "ann")
    with pytest.raises(ReplayError, match=f"127.0.0.1:{port}"):
        connection.receive()


@pytest.mark.parametrize(
    "url", ["https://host", "host:8000", "http://", "http://host:x", "http://host/v1"]
)
def test_only_plain_http_urls_are_taken(url: str) -> None:
    """A URL that this connection cannot speak to is refused before anything is sent."""
    with pytest.raises(ReplayError):
        GatewayConnection(url)
