"""Order entry over WebSocket at a gateway that wants keys."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tapewire.api_keys.text import Permission
from tapewire.api_keys.verifier import KEY_CLOSE_CODE
from tapewire.limits import AUTHENTICATE_TIMEOUT_S
from tests.support.running.key_venue import KeyVenue, running_key_venue
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.raw_websocket import CLOSE, TEXT, RawWebSocket
from tests.support.wait import moments_us, wait_for

RESTING = LIMIT_ORDER | {"price": "50000.00"}
WRONG = f"tw_{'x' * 12}_{'y' * 43}"


@pytest.fixture(scope="module")
def venue(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyVenue]:
    """One for all tests; each has accounts of its own."""
    with running_key_venue(module_redis_url, tmp_path_factory.mktemp("gateway")) as running:
        yield running


def bearer(key: str) -> list[str]:
    """The header line of a key."""
    return [f"Authorization: Bearer {key}"]


def ask(socket: RawWebSocket, op: str, **params: Any) -> dict[str, Any]:
    """One request and its reply."""
    socket.send_text(json.dumps({"id": 1, "op": op, "params": params}))
    return read(socket)


def read(socket: RawWebSocket) -> dict[str, Any]:
    """The next message."""
    message: dict[str, Any] = json.loads(socket.receive_text())
    return message


def authenticate(socket: RawWebSocket, key: object, **more: object) -> dict[str, Any]:
    """Send a key as the first message; the answer."""
    socket.send_text(json.dumps({"op": "authenticate", "key": key} | more))
    return read(socket)


def closed_with(socket: RawWebSocket) -> tuple[list[str], int]:
    """The codes of the errors up to the close frame, and its code."""
    codes = []
    while (frame := socket.receive()).opcode != CLOSE:
        assert frame.opcode == TEXT
        codes.append(json.loads(frame.payload)["error"]["code"])
    return codes, frame.close_code


def test_a_key_at_the_handshake_is_enough(venue: KeyVenue) -> None:
    """The connection is its account's, who may also name itself."""
    key = venue.key("alice")
    for query, named in (("", []), ("?account=alice", ["X-Account: alice"])):
        with venue.socket(query, [*bearer(key), *named]) as socket:
            assert socket.status == 101
            assert read(socket)["account"] == "alice"
            assert ask(socket, "place", **RESTING)["status"] == 201


def test_a_browser_sends_its_key_in_the_first_message(venue: KeyVenue) -> None:
    """Then it is greeted, and what it sent behind the key is done."""
    with venue.socket() as socket:
        assert socket.status == 101
        first = {"id": "a", "op": "authenticate", "key": venue.key("bob")}
        second = {"id": 2, "op": "place", "params": RESTING}
        third = {"id": 3, "op": "open_orders"}
        frames = [RawWebSocket.frame(TEXT, json.dumps(m).encode()) for m in (first, second, third)]
        socket.socket.sendall(b"".join(frames))
        assert read(socket) == {
            "id": "a", "status": 200, "result": {"account": "bob", "permissions": ["trade"]},
        }  # fmt: skip
        hello = read(socket)
        assert (hello["type"], hello["account"]) == ("connected", "bob")
        assert (read(socket)["id"], read(socket)["id"]) == (2, 3)
        assert ask(socket, "ping")["status"] == 200


@pytest.mark.parametrize("key", [WRONG, "tw_guess", ""])
def test_a_wrong_key_opens_nothing(venue: KeyVenue, key: str) -> None:
    """A wrong key is refused at the handshake and in a message."""
    with venue.socket(headers=bearer(key)) as socket:
        assert socket.status == 401
        assert "www-authenticate: bearer" in socket.head.lower()
    with venue.socket() as socket:
        error = authenticate(socket, key, id=5)
        assert (error["id"], error["error"]["code"]) == (5, "key_invalid")
        assert closed_with(socket) == ([], KEY_CLOSE_CODE)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"id":1,"op":"place","params":{}}', "key_required"),
        ('{"id":1,"op":"ping"}', "key_required"),
        ('{"op":"authenticate"}', "missing_field"),
        ('{"op":"authenticate","key":7}', "invalid_value"),
        ('{"op":"authenticate","key":"x","account":"y"}', "unknown_field"),
        ('{"op":"authenticate","key":"x","key":"y"}', "duplicate_field"),
        ("[]", "invalid_body"),
        ("{", "malformed_json"),
    ],
)
def test_nothing_comes_before_the_key(venue: KeyVenue, message: str, code: str) -> None:
    """Any other first message ends the connection."""
    before = venue.commands()
    with venue.socket() as socket:
        socket.send_text(message)
        assert closed_with(socket) == ([code], KEY_CLOSE_CODE)
    assert venue.commands() == before


def test_silence_ends_the_connection(venue: KeyVenue) -> None:
    """A connection without a key is not kept for long."""
    started_s = time.monotonic()
    with venue.socket() as socket:
        assert closed_with(socket) == (["key_required"], KEY_CLOSE_CODE)
    assert time.monotonic() - started_s >= AUTHENTICATE_TIMEOUT_S - 0.1


