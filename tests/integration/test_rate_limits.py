"""Rate limits of a real gateway: the usual headers, and 429 with the time to wait."""

import itertools
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.running.processes import Service, running_gateway
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import place, refused
from tests.support.wait import wait_for

# So slow that nothing comes back while a test runs.
TIGHT = {
    "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "1",
    "TAPEWIRE_GATEWAY_ACCOUNT_BURST": "60",
    "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "0",
}


@pytest.fixture(scope="module")
def tight_gateway(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A gateway that lets an account send sixty at once, and one a second."""
    with running_gateway(module_redis_url, tmp_path_factory.mktemp("tight"), TIGHT) as service:
        yield service


@pytest.fixture
def api(tight_gateway: Service, redis_url: str) -> Iterator[httpx.Client]:
    """A client of that gateway, with an empty Redis behind it."""
    assert redis_url
    with httpx.Client(base_url=tight_gateway.url) as client:
        yield client


def remaining(reply: httpx.Response) -> int:
    """What is left of the sixty, one of which comes back every second."""
    assert reply.headers["ratelimit-limit"] == "60"
    assert 1 <= int(reply.headers["ratelimit-reset"]) <= 60
    return int(reply.headers["ratelimit-remaining"])


def back_since(started_s: float) -> int:
    """How many requests may have come back since a moment, at most."""
    return math.ceil(time.monotonic() - started_s) + 1


def test_answers_and_refusals_say_what_is_left(api: httpx.Client) -> None:
    """Every request costs one, also one that is refused or cannot be read; a batch its items."""
    api.headers["X-Account"] = "reader"
    started_s = time.monotonic()

    def costs(reply: httpx.Response, sent: int) -> None:
        """After so many requests that many are missing, but for those that came back."""
        assert 60 - sent <= remaining(reply) <= 60 - sent + back_since(started_s)

    assert remaining(api.post("/v1/orders", json=LIMIT_ORDER)) == 59
    costs(api.post("/v1/orders", json=LIMIT_ORDER | {"price": "0"}), 2)
    malformed = api.post("/v1/orders", content=b"{", headers={"Content-Type": "application/json"})
    costs(malformed, 3)
    costs(api.get("/v1/orders"), 4)
    costs(api.post("/v1/orders/batch", json={"orders": [LIMIT_ORDER] * 20}), 24)


def test_too_much_is_refused_with_the_time_to_wait_and_nothing_is_done(api: httpx.Client) -> None:
    """Each account for itself; health and instruments are not counted."""
    api.headers["X-Account"] = "greedy"
    full = {"orders": [LIMIT_ORDER] * 50}
    started_s = time.monotonic()
    assert api.post("/v1/orders/batch", json=full).status_code == 200
    reply = api.post("/v1/orders/batch", json=full)
    problem = refused(reply, 429, "rate_limited")
    wait_s = int(reply.headers["retry-after"])
    back = back_since(started_s)
    assert 40 - back <= wait_s <= 40
    assert f"wait {wait_s} s" in problem.detail
    assert 10 <= remaining(reply) <= 10 + back
    place(api, account="modest")
    assert api.get("/readyz").status_code == 200
    assert "ratelimit-limit" not in api.get("/v1/instruments").headers
    orders = api.get("/v1/orders", params={"limit": 500}).json()["orders"]
    assert len(orders) == 50


@contextmanager
def address_limited(redis_url: str, folder: Path, *, burst: int) -> Iterator[httpx.Client]:
    """A client of a gateway that takes `burst` requests of an address at once, one a second."""
    variables = {
        "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "1",
        "TAPEWIRE_GATEWAY_ADDRESS_BURST": str(burst),
    }
    with (
        running_gateway(redis_url, folder, variables) as gateway,
        httpx.Client(base_url=gateway.url) as client,
    ):
        yield client


def test_every_read_of_a_trader_is_counted(redis_url: str, tmp_path: Path) -> None:
    """Notices, rounds, results, performance and the leaderboard too, also when they are refused."""
    with address_limited(redis_url, tmp_path, burst=1_000) as client:
        paths = [
            path
            for path, methods in client.get("/openapi.json").json()["paths"].items()
            if "get" in methods and path.startswith("/v1/") and "/admin/" not in path
        ]
        uncounted = {"/v1/instruments", "/v1/instruments/{symbol}", "/v1/time"}
        assert uncounted < set(paths)
        for path in sorted(set(paths) - uncounted):
            values = {"order_id": "7", "list_id": "7", "number": "7"}
            for query in ("", "?unread=1"):
                reply = client.get(f"{path.format_map(values)}{query}")
                assert "ratelimit-remaining" in reply.headers, f"{path}{query}"


def test_an_address_is_the_one_that_is_connected(redis_url: str, tmp_path: Path) -> None:
    """What a client says of its address in a header changes nothing."""
    with address_limited(redis_url, tmp_path, burst=3) as client:
        numbers = itertools.count()

        def status() -> int:
            """Of a request that claims an address and an account of its own."""
            number = next(numbers)
            address = f"192.0.2.{number}"
            claims = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": address}
            headers = claims | {"X-Account": f"account-{number}"}
            return client.get("/v1/orders", headers=headers).status_code

        assert status() == 200
        wait_for(lambda: status() == 429, "the requests of this address are too many")
