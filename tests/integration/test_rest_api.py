"""A real gateway process over HTTP on a real Redis: orders in, answers and refusals out."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import redis

from order_gateway.schemas import InstrumentsReply, TimeReply
from tapewire import keys
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.values.timestamps import format_timestamp
from tapewire.wire.trade_event import decode_trade
from tests.support.running.processes import Service, running_gateway
from tests.support.structures import read_exactly
from tests.support.transport import order_bodies
from tests.support.transport.order_bodies import REFUSED
from tests.support.transport.rest import JSON, contents, place, refused

HEALTHY = b'{"status":"healthy","service":"order-gateway","redis":"connected"}\n'


@pytest.fixture(scope="module")
def gateway(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One gateway for the tests that break nothing."""
    with running_gateway(module_redis_url, tmp_path_factory.mktemp("gateway")) as service:
        yield service


@pytest.fixture
def api(gateway: Service, redis_url: str) -> Iterator[httpx.Client]:
    """A client of that gateway. Its Redis is empty, and the gateway was not told so."""
    assert redis_url
    with httpx.Client(base_url=gateway.url) as client:
        yield client


def test_an_order_is_placed_read_and_canceled(api: httpx.Client) -> None:
    """The whole life of an order, with the answers of the contract."""
    order = place(api, client_order_id="my-1")
    assert order == order | {
        "client_order_id": "my-1",
        "price": "60000.00",
        "quantity": "0.50000",
        "executed_quantity": "0.00000",
        "remaining_quantity": "0.50000",
        "cumulative_quote_quantity": "0.0000000",
        "status": "new",
        "fills": [],
    }
    path = f"/v1/orders/{order['order_id']}"
    assert api.get(path).json() == order
    reply = api.delete(path)
    assert (reply.status_code, reply.json()["status"]) == (200, "canceled")
    assert reply.json()["updated_timestamp"] > order["timestamp"]
    assert api.get(path).json() == reply.json()
    refused(api.delete(path), 409, "order_closed")


def test_two_orders_trade_and_the_trade_is_published(api: httpx.Client, redis_url: str) -> None:
    """Both sides, the reader and the subscriber see the same trade, at the maker's price."""
    with redis.Redis.from_url(redis_url) as client, client.pubsub() as subscription:
        subscription.subscribe(keys.TRADE_CHANNEL)
        assert subscription.get_message(timeout=5)
        maker = place(api, side="sell", price="59999.50", quantity="0.2")
        taker = place(api, side="buy", price="60000.00", quantity="0.5")
        message = subscription.get_message(timeout=5)
    assert message is not None
    event = decode_trade(message["data"]).event
    (fill,) = taker["fills"]
    assert fill == {
        "trade_id": "BTC-USDT-1",
        "seq": 1,
        "price": "59999.50",
        "quantity": "0.20000",
        "liquidity": "taker",
        "fee": "0.00000000",
        "fee_asset": "BTC",
        "timestamp": event.timestamp,
    }
    assert (event.trade_id, event.price, event.quantity) == ("BTC-USDT-1", "59999.50", "0.20000")
    assert (event.maker_order_id, event.taker_order_id) == (maker["order_id"], taker["order_id"])
    assert taker["status"] == "partially_filled"
    assert taker["cumulative_quote_quantity"] == "11999.9000000"
    read = api.get(f"/v1/orders/{maker['order_id']}").json()
    assert (read["status"], read["remaining_quantity"]) == ("filled", "0.00000")
    assert read["fills"] == [fill | {"liquidity": "maker", "fee_asset": "USDT"}]


@pytest.mark.parametrize(
    ("changes", "executed"),
    [
        ({"order_type": "market", "price": None}, "0.20000"),
        ({"order_type": "ioc"}, "0.20000"),
        ({"time_in_force": "ioc"}, "0.20000"),
        ({"order_type": "fok"}, "0.00000"),
        ({"time_in_force": "fok"}, "0.00000"),
    ],
)
def test_what_may_not_rest_expires(
    api: httpx.Client, changes: dict[str, Any], executed: str
) -> None:
    """The order is accepted with 201, and its rest is not in the book."""
    place(api, side="sell", quantity="0.2")
    order = place(api, **changes)
    assert (order["status"], order["executed_quantity"]) == ("expired", executed)
    refused(api.delete(f"/v1/orders/{order['order_id']}"), 409, "order_closed")


