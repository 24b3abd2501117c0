"""WebSocket order entry against real processes: order, replies, disconnects, drain, bad input."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from order_gateway.ws.entry import MESSAGE_BYTES_MAX
from order_gateway.ws.session import IN_FLIGHT_MAX
from tapewire.web.problem import Problem
from tapewire.wire.orders import OrderReply
from tests.support.running.processes import Service, running_gateway, wait_until_ready
from tests.support.structures import read_exactly
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.order_socket import RESTING, OrderSocket
from tests.support.transport.raw_websocket import BINARY, CLOSE, TEXT, RawWebSocket
from tests.support.wait import wait_for

UNLIMITED = {
    "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "0",
    "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "0",
    # Of what one test has in flight or open at once.
    "TAPEWIRE_PAPER_BALANCES": "*=80000000",
}


@pytest.fixture(scope="module")
def shared_gateway(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One gateway process for the tests that do not stop it."""
    folder = tmp_path_factory.mktemp("gateway")
    with running_gateway(module_redis_url, folder, UNLIMITED) as service:
        yield service


@pytest.fixture
def gateway(shared_gateway: Service, redis_url: str) -> Service:
    """The shared process on an emptied Redis; its readiness check tells Redis what is traded."""
    wait_until_ready(shared_gateway)
    return shared_gateway


def open_ids(service: Service, account: str) -> list[str]:
    """The account's open orders over REST."""
    reply = httpx.get(
        f"{service.url}/v1/orders?status=open&limit=500",
        headers={"X-Account": account},
        trust_env=False,
    )
    return [order["order_id"] for order in reply.json()["orders"]]


def refused(reply: dict[str, Any], status: int, code: str) -> Problem:
    """The reply must be a problem with this status and code."""
    problem = read_exactly(json.dumps(reply["error"]), Problem)
    assert (reply["status"], problem.status, problem.code) == (status, status, code)
    return problem


def test_the_hello_names_the_service_and_its_bounds(gateway: Service) -> None:
    """The first message says who answers, for whom, and how much may be sent."""
    with OrderSocket(gateway.port, "alice", cancel_on_disconnect="true") as socket:
        assert socket.hello == {
            "type": "connected",
            "service": "order-gateway",
            "account": "alice",
            "cancel_on_disconnect": True,
            "in_flight_max": IN_FLIGHT_MAX,
            "message_bytes_max": MESSAGE_BYTES_MAX,
            "clock": "venue",
        }


def test_every_operation_answers_as_over_rest(gateway: Service) -> None:
    """Place, read, amend, list, cancel and the rest give the objects of REST."""
    with OrderSocket(gateway.port, "alice") as alice, OrderSocket(gateway.port, "bob") as bob:
        reply = alice.ask("place", **RESTING, client_order_id="mine")
        assert reply["status"] == 201
        read_exactly(json.dumps(reply["result"]), OrderReply)
        order_id = reply["result"]["order_id"]
        assert alice.ask("place", **RESTING, client_order_id="mine")["status"] == 200
        assert alice.done("order", order_id=order_id)["client_order_id"] == "mine"
        assert alice.done("amend", order_id=order_id, quantity="0.4")["quantity"] == "0.40000"
        sold = bob.done("place", **(RESTING | {"side": "sell", "quantity": "0.1"}))
        assert sold["status"] == "filled"
        assert [item["order_id"] for item in alice.done("open_orders")["orders"]] == [order_id]
        assert len(alice.done("history")["orders"]) == 1
        assert [fill["order_id"] for fill in alice.done("fills")["fills"]] == [order_id]
        results = alice.done("batch", orders=[RESTING, {"operation": "cancel", "order_id": "9"}])
        assert [item["status"] for item in results["results"]] == [201, 404]
        assert alice.done("cancel", client_order_id="mine")["status"] == "canceled"
        assert len(alice.done("cancel_all")["canceled"]) == 1
        assert alice.done("cancel_all_after", timeout_s=0)["fires_at"] is None
        assert alice.done("ping") == {}


def test_many_in_flight_are_done_and_answered_in_order(gateway: Service) -> None:
    """A thousand requests sent without waiting: replies, order ids and effects in their order."""
    count = 4 * IN_FLIGHT_MAX
    with OrderSocket(gateway.port, "alice") as socket:
        ids = socket.send_together([("place", RESTING)] * count)
        replies = [socket.receive() for _ in ids]
        assert [reply["id"] for reply in replies] == ids
        numbers = [int(reply["result"]["order_id"]) for reply in replies]
        assert numbers == sorted(numbers)


