"""Too many connections: no address locks out the others, and an operator always gets in."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.running.processes import Service, running_gateway
from tests.support.transport.order_socket import OrderSocket
from tests.support.transport.raw_http import RawHttp, RawReply
from tests.support.wait import wait_for

ALL, OF_AN_ADDRESS = 6, 4
SETTINGS = {
    "TAPEWIRE_GATEWAY_CONNECTIONS_MAX": str(ALL),
    "TAPEWIRE_GATEWAY_ADDRESS_CONNECTIONS_MAX": str(OF_AN_ADDRESS),
}
FIRST, SECOND, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
OPERATOR_PATHS = ("/health", "/livez", "/readyz", "/metrics")


@pytest.fixture
def gateway(redis_url: str, tmp_path: Path) -> Iterator[Service]:
    """A gateway with few places."""
    with running_gateway(redis_url, tmp_path, SETTINGS) as service:
        yield service


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes every connection of a test."""
    with ExitStack() as opened:
        yield opened


def get(connection: RawHttp, path: str = "/v1/instruments") -> RawReply:
    """Ask once; the connection stays open if the server lets it."""
    return connection.ask("GET", path, {})


def opened(stack: ExitStack, gateway: Service, source: str, count: int) -> list[RawHttp]:
    """Connections of an address that were answered once and wait."""
    found = [stack.enter_context(RawHttp(gateway.port, source)) for _ in range(count)]
    assert [get(connection).status for connection in found] == [200] * count
    return found


def check_refusal(connection: RawHttp) -> None:
    """The next request is a problem, and ends the connection."""
    reply = get(connection)
    assert (reply.status, reply.json()["code"]) == (503, "connections_limit")
    assert (reply.headers["connection"], reply.headers["retry-after"]) == ("close", "1")
    assert connection.socket.recv(1) == b""


def test_one_address_does_not_lock_out_the_others(gateway: Service, stack: ExitStack) -> None:
    """New connections of this address are refused, those of another address are served."""
    opened(stack, gateway, FIRST, OF_AN_ADDRESS)
    check_refusal(stack.enter_context(RawHttp(gateway.port, FIRST)))
    opened(stack, gateway, SECOND, 1)


def test_an_address_that_closes_may_open_again(gateway: Service, stack: ExitStack) -> None:
    """Connections of HTTP and WebSockets alike give their places back."""

    def is_served() -> bool:
        with RawHttp(gateway.port) as newcomer:
            return get(newcomer).status == 200

    with ExitStack() as held:
        opened(held, gateway, "127.0.0.1", OF_AN_ADDRESS)
        assert not is_served()
    wait_for(is_served, "the places of closed connections are free")
    with ExitStack() as held:
        for _ in range(OF_AN_ADDRESS):
            held.enter_context(OrderSocket(gateway.port, "alice"))
        check_refusal(stack.enter_context(RawHttp(gateway.port)))
    wait_for(is_served, "the places of closed WebSockets are free")


def test_the_longest_idle_connection_makes_room(gateway: Service, stack: ExitStack) -> None:
    """When all places are taken; its client sees the connection end and opens another."""
    idle = [*opened(stack, gateway, FIRST, 3), *opened(stack, gateway, SECOND, 3)]
    # Used again, so the second one is the longest idle now.
    assert get(idle[0]).status == 200
    opened(stack, gateway, THIRD, 1)
    assert idle[1].socket.recv(1) == b""
    assert [get(connection).status for connection in (idle[0], *idle[2:])] == [200] * 5


def test_an_operator_gets_in_when_nothing_makes_room(gateway: Service, stack: ExitStack) -> None:
    """WebSockets are never idle: newcomers are refused, but health and metrics are answered."""
    for _ in range(ALL // 2):
        stack.enter_context(OrderSocket(gateway.port, "alice"))
        # A request that is not complete is not idle either.
        stack.enter_context(RawHttp(gateway.port, FIRST)).send("GET / HTTP/1.1\r\n")
    check_refusal(stack.enter_context(RawHttp(gateway.port, SECOND)))
    for path in OPERATOR_PATHS:
        connection = stack.enter_context(RawHttp(gateway.port, SECOND))
        assert get(connection, path).status == 200
        assert connection.socket.recv(1) == b""
    connection = stack.enter_context(RawHttp(gateway.port, SECOND))
    text = get(connection, "/metrics").body.decode()
    assert "tapewire_refused_connections_total 6.0" in text
