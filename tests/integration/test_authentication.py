"""A gateway that wants keys, attacked: nothing passes without the right one."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tapewire import keys
from tapewire.api_keys.text import Permission
from tapewire.limits import KEY_CACHE_S
from tests.support.running.key_venue import KeyVenue, running_key_venue
from tests.support.transport.rest import refused
from tests.support.wait import wait_for

SECRET_CHARACTERS = 43
DAY_US = 86_400_000_000
ROUTES = [
    ("POST", "/v1/orders"),
    ("GET", "/v1/orders"),
    ("DELETE", "/v1/orders"),
    ("POST", "/v1/orders/batch"),
    ("GET", "/v1/orders/1"),
    ("PATCH", "/v1/orders/1"),
    ("DELETE", "/v1/orders/1"),
    ("GET", "/v1/fills"),
    ("POST", "/v1/cancel-all-after"),
    ("PUT", "/v1/admin/markets/BTC-USDT"),
    ("POST", "/v1/admin/instruments"),
    ("POST", "/v1/admin/keys"),
    ("GET", "/v1/admin/keys"),
    ("DELETE", "/v1/admin/keys/abcdefghijkl"),
    ("POST", "/v1/instruments"),
    ("GET", "/v1/nothing"),
]


@pytest.fixture(scope="module")
def venue(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyVenue]:
    """One for the tests that break nothing; each has accounts of its own."""
    with running_key_venue(module_redis_url, tmp_path_factory.mktemp("gateway")) as running:
        yield running


def unauthenticated(reply: httpx.Response, code: str) -> None:
    """401 with this code, and the scheme that is wanted."""
    refused(reply, 401, code)
    assert reply.headers["www-authenticate"] == "Bearer"


def test_every_route_of_the_document_wants_a_key(venue: KeyVenue) -> None:
    """Those of `/v1`, instruments and time aside, so that none is added open by mistake."""
    paths = venue.api.get("/openapi.json").json()["paths"]
    asked = 0
    for path, methods in paths.items():
        if not path.startswith("/v1/") or path.startswith(("/v1/instruments", "/v1/time")):
            continue
        for method in methods:
            unauthenticated(venue.ask(method.upper(), path, None), "key_required")
            asked += 1
    assert asked >= len(ROUTES) - 2


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_is_done_without_a_key(venue: KeyVenue, method: str, path: str) -> None:
    """Requests without a key and with an invalid key are refused."""
    before = venue.commands()
    unauthenticated(venue.ask(method, path, None), "key_required")
    unauthenticated(venue.ask(method, path, None, X_Account="alice"), "key_required")
    unauthenticated(venue.ask(method, path, "tw_guess"), "key_invalid")
    assert venue.commands() == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1/instruments",
        "/v1/instruments/BTC-USDT",
        "/v1/time",
        "/docs",
        "/openapi.json",
        "/readyz",
    ],
)
def test_what_is_traded_is_public(venue: KeyVenue, path: str) -> None:
    """As are the documents and health; a key, even a wrong one, does not matter there."""
    assert venue.ask("GET", path, None).status_code == 200
    assert venue.ask("GET", path, "tw_guess").status_code == 200


def test_a_key_acts_for_its_account(venue: KeyVenue) -> None:
    """A key acts for its own account only: orders of other accounts do not exist for it."""
    alice, bob = venue.key("alice"), venue.key("bob")
    placed = venue.ask("POST", "/v1/orders", alice)
    assert placed.status_code == 201, placed.text
    path = f"/v1/orders/{placed.json()['order_id']}"
    for method in ("GET", "DELETE"):
        refused(venue.ask(method, path, bob), 404, "order_not_found")
    patched = venue.api.patch(
        path, json={"quantity": "0.1"}, headers={"Authorization": f"Bearer {bob}"}
    )
    refused(patched, 404, "order_not_found")
    assert venue.ask("GET", "/v1/orders", bob).json()["orders"] == []
    assert venue.ask("GET", path, alice).json()["status"] == "new"
    assert venue.ask("DELETE", path, alice).status_code == 200


def test_wrong_unknown_and_malformed_keys_are_alike(venue: KeyVenue) -> None:
    """The same answer to each, to the letter."""
    key = venue.key("alice")
    other = "a" if key[-1] != "a" else "b"
    guesses = [
        key[:-1] + other,
        f"tw_{'x' * 12}_{key[-SECRET_CHARACTERS:]}",
        key[:-1],
        f"{key}x",
        key.swapcase(),
        "x" * 5_000,
    ]
    answers = {venue.ask("GET", "/v1/orders", guess).content for guess in guesses}
    assert len(answers) == 1
    unauthenticated(venue.ask("GET", "/v1/orders", guesses[0]), "key_invalid")


def test_a_revoked_key_is_worth_nothing_within_the_cache_time(venue: KeyVenue) -> None:
    """Also one that was used a moment before."""
    key = venue.key("alice")
    assert venue.ask("GET", "/v1/orders", key).status_code == 200
    venue.revoke(key)
    wait_for(
        lambda: venue.ask("GET", "/v1/orders", key).status_code == 401,
        "the revoked key is refused",
        KEY_CACHE_S + 1.0,
    )
    unauthenticated(venue.ask("POST", "/v1/orders", key), "key_revoked")


def test_an_expired_key_is_worth_nothing(venue: KeyVenue) -> None:
    """From its moment on."""
    now_us = time.time_ns() // 1_000
    unauthenticated(
        venue.ask("GET", "/v1/orders", venue.key("alice", expires_us=now_us)), "key_expired"
    )
    good = venue.key("alice", expires_us=now_us + DAY_US)
    assert venue.ask("GET", "/v1/orders", good).status_code == 200


def test_a_reader_cannot_trade(venue: KeyVenue) -> None:
    """A key with the permission `read` cannot change anything."""
    key = venue.key("reader", Permission.READ)
    before = venue.commands()
    for method, path in ROUTES:
        reply = venue.ask(method, path, key)
        if method == "GET" and not path.startswith("/v1/admin"):
            assert reply.status_code in {200, 404}, path
        else:
            refused(reply, 403, "permission_denied")
    assert venue.commands() == before


def test_a_trader_is_no_administrator(venue: KeyVenue) -> None:
    """A trader is refused as administrator, and an administrator as trader."""
    trader, admin = venue.key("trader"), venue.key("operator", Permission.ADMIN)
    for method, path in ROUTES:
        if path.startswith("/v1/admin"):
            refused(venue.ask(method, path, trader), 403, "permission_denied")
            assert venue.ask(method, path, admin).status_code not in {401, 403}
        else:
            refused(venue.ask(method, path, admin), 403, "permission_denied")


@pytest.mark.parametrize("name", ["victim", "ALICE", "", "alice,victim", "%61lice", "@fees"])
def test_another_account_cannot_be_smuggled_in(venue: KeyVenue, name: str) -> None:
    """`X-Account` must be the key's own account or not be there."""
    reply = venue.ask("GET", "/v1/orders", venue.key("alice"), X_Account=name)
    problem = refused(reply, 400, "account_mismatch")
    assert problem.field == "X-Account"