def test_later_requests_see_what_earlier_ones_did(gateway: Service) -> None:
    """Mixed operations in one packet act as if each had waited for the one before."""
    with OrderSocket(gateway.port, "alice") as socket:
        requests: list[tuple[str, dict[str, Any]]] = []
        for index in range(60):
            name = {"client_order_id": f"c{index}"}
            requests += [
                ("place", RESTING | name),
                ("amend", name | {"quantity": "0.3"}),
                ("order", name),
                ("cancel", name),
                ("place", RESTING | {"client_order_id": f"d{index}"}),
                ("cancel_all", {}),
                ("cancel", {"client_order_id": f"d{index}"}),
            ]
        ids = socket.send_together(requests)
        replies = [socket.receive() for _ in ids]
        assert [reply["id"] for reply in replies] == ids
        assert [reply["status"] for reply in replies] == [201, 200, 200, 200, 201, 200, 409] * 60
        assert {reply["result"]["quantity"] for reply in replies[2::7]} == {"0.30000"}


def test_a_new_account_is_open_before_its_first_requests(gateway: Service) -> None:
    """Also if they come in one packet: nothing overtakes the order that opens it."""
    for name in ("new-1", "new-2", "new-3"):
        with OrderSocket(gateway.port, name) as socket:
            requests: list[tuple[str, dict[str, Any]]] = [
                ("place", RESTING | {"client_order_id": "first"}),
                ("cancel", {"client_order_id": "first"}),
                ("account", {}),
            ]
            ids = socket.send_together(requests)
            replies = [socket.receive() for _ in ids]
            assert [reply["status"] for reply in replies] == [201, 200, 200]
            assert {balance["held"] for balance in replies[-1]["result"]["balances"]} == {
                "0.00000000"
            }


def test_what_follows_a_large_cancel_all_survives_it(gateway: Service) -> None:
    """Orders placed behind a cancel-all of many steps are not swept away by its later steps."""
    with OrderSocket(gateway.port, "alice") as socket:
        first = [("place", RESTING)] * 1_200
        requests = [*first, ("cancel_all", {}), ("place", RESTING), ("open_orders", {})]
        ids = socket.send_together(requests)
        replies = [socket.receive() for _ in ids]
        assert len(replies[-3]["result"]["canceled"]) == 1_200
        left = [order["order_id"] for order in replies[-1]["result"]["orders"]]
        assert left == [replies[-2]["result"]["order_id"]]


def test_two_accounts_do_not_see_each_other(gateway: Service) -> None:
    """Another account's order is as good as absent, over its own connection too."""
    with OrderSocket(gateway.port, "alice") as alice, OrderSocket(gateway.port, "bob") as bob:
        order_id = alice.done("place", **RESTING)["order_id"]
        for op in ("order", "cancel"):
            refused(bob.ask(op, order_id=order_id), 404, "order_not_found")
        assert bob.done("open_orders")["orders"] == []
        assert bob.done("cancel_all")["canceled"] == []
        assert alice.done("order", order_id=order_id)["status"] == "new"


@pytest.mark.parametrize("ending", ["close", "drop", "binary"])
def test_orders_end_with_a_connection_that_wants_it(gateway: Service, ending: str) -> None:
    """However it ends, its open orders are canceled; those of other connections stay."""
    with (
        OrderSocket(gateway.port, "alice") as other,
        OrderSocket(gateway.port, "alice", cancel_on_disconnect="true") as socket,
    ):
        kept = other.done("place", **RESTING)["order_id"]
        closed = socket.done("place", **RESTING)["order_id"]
        socket.done("cancel", order_id=closed)
        for _ in range(3):
            socket.done("place", **RESTING)
        socket.done("batch", orders=[RESTING, RESTING])
        assert len(open_ids(gateway, "alice")) == 6
        if ending == "close":
            socket.raw.send(CLOSE, (1000).to_bytes(2))
        elif ending == "binary":
            socket.raw.send(BINARY, b"\0")
        else:
            socket.raw.drop()
        wait_for(lambda: open_ids(gateway, "alice") == [kept], "the orders are canceled")


def test_orders_in_flight_end_with_the_connection(gateway: Service) -> None:
    """What was sent in the last moment is canceled too, or was never placed."""
    with OrderSocket(gateway.port, "alice", cancel_on_disconnect="true") as socket:
        socket.done("place", **RESTING)
        socket.send_together([("place", RESTING)] * 500)
        socket.raw.drop()
    wait_for(lambda: open_ids(gateway, "alice") == [], "the orders are canceled")


def test_orders_stay_after_a_connection_that_does_not_ask(gateway: Service) -> None:
    """Without the wish a disconnect changes nothing."""
    with OrderSocket(gateway.port, "alice") as socket:
        order_id = socket.done("place", **RESTING)["order_id"]
    with OrderSocket(gateway.port, "alice", cancel_on_disconnect="true") as socket:
        socket.done("ping")
    assert open_ids(gateway, "alice") == [order_id]