def test_an_order_that_is_sent_again_is_not_placed_again(api: httpx.Client, redis_url: str) -> None:
    """The same name and body give the first order; another body is refused; accounts are apart."""
    first = place(api, client_order_id="my-1")
    before = contents(redis_url)
    # The same order in other words: decimals as numbers, without trailing zeros.
    body = (
        b'{"client_order_id": "my-1", "price": 60000, "quantity": 0.50, "order_type": "limit",'
        b' "side": "buy", "symbol": "BTC-USDT", "time_in_force": null}'
    )
    again = api.post("/v1/orders", content=body, headers=JSON)
    assert (again.status_code, again.json()) == (200, first)
    assert again.headers["idempotent-replay"] == "true"
    other = order_bodies.body(client_order_id="my-1", quantity="0.6")
    reply = api.post("/v1/orders", content=other, headers=JSON)
    refused(reply, 409, "duplicate_client_order_id")
    assert contents(redis_url) == before
    assert place(api, account="alice", client_order_id="my-1")["order_id"] != first["order_id"]


def test_an_account_sees_only_its_own_orders(api: httpx.Client) -> None:
    """An order of another account looks missing; without the header the account is demo."""
    path = f"/v1/orders/{place(api, account='alice')['order_id']}"
    for headers in ({}, {"X-Account": "bob"}):
        refused(api.get(path, headers=headers), 404, "order_not_found")
        refused(api.delete(path, headers=headers), 404, "order_not_found")
    assert api.get(path, headers={"X-Account": "alice"}).json()["status"] == "new"
    own = f"/v1/orders/{place(api)['order_id']}"
    assert api.get(own, headers={"X-Account": "demo"}).status_code == 200


@pytest.mark.parametrize("account", ["", "a b", "a/b", "x" * 65, "{tw}", "a\tb", "\xe9"])
def test_a_bad_account_is_refused(api: httpx.Client, account: str) -> None:
    """The account becomes part of Redis keys, so its characters are few."""
    headers = JSON | {"X-Account": account}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for method, path in (("POST", "/v1/orders"), ("GET", "/v1/orders/1")):
        reply = api.request(method, path, content=order_bodies.body(), headers=encoded)
        assert refused(reply, 422, "invalid_account").field == "X-Account"


def test_two_accounts_at_once_are_refused(api: httpx.Client) -> None:
    """A proxy and the gateway might believe different ones."""
    reply = api.get("/v1/orders/1", headers=[("X-Account", "alice"), ("X-Account", "bob")])
    refused(reply, 422, "invalid_account")