def test_headers_that_stand_twice_are_refused(venue: KeyVenue) -> None:
    """Two keys, or the same twice; two accounts, or the own one twice."""
    alice, bob = venue.key("alice"), venue.key("bob")
    for keys in ([alice, bob], [bob, alice], [alice, alice]):
        with venue.socket(headers=[line for key in keys for line in bearer(key)]) as socket:
            assert socket.status == 401
    for names in (["alice", "bob"], ["alice", "alice"]):
        named = [f"X-Account: {name}" for name in names]
        with venue.socket(headers=[*bearer(alice), *named]) as socket:
            assert socket.status == 400


def test_another_account_cannot_be_smuggled_in(venue: KeyVenue) -> None:
    """Not by the header, not by the query, and not before the key comes."""
    key = venue.key("alice")
    for query, named in (("", ["X-Account: victim"]), ("?account=victim", [])):
        with venue.socket(query, [*bearer(key), *named]) as socket:
            assert socket.status == 400
        with venue.socket(query, named) as socket:
            assert authenticate(socket, key)["error"]["code"] == "account_mismatch"
            assert closed_with(socket) == ([], KEY_CLOSE_CODE)
    with venue.socket(f"?key={key}") as socket:
        assert socket.status == 422


def test_a_reader_cannot_trade(venue: KeyVenue) -> None:
    """Reads are answered, everything else is denied; the connection stays."""
    with venue.socket(headers=bearer(venue.key("reader", Permission.READ))) as socket:
        read(socket)
        before = venue.commands()
        for op in ("place", "amend", "cancel", "cancel_all", "batch", "cancel_all_after"):
            assert ask(socket, op)["error"]["code"] == "permission_denied"
        assert venue.commands() == before
        for op in ("open_orders", "history", "fills", "account", "ping"):
            assert ask(socket, op)["status"] == 200
        assert ask(socket, "order", order_id="1")["error"]["code"] == "order_not_found"


def test_an_administrator_has_no_orders(venue: KeyVenue) -> None:
    """The key of an administrator opens no connection."""
    key = venue.key("operator", Permission.ADMIN)
    with venue.socket(headers=bearer(key)) as socket:
        assert socket.status == 403
    with venue.socket() as socket:
        assert authenticate(socket, key)["error"]["code"] == "permission_denied"
        assert closed_with(socket) == ([], KEY_CLOSE_CODE)


def test_orders_of_others_are_not_there(venue: KeyVenue) -> None:
    """A client that knows order ids of another account learns nothing and cancels nothing."""
    alice, bob = bearer(venue.key("alice")), bearer(venue.key("bob"))
    with venue.socket(headers=alice) as owner, venue.socket(headers=bob) as other:
        read(owner), read(other)
        order_id = ask(owner, "place", **RESTING)["result"]["order_id"]
        for op, more in (("order", {}), ("cancel", {}), ("amend", {"quantity": "0.1"})):
            reply = ask(other, op, order_id=order_id, **more)
            assert reply["error"]["code"] == "order_not_found"
        assert ask(owner, "order", order_id=order_id)["result"]["status"] == "new"


def test_a_revoked_key_ends_its_connections(venue: KeyVenue) -> None:
    """All of them and no other, in bounded time; what was to be canceled is."""
    key, other = venue.key("carol"), venue.key("carol")
    with (
        venue.socket("?cancel_on_disconnect=true", bearer(key)) as first,
        venue.socket() as second,
        venue.socket(headers=bearer(other)) as third,
    ):
        read(first), read(third)
        authenticate(second, key)
        read(second)
        order_id = ask(first, "place", **RESTING)["result"]["order_id"]
        venue.revoke(key)
        for socket in (first, second):
            assert closed_with(socket) == (["key_revoked"], KEY_CLOSE_CODE)

        def is_canceled() -> bool:
            return bool(ask(third, "order", order_id=order_id)["result"]["status"] == "canceled")

        wait_for(is_canceled, "the order is canceled")


def test_an_expiring_key_ends_its_connection(venue: KeyVenue) -> None:
    """At its moment, or a little later."""
    for expires_us in moments_us():
        key = venue.key("dave", expires_us=expires_us)
        with venue.socket(headers=bearer(key)) as socket:
            if socket.status == 101:
                read(socket)
                assert closed_with(socket) == (["key_expired"], KEY_CLOSE_CODE)
                return
    raise AssertionError("no key lasted long enough to connect")


def test_who_leaves_before_it_is_known_leaves_nothing(venue: KeyVenue) -> None:
    """Connections that end while they are looked at, or before, harm no other."""
    for _ in range(20):
        with venue.socket() as socket:
            socket.send_text(json.dumps({"op": "authenticate", "key": venue.key("eve")}))
        with venue.socket():
            pass
    with venue.socket(headers=bearer(venue.key("eve"))) as socket:
        assert read(socket)["account"] == "eve"
    assert "Traceback" not in venue.service.log()