def test_the_dead_man_timer_outlives_the_gateway(redis_url: str, tmp_path: Path) -> None:
    """After a kill -9 nothing is canceled on disconnect; another gateway fires the timer."""
    with running_gateway(redis_url, tmp_path) as survivor:
        with (
            running_gateway(redis_url, tmp_path) as victim,
            OrderSocket(victim.port, "alice", cancel_on_disconnect="true") as socket,
        ):
            socket.done("place", **RESTING)
            assert socket.done("cancel_all_after", timeout_s=1)["fires_at"] is not None
            victim.process.kill()
            victim.process.wait()
        wait_for(lambda: open_ids(survivor, "alice") == [], "the timer fires")


def test_a_stop_answers_what_was_read_then_says_goodbye(redis_url: str, tmp_path: Path) -> None:
    """SIGTERM: every request that was read has its reply, then close code 1012, status 0."""
    with (
        running_gateway(redis_url, tmp_path, UNLIMITED) as gateway,
        OrderSocket(gateway.port, "alice", cancel_on_disconnect="true") as socket,
        OrderSocket(gateway.port, "bob") as other,
    ):
        other.done("ping")
        ids = socket.send_together([("place", RESTING)] * 200)
        replies = [socket.receive()]
        gateway.process.send_signal(signal.SIGTERM)
        while (frame := socket.raw.receive()).opcode == TEXT:
            replies.append(json.loads(frame.payload))
        assert frame.close_code == 1012
        assert [reply["id"] for reply in replies] == ids[: len(replies)]
        assert other.close_code() == 1012
        gateway.process.wait(10)
        assert gateway.process.returncode == 0


def test_a_stop_cancels_for_those_who_asked(redis_url: str, tmp_path: Path) -> None:
    """After an orderly stop only the orders of other connections are left."""
    with running_gateway(redis_url, tmp_path) as survivor:
        with (
            running_gateway(redis_url, tmp_path) as stopped,
            OrderSocket(stopped.port, "alice", cancel_on_disconnect="true") as socket,
            OrderSocket(stopped.port, "alice") as other,
        ):
            for _ in range(20):
                socket.done("place", **RESTING)
            kept = other.done("place", **RESTING)["order_id"]
            assert stopped.stop() == 0
        assert open_ids(survivor, "alice") == [kept]


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("{", 400, "malformed_json"),
        ("[]", 422, "invalid_body"),
        ('{"op":"ping"}', 422, "missing_field"),
        ('{"id":true,"op":"ping"}', 422, "invalid_value"),
        ('{"id":1.5,"op":"ping"}', 422, "invalid_value"),
        ('{"id":{},"op":"ping"}', 422, "invalid_value"),
        ('{"id":"' + "x" * 65 + '","op":"ping"}', 422, "invalid_value"),
        ('{"id":1,"params":{}}', 422, "missing_field"),
        ('{"id":1,"op":"steal"}', 422, "invalid_value"),
        ('{"id":1,"op":["place"]}', 422, "invalid_value"),
        ('{"id":1,"op":"place","params":[]}', 422, "invalid_value"),
        ('{"id":1,"op":"place","parms":{}}', 422, "unknown_field"),
        ('{"id":1,"id":2,"op":"ping"}', 422, "duplicate_field"),
        ('{"id":1,"op":"ping","clock_us":1}', 422, "clock_forbidden"),
        ('{"id":1,"op":"place","params":{"symbol":"X","symbol":"Y"}}', 422, "duplicate_field"),
        ('{"id":1,"op":"place","params":{}}', 422, "missing_field"),
        ('{"id":1,"op":"batch","params":{"orders":[]}}', 422, "out_of_range"),
        ('{"id":1,"op":"cancel","params":{"order_id":"0"}}', 422, "invalid_order_id"),
        ("[" * 30_000, 400, "malformed_json"),
    ],
)
def test_bad_messages_are_refused_and_the_connection_lives(
    gateway: Service, text: str, status: int, code: str
) -> None:
    """A problem with the id of the request, or null if that cannot be read; then all goes on."""
    with OrderSocket(gateway.port, "alice") as socket:
        socket.raw.send_text(text)
        reply = socket.receive()
        refused(reply, status, code)
        readable = text.startswith('{"id":1,"') and code != "duplicate_field"
        assert reply["id"] == (1 if readable else None)
        assert socket.done("ping") == {}