def test_the_own_account_may_be_named(venue: KeyVenue) -> None:
    """To name the account of the key is the same as to name none."""
    assert venue.ask("GET", "/v1/orders", venue.key("al"), X_Account="al").status_code == 200


def raw_request(venue: KeyVenue, path: str, headers: list[tuple[str, str]]) -> tuple[int, str]:
    """Status and code of an answer to a request with exactly these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", venue.service.port, timeout=10)
    try:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        reply = connection.getresponse()
        document = json.loads(reply.read())
        return reply.status, document.get("code", "")
    finally:
        connection.close()


def test_headers_that_stand_twice_are_refused(venue: KeyVenue) -> None:
    """Whichever of them a proxy in front believed."""
    alice, bob = venue.key("alice"), venue.key("bob")
    path = "/v1/orders"
    first, second = ("Authorization", f"Bearer {alice}"), ("authorization", f"Bearer {bob}")
    assert raw_request(venue, path, [first, second]) == (401, "key_invalid")
    assert raw_request(venue, path, [first, first]) == (401, "key_invalid")
    for accounts in (["alice", "bob"], ["bob", "alice"], ["alice", "alice"]):
        named = [("x-account", name) for name in accounts]
        assert raw_request(venue, path, [first, *named]) == (400, "account_mismatch")
    assert raw_request(venue, path, [first]) == (200, "")


def test_an_account_in_the_query_is_no_account(venue: KeyVenue) -> None:
    """Nor is a key there a key: addresses are logged by everything on the way."""
    alice = venue.key("alice")
    headers = [("Authorization", f"Bearer {alice}")]
    for query in ("account=bob", "X-Account=bob"):
        assert raw_request(venue, f"/v1/orders?{query}", headers) == (422, "unknown_field")
    for query in (f"key={alice}", f"Authorization=Bearer%20{alice}"):
        assert raw_request(venue, f"/v1/orders?{query}", []) == (401, "key_required")


@pytest.mark.parametrize(
    "value",
    ["tw_x", "Basic YWxpY2U6", "Bearer", "Bearer  ", "Token {key}", "Bearer {key} x", "{key}"],
)
def test_another_scheme_is_refused(venue: KeyVenue, value: str) -> None:
    """There is one way to send a key."""
    sent = value.replace("{key}", venue.key("alice"))
    headers = [("Authorization", sent)]
    assert raw_request(venue, "/v1/orders", headers) == (401, "key_invalid")


@pytest.mark.parametrize("path", ["/v1/%6frders", "/%76%31/orders", "/v1/orders?x=/v1/instruments"])
def test_no_spelling_of_a_path_goes_around_the_guard(venue: KeyVenue, path: str) -> None:
    """What the routes understand, the guard has understood in the same way."""
    assert raw_request(venue, path, []) == (401, "key_required")


@pytest.mark.parametrize(
    "path",
    ["/v1/instruments/../orders", "//v1/orders", "/V1/orders", "/v1/instruments/x/../../orders"],
)
def test_other_spellings_reach_nothing(venue: KeyVenue, path: str) -> None:
    """Other spellings are no paths of the gateway."""
    assert raw_request(venue, path, [])[0] == 404


def test_an_administrator_makes_lists_and_revokes_keys(venue: KeyVenue) -> None:
    """The whole life of a key over REST; its text is in the first answer only."""
    admin = {"Authorization": f"Bearer {venue.key('operator', Permission.ADMIN)}"}
    wanted = {"account": "carol", "permissions": ["trade", "read"], "label": "bot"}
    reply = venue.api.post("/v1/admin/keys", json=wanted, headers=admin)
    assert reply.status_code == 201, reply.text
    assert reply.headers["cache-control"] == "no-store"
    made = reply.json()
    key, key_id = made.pop("key"), made["key_id"]
    assert (made.pop("api_key"), made.pop("api_secret")) == (f"tw_{key_id}", None)
    assert made == made | wanted | {"permissions": ["read", "trade"], "revoked_at": None}
    assert venue.ask("POST", "/v1/orders", key).status_code == 201
    listed = list_all(venue, admin)
    assert made in listed
    assert key[-SECRET_CHARACTERS:] not in json.dumps(listed)
    kept = venue.redis.hgetall(keys.api_key(key_id))
    assert key[-SECRET_CHARACTERS:] not in str(kept)
    revoked = venue.api.delete(f"/v1/admin/keys/{key_id}", headers=admin)
    assert revoked.json()["revoked_at"] is not None
    again = venue.api.delete(f"/v1/admin/keys/{key_id}", headers=admin)
    assert again.json() == revoked.json()
    wait_for(lambda: venue.ask("GET", "/v1/orders", key).status_code == 401, "the key is refused")
    refused(venue.api.delete("/v1/admin/keys/none", headers=admin), 404, "key_not_found")


def list_all(venue: KeyVenue, admin: dict[str, str]) -> list[dict[str, object]]:
    """Every page, of three keys each."""
    found: list[dict[str, object]] = []
    query = {"limit": "3"}
    while True:
        page = venue.api.get("/v1/admin/keys", params=query, headers=admin).json()
        found += page["keys"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "@fees"}, "invalid_account"),
        ({"account": None}, "invalid_account"),
        ({"permissions": []}, "invalid_value"),
        ({"permissions": ["root"]}, "invalid_value"),
        ({"permissions": "trade"}, "invalid_value"),
        ({"label": "a\nb"}, "invalid_value"),
        ({"label": "x" * 65}, "invalid_value"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "out_of_range"),
        ({"expires_at": "tomorrow"}, "invalid_value"),
        ({"secret": "mine"}, "unknown_field"),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    venue: KeyVenue, change: dict[str, object], code: str
) -> None:
    """The field is named, and no key was made."""
    admin = {"Authorization": f"Bearer {venue.key('operator', Permission.ADMIN)}"}
    before = venue.redis.scard(keys.API_KEYS)
    wanted = {"account": "carol", "permissions": ["trade"]} | change
    reply = venue.api.post("/v1/admin/keys", json=wanted, headers=admin)
    problem = refused(reply, 422, code)
    assert problem.field == next(iter(change))
    assert venue.redis.scard(keys.API_KEYS) == before


def test_guesses_are_bounded_per_address(module_redis_url: str, tmp_path: Path) -> None:
    """An address that has used up its bucket is not even listened to, with a good key either."""
    few = {
        "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "1",
        "TAPEWIRE_GATEWAY_ADDRESS_BURST": "5",
    }
    with running_key_venue(module_redis_url, tmp_path, few) as venue:
        key = venue.key("alice")
        for _ in range(5):
            unauthenticated(venue.ask("GET", "/v1/orders", "tw_guess"), "key_invalid")
        # One request comes back every second, so a slow machine sees some of these let in.
        for guess in ("tw_guess", key, None):
            replies: list[httpx.Response] = []

            def is_limited(guess: str | None = guess, replies: list[Any] = replies) -> bool:
                replies.append(venue.ask("GET", "/v1/orders", guess))
                return bool(replies[-1].status_code == 429)

            wait_for(is_limited, "the address has used up its bucket")
            refused(replies[-1], 429, "rate_limited")
            assert int(replies[-1].headers["retry-after"]) >= 1

        def is_socket_limited() -> bool:
            with venue.socket(headers=["Authorization: Bearer tw_guess"]) as socket:
                return socket.status == 429

        wait_for(is_socket_limited, "a WebSocket is limited too")


def test_the_log_has_no_key(venue: KeyVenue) -> None:
    """The log has neither a valid key nor a guess, at its most detailed level."""
    good, wrong = venue.key("alice"), f"tw_{'k' * 12}_{'s' * SECRET_CHARACTERS}"
    for key in (good, wrong):
        venue.ask("GET", "/v1/orders", key)
        with venue.socket(headers=[f"Authorization: Bearer {key}"]):
            pass
        with venue.socket() as socket:
            socket.send_text(json.dumps({"op": "authenticate", "key": key}))
            socket.receive_text()
    log = venue.service.log()
    assert log
    for key in (good, wrong):
        assert key[-SECRET_CHARACTERS:] not in log
        assert key[3:15] not in log
