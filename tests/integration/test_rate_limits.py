"""Rate limits of a real gateway: the usual headers, and 429 with the time to wait."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.running.processes import Service, running_gateway
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import place, refused

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
    """What is left of the sixty."""
    assert reply.headers["ratelimit-limit"] == "60"
    assert 1 <= int(reply.headers["ratelimit-reset"]) <= 60
    return int(reply.headers["ratelimit-remaining"])


def test_answers_and_refusals_say_what_is_left(api: httpx.Client) -> None:
    """Every request costs one, also one that is refused or cannot be read; a batch its items."""
    api.headers["X-Account"] = "reader"
    assert remaining(api.post("/v1/orders", json=LIMIT_ORDER)) == 59
    assert remaining(api.post("/v1/orders", json=LIMIT_ORDER | {"price": "0"})) in {58, 59}
    reply = api.post("/v1/orders", content=b"{", headers={"Content-Type": "application/json"})
    assert remaining(reply) in {57, 58, 59}
    before = remaining(api.get("/v1/orders"))
    after = remaining(api.post("/v1/orders/batch", json={"orders": [LIMIT_ORDER] * 20}))
    assert before - 20 <= after <= before - 15


def test_too_much_is_refused_with_the_time_to_wait_and_nothing_is_done(api: httpx.Client) -> None:
    """Each account for itself; health and instruments are not counted."""
    api.headers["X-Account"] = "greedy"
    full = {"orders": [LIMIT_ORDER] * 50}
    assert api.post("/v1/orders/batch", json=full).status_code == 200
    reply = api.post("/v1/orders/batch", json=full)
    problem = refused(reply, 429, "rate_limited")
    wait_s = int(reply.headers["retry-after"])
    assert 30 <= wait_s <= 40
    assert f"wait {wait_s} s" in problem.detail
    assert 10 <= remaining(reply) <= 20
    place(api, account="modest")
    assert api.get("/readyz").status_code == 200
    assert "ratelimit-limit" not in api.get("/v1/instruments").headers
    orders = api.get("/v1/orders", params={"limit": 500}).json()["orders"]
    assert len(orders) == 50


def test_an_address_is_the_one_that_is_connected(redis_url: str, tmp_path: Path) -> None:
    """What a client says of its address in a header changes nothing."""
    variables = {
        "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "1",
        "TAPEWIRE_GATEWAY_ADDRESS_BURST": "3",
    }
    with (
        running_gateway(redis_url, tmp_path, variables) as gateway,
        httpx.Client(base_url=gateway.url) as client,
    ):
        statuses = []
        for number in range(5):
            address = f"192.0.2.{number}"
            claims = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": address}
            reply = client.get("/v1/orders", headers=claims | {"X-Account": f"account-{number}"})
            statuses.append(reply.status_code)
    assert statuses[0] == 200
    assert statuses[-1] == 429
