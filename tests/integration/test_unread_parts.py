"""No route takes a query parameter or a body that it does not read: it is refused, by its name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.running.processes import Service, running_gateway, running_market_data
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import JSON, contents, place, refused

PLACES: dict[str, Any] = {
    "order_id": "1", "symbol": "BTC-USDT", "key_id": "Xk3vQ8mZt1Lb", "account": "alice",
    "number": "1", "list_id": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def gateway(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A gateway that takes part in no other test."""
    with running_gateway(module_redis_url, tmp_path_factory.mktemp("gateway")) as service:
        yield service


@pytest.fixture
def api(gateway: Service) -> Iterator[httpx.Client]:
    """A client of the gateway."""
    with httpx.Client(base_url=gateway.url, headers=JSON, trust_env=False, timeout=30) as client:
        yield client


def operations(api: httpx.Client) -> Iterator[tuple[str, str, bool]]:
    """Method and path of every operation of a document, and whether it reads a body."""
    for path, methods in api.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.format_map(PLACES), "requestBody" in operation


def check_document(api: httpx.Client, *documents: str) -> int:
    """Send every operation what it does not read; returns how many there are."""
    count = 0
    for method, path, reads_body in (
        *operations(api), *(("GET", path, False) for path in documents)
    ):  # fmt: skip
        count += 1
        body: dict[str, Any] = {"json": LIMIT_ORDER} if reads_body else {}
        problem = refused(
            api.request(method, path, params={"unread": "1"}, **body), 422, "unknown_field"
        )
        assert problem.field == "unread", (method, path)
        if not reads_body:
            reply = api.request(method, path, json={"unread": 1})
            assert refused(reply, 422, "unknown_field").field == "unread", (method, path)
            for text in (b"[1]", b'"x"'):
                reply = api.request(method, path, content=text)
                assert refused(reply, 422, "unknown_field").field == "body", (method, path)
    return count


def test_no_operation_of_the_gateway_ignores_a_part_of_a_request(
    api: httpx.Client, module_redis_url: str
) -> None:
    """Every one that is documented, and nothing is written."""
    assert api.get("/v1/account").status_code == 200
    before = contents(module_redis_url)
    assert check_document(api, "/openapi.json", "/docs", "/asyncapi.json") > 25
    assert contents(module_redis_url) == before


@pytest.mark.parametrize("cursor", ["x!", "\x9d\x04", "\u0661", "(1", "1 2", ""])
def test_every_list_refuses_a_cursor_that_no_page_has_given_out(
    api: httpx.Client, cursor: str
) -> None:
    """Every list of the document, by the name of the parameter."""
    count = 0
    for path, methods in api.get("/openapi.json").json()["paths"].items():
        names = {part["name"] for part in methods.get("get", {}).get("parameters", ())}
        if "cursor" in names:
            count += 1
            reply = api.get(path.format_map(PLACES), params={"cursor": cursor})
            assert refused(reply, 422, "invalid_value").field == "cursor", path
    assert count >= 5


def test_no_operation_of_market_data_ignores_a_part_of_a_request(
    module_redis_url: str, gateway: Service, tmp_path: Path
) -> None:
    """Every one that is documented."""
    assert gateway.process.poll() is None
    with (
        running_market_data(module_redis_url, tmp_path) as service,
        httpx.Client(base_url=service.url, trust_env=False, timeout=30) as api,
    ):
        documents = ("/openapi.json", "/docs", "/asyncapi.json", "/asyncapi-streams.json")
        assert check_document(api, *documents) > 6


@pytest.mark.parametrize("path", ["/", "/admin", "/page/page.css"])
def test_pages_ignore_queries(api: httpx.Client, path: str) -> None:
    """Links and browsers add parameters of their own to pages and their files."""
    assert api.get(path, params={"utm_source": "mail"}).status_code == api.get(path).status_code


def test_what_destroys_is_not_done_on_a_misplaced_field(api: httpx.Client) -> None:
    """A symbol in the body cancels nothing, one in the query stops nothing, `dry_run` places
    nothing."""
    order = place(api, price="50000.00")
    reply = api.request("DELETE", "/v1/orders", json={"symbol": "ETH-USDT"})
    problem = refused(reply, 422, "unknown_field")
    assert problem.field == "symbol"
    assert "query" in problem.detail
    reply = api.post("/v1/admin/kill", params={"symbol": "ETH-USDT"})
    assert refused(reply, 422, "unknown_field").field == "symbol"
    reply = api.post("/v1/orders", params={"dry_run": "true"}, json=LIMIT_ORDER)
    assert refused(reply, 422, "unknown_field").field == "dry_run"
    assert api.get("/v1/instruments/BTC-USDT").json()["state"] == "trading"
    open_orders = api.get("/v1/orders", params={"status": "open"}).json()["orders"]
    assert [item["order_id"] for item in open_orders] == [order["order_id"]]


def test_an_empty_body_says_nothing(api: httpx.Client) -> None:
    """Clients that send `{}` or nothing with every request are served."""
    for content in (b"", b"{}", b" {} \n"):
        assert api.request("DELETE", "/v1/orders", content=content).status_code == 200
        assert api.request("GET", "/v1/instruments", content=content).status_code == 200


def test_a_doubled_parameter_is_refused(api: httpx.Client) -> None:
    """Proxies and servers disagree on which of two counts."""
    reply = api.get("/v1/orders?symbol=BTC-USDT&symbol=ETH-USDT")
    assert refused(reply, 422, "duplicate_field").field == "symbol"


def test_a_refused_request_counts_for_the_rate_limits(api: httpx.Client) -> None:
    """As every request of an account does."""
    before = int(api.get("/v1/orders").headers["RateLimit-Remaining"])
    reply = api.get("/v1/orders", params={"unread": "1"})
    assert reply.status_code == 422
    assert int(reply.headers["RateLimit-Remaining"]) <= before


def test_a_compressed_body_is_refused(api: httpx.Client) -> None:
    """A compressed body would be read as if it were plain."""
    for encoding, status in (("gzip", 415), ("identity", 201)):
        headers = {"Content-Encoding": encoding}
        reply = api.post("/v1/orders", json=LIMIT_ORDER, headers=headers)
        assert reply.status_code == status


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/instruments/BTC-USDT", "/health", "/metrics"])
def test_head_answers_as_get_without_a_body(api: httpx.Client, path: str) -> None:
    """With its status and its headers, so that a client learns the size."""
    head, got = api.head(path), api.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers.keys() == got.headers.keys()


def test_head_of_a_path_without_get_names_its_methods(api: httpx.Client) -> None:
    """405, as for any other method that is not there."""
    reply = api.head("/v1/orders/batch")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")
    assert api.post("/v1/account").headers["Allow"] == "GET, HEAD"


def test_the_binance_surface_alone_ignores_what_it_does_not_read(api: httpx.Client) -> None:
    """The one exception: clients of Binance send parameters of their own, which Binance ignores.

    Its paths are not in the document, so that no other rule speaks of them.
    """
    assert api.get("/api/v3/ping", params={"unread": "1"}).status_code == 200
    assert api.request("GET", "/api/v3/ping", content=b"unread=1").status_code == 200
    paths = api.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith(("/api", "/sapi", "/fapi", "/dapi"))]