@pytest.mark.parametrize("request_id", ["x", "", 'a"b\u20ac', 0, -7, 10**18])
def test_an_id_comes_back_as_it_was(gateway: Service, request_id: str | int) -> None:
    """Strings and whole numbers, whatever is in them."""
    with OrderSocket(gateway.port, "alice") as socket:
        socket.raw.send_text(json.dumps({"id": request_id, "op": "ping"}))
        assert socket.receive() == {"id": request_id, "status": 200, "result": {}}


@pytest.mark.parametrize(
    ("opcode", "payload", "code"),
    [
        (BINARY, b"{}", 1003),
        (TEXT, b"\xff", 1007),
        (TEXT, b"x" * (MESSAGE_BYTES_MAX + 1), 1009),
        (TEXT, b"x" * 1_000_000, 1009),
        (15, b"", 1002),
    ],
)
def test_bad_frames_close_the_connection(
    gateway: Service, opcode: int, payload: bytes, code: int
) -> None:
    """The close code says what was wrong; other connections do not notice."""
    with OrderSocket(gateway.port, "bob") as other, OrderSocket(gateway.port, "alice") as socket:
        socket.raw.send(opcode, payload)
        assert socket.close_code() == code
        assert other.done("ping") == {}


def test_exact_decimals_as_over_rest(gateway: Service) -> None:
    """A number in a message is taken digit by digit."""
    with OrderSocket(gateway.port, "alice") as socket:
        body = json.dumps(LIMIT_ORDER).replace('"60000.00"', "50000.100000000000000001")
        socket.raw.send_text(f'{{"id":1,"op":"place","params":{body}}}')
        assert socket.receive()["error"]["field"] == "price"
        body = json.dumps(LIMIT_ORDER).replace('"60000.00"', "50000.10")
        socket.raw.send_text(f'{{"id":1,"op":"place","params":{body}}}')
        assert socket.receive()["result"]["price"] == "50000.10"


def test_a_flood_is_limited_not_dropped(redis_url: str, tmp_path: Path) -> None:
    """Beyond the account's rate every request is answered with 429 and when to come back."""
    limits = {"TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "1", "TAPEWIRE_GATEWAY_ACCOUNT_BURST": "5"}
    with (
        running_gateway(redis_url, tmp_path, limits) as gateway,
        OrderSocket(gateway.port, "alice") as socket,
    ):
        replies: list[dict[str, Any]] = []

        def is_limited() -> bool:
            ids = socket.send_together([("place", RESTING)] * 10 + [("ping", {})])
            replies.extend(socket.receive() for _ in ids)
            return bool(replies[-1]["status"] == 429)

        # One request comes back every second: only a slow machine needs a second round.
        wait_for(is_limited, "requests are limited")
        assert [reply["status"] for reply in replies[:5]] == [201] * 5
        assert {reply["status"] for reply in replies} == {201, 429}
        refused(replies[-1], 429, "rate_limited")
        assert replies[-1]["retry_after_s"] >= 1


def test_a_client_that_does_not_read_stops_only_itself(gateway: Service) -> None:
    """Unread requests wait in the client's own socket; after a pause every one has its reply."""
    count = 8_000
    with OrderSocket(gateway.port, "alice") as slow, OrderSocket(gateway.port, "bob") as other:
        order_id = slow.done("place", **RESTING)["order_id"]
        slow.raw.socket.setblocking(False)
        frame = json.dumps({"id": 7, "op": "order", "params": {"order_id": order_id}}).encode()
        data = RawWebSocket.frame(TEXT, frame) * count
        sent = 0
        try:
            while sent < len(data):
                sent += slow.raw.socket.send(data[sent:])
        except BlockingIOError:
            pass
        assert other.done("ping") == {}
        slow.raw.socket.settimeout(10)
        whole = sent // (len(data) // count)
        assert whole > IN_FLIGHT_MAX
        assert {slow.receive()["id"] for _ in range(whole)} == {7}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?colour=red", "unknown_field"),
        ("?cancel_on_disconnect=yes", "invalid_value"),
        ("?account=a/b", "invalid_account"),
        ("?account=a&account=b", "duplicate_field"),
    ],
)
def test_a_bad_handshake_is_refused_over_http(gateway: Service, query: str, code: str) -> None:
    """What cannot be connected as wanted is a problem, before any WebSocket exists."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    reply = httpx.get(f"{gateway.url}/v1/ws{query}", headers=headers, trust_env=False)
    assert reply.status_code == 422
    assert read_exactly(reply.content, Problem).code == code


def test_header_and_query_must_agree(gateway: Service) -> None:
    """Two different accounts in one handshake are refused; the header alone is enough."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "X-Account": "alice",
    }
    reply = httpx.get(f"{gateway.url}/v1/ws?account=bob", headers=headers, trust_env=False)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_account")