def test_a_refused_order_writes_nothing(api: httpx.Client, redis_url: str) -> None:
    """Every bad body of the table: a problem with its code and field, and Redis untouched."""
    place(api)
    before = contents(redis_url)
    for body, code, field in REFUSED:
        reply = api.post("/v1/orders", content=body, headers=JSON)
        assert reply.status_code < 500
        problem = refused(reply, reply.status_code, code)
        assert problem.field == field, body
    assert contents(redis_url) == before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/orders/", 404, "not_found"),
        ("PUT", "/v1/orders", 405, "method_not_allowed"),
        ("GET", "/v1/orders/client:", 422, "invalid_value"),
        ("GET", "/v1/orders/client:a%20b", 422, "invalid_value"),
        ("DELETE", "/v1/orders/client:none", 404, "order_not_found"),
        ("PUT", "/v1/orders/1", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
        ("GET", "/v1/orders/abc", 422, "invalid_order_id"),
        ("DELETE", "/v1/orders/0", 422, "invalid_order_id"),
        ("GET", "/v1/orders/-1", 422, "invalid_order_id"),
        ("GET", "/v1/orders/1%0A", 422, "invalid_order_id"),
        ("GET", "/v1/orders/" + "9" * 17, 422, "invalid_order_id"),
        ("GET", "/v1/orders/" + "9" * 16, 404, "order_not_found"),
        ("DELETE", "/v1/orders/77", 404, "order_not_found"),
        ("GET", "/v1/instruments/DOGE-USDT", 404, "unknown_symbol"),
    ],
)
def test_wrong_paths_methods_and_ids_are_problems(
    api: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    """The framework's refusals have the form of ours."""
    refused(api.request(method, path), status, code)


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
def test_a_body_must_be_declared_as_json(api: httpx.Client, content_type: str | None) -> None:
    """What curl sends without -H is refused with a sentence that helps."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    reply = api.post("/v1/orders", content=order_bodies.body(), headers=headers)
    problem = refused(reply, 415, "unsupported_media_type")
    assert problem.detail == "Content-Type must be application/json."


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', ' "Utf-8"'])
def test_a_content_type_may_name_utf_8(api: httpx.Client, charset: str) -> None:
    """In any case, and quoted."""
    headers = {"Content-Type": f"Application/JSON; profile=x; Charset={charset}"}
    assert api.post("/v1/orders", content=order_bodies.body(), headers=headers).is_success


@pytest.mark.parametrize("charset", ["utf-16", "latin1", '"utf-16"', "", "utf-8; charset=utf-16"])
def test_another_charset_is_refused(api: httpx.Client, charset: str) -> None:
    """A body is read as UTF-8, whatever Content-Type says."""
    headers = {"Content-Type": f"application/json; charset={charset}"}
    reply = api.post("/v1/orders", content=order_bodies.body(), headers=headers)
    assert "charset" in refused(reply, 415, "unsupported_media_type").detail


@pytest.mark.parametrize("second", ["text/plain", "application/json"])
def test_a_second_content_type_is_refused(api: httpx.Client, second: str) -> None:
    """Proxies disagree on which of two counts."""
    headers = [("Content-Type", "application/json"), ("Content-Type", second)]
    reply = api.post("/v1/orders", content=order_bodies.body(), headers=headers)
    assert "twice" in refused(reply, 415, "unsupported_media_type").detail


def padded(length: int) -> bytes:
    """A good order of this many bytes."""
    return order_bodies.body().ljust(length)


def test_a_body_may_be_exactly_as_long_as_the_limit(api: httpx.Client) -> None:
    """Declared or in chunks."""
    whole = padded(REQUEST_BODY_BYTES_MAX)
    assert api.post("/v1/orders", content=whole, headers=JSON).status_code == 201
    chunks = iter([whole[:1000], whole[1000:]])
    assert api.post("/v1/orders", content=chunks, headers=JSON).status_code == 201


def test_a_longer_body_is_refused_and_the_connection_goes_on(
    api: httpx.Client, redis_url: str
) -> None:
    """Declared or in chunks: 413, and the next request on the connection is answered."""
    place(api)
    before = contents(redis_url)
    whole = padded(REQUEST_BODY_BYTES_MAX + 1)
    refused(api.post("/v1/orders", content=whole, headers=JSON), 413, "body_too_large")
    chunks = iter([whole[:1000], whole[1000:]])
    refused(api.post("/v1/orders", content=chunks, headers=JSON), 413, "body_too_large")
    assert contents(redis_url) == before
    assert api.get("/livez").status_code == 200


def test_instruments_are_listed(api: httpx.Client) -> None:
    """One by one and all together."""
    reply = read_exactly(api.get("/v1/instruments").content, InstrumentsReply)
    found = {item.symbol: item for item in reply.instruments}
    # Other tests may have had more traded before this gateway was started.
    assert {"BTC-USDT", "ETH-USDT", "SOL-USDT"} <= set(found)
    assert list(found) == sorted(found)
    assert api.get("/v1/instruments/ETH-USDT").json() == msgspec.to_builtins(found["ETH-USDT"])


def test_the_time_is_that_of_redis(api: httpx.Client, redis_url: str) -> None:
    """Between two readings of Redis' own clock, in both forms."""
    with redis.Redis.from_url(redis_url) as client:
        before, shown, after = client.time(), api.get("/v1/time"), client.time()
    found = read_exactly(shown.content, TimeReply)
    assert before <= divmod(found.unix_us, 1_000_000) <= after
    assert found.timestamp == format_timestamp(found.unix_us)


def test_the_documentation_is_served(api: httpx.Client) -> None:
    """The page and the document that it shows."""
    assert "swagger" in api.get("/docs").text.lower()
    assert "/v1/orders" in api.get("/openapi.json").json()["paths"]


def test_health_is_exactly_the_contract(api: httpx.Client) -> None:
    """Byte for byte, and never cached."""
    reply = api.get("/health")
    assert (reply.status_code, reply.content) == (200, HEALTHY)
    assert reply.headers["cache-control"] == "no-store"


def test_a_redis_that_lost_its_data_is_told_again(api: httpx.Client, redis_url: str) -> None:
    """By the first readiness probe or by the first order, whichever comes first."""
    place(api)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        assert api.get("/readyz").json()["failing"] == []
        assert client.exists(keys.INSTRUMENTS)
        client.flushall()
        assert place(api)["order_id"] == "1"


def test_orders_sent_at_once_each_get_their_own_answer(gateway: Service, redis_url: str) -> None:
    """Answers of one round trip are not mixed up."""
    assert redis_url
    connections = [http.client.HTTPConnection("127.0.0.1", gateway.port) for _ in range(20)]
    try:
        for number, connection in enumerate(connections):
            body = order_bodies.body(client_order_id=f"n-{number}")
            connection.request("POST", "/v1/orders", body, JSON)
        replies = [json.loads(connection.getresponse().read()) for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert [reply["client_order_id"] for reply in replies] == [f"n-{n}" for n in range(20)]
    assert len({reply["order_id"] for reply in replies}) == 20
