"""A gateway whose Redis is killed, stopped or shared: honest answers, and recovery by itself."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tapewire.redis.server import RedisServer
from tests.support.running.processes import Service, running_gateway
from tests.support.transport import order_bodies
from tests.support.transport.rest import JSON, place
from tests.support.wait import wait_for

HEALTHY = b'{"status":"healthy","service":"order-gateway","redis":"connected"}\n'
UNHEALTHY = b'{"status":"unhealthy","service":"order-gateway","redis":"disconnected"}\n'
# Longer than the bound of a health answer, so that the test can tell them apart.
TIMEOUTS = {
    "TAPEWIRE_REDIS_TIMEOUT_S": "10",
    "TAPEWIRE_REDIS_CONNECT_TIMEOUT_S": "10",
}


@pytest.fixture
def gateway(redis_server: RedisServer, tmp_path: Path) -> Iterator[Service]:
    """A gateway on a Redis of this test's own."""
    with running_gateway(redis_server.url, tmp_path, TIMEOUTS) as service:
        yield service


def test_a_restart_of_redis_loses_nothing_and_heals_by_itself(
    gateway: Service, redis_server: RedisServer
) -> None:
    """While Redis is away every answer is an honest 503; afterwards the order is there."""
    with httpx.Client(base_url=gateway.url) as api:
        order = place(api, client_order_id="my-1")
        path = f"/v1/orders/{order['order_id']}"
        redis_server.kill()
        health = api.get("/health")
        assert (health.status_code, health.content) == (503, UNHEALTHY)
        ready = api.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["failing"] == ["redis", "matching", "instruments"]
        assert api.get("/livez").status_code == 200
        assert api.get("/v1/instruments").status_code == 200
        body = order_bodies.body(client_order_id="my-2")
        for reply in (
            api.post("/v1/orders", content=body, headers=JSON),
            api.post("/v1/orders", content=body, headers=JSON),
            api.get(path),
            api.delete(path),
        ):
            assert reply.status_code == 503
            assert reply.headers["retry-after"] == "1"
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.json()["code"] in {"redis_unavailable", "outcome_unknown"}
        redis_server.start()
        wait_for(lambda: api.get("/readyz").status_code == 200, "the gateway is ready again")
        assert api.get("/health").content == HEALTHY
        assert api.get(path).json() == order
        assert place(api, client_order_id="my-2")["status"] == "new"


def test_a_redis_that_hangs_delays_no_health_answer(
    gateway: Service, redis_server: RedisServer
) -> None:
    """The probe has a connection and a timeout of its own, also behind a stuck order."""
    with httpx.Client(base_url=gateway.url, timeout=30) as api:
        place(api)
        body = order_bodies.body(client_order_id="my-1")
        os.kill(redis_server.pid, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(1) as pool:
                stuck = pool.submit(api.post, "/v1/orders", content=body, headers=JSON)
                for path in ("/health", "/readyz"):
                    assert api.get(path).status_code == 503
                assert not stuck.done(), "health waits as long as an order does"
                reply = stuck.result()
            assert (reply.status_code, reply.json()["code"]) == (503, "outcome_unknown")
            assert "client_order_id" in reply.json()["detail"]
        finally:
            os.kill(redis_server.pid, signal.SIGCONT)
        wait_for(lambda: api.get("/readyz").status_code == 200, "the gateway is ready again")
        # Whether the stuck order was done or not, asking again tells, and there is only one.
        first = api.post("/v1/orders", content=body, headers=JSON)
        second = api.post("/v1/orders", content=body, headers=JSON)
        assert first.json() == second.json()
        assert second.headers["idempotent-replay"] == "true"


def test_any_gateway_knows_the_orders_of_another(
    gateway: Service, redis_server: RedisServer, tmp_path: Path
) -> None:
    """A gateway holds no state: two of them are one venue."""
    with (
        running_gateway(redis_server.url, tmp_path) as other,
        httpx.Client(base_url=gateway.url) as here,
        httpx.Client(base_url=other.url) as there,
    ):
        order = place(here, side="sell")
        assert there.get(f"/v1/orders/{order['order_id']}").json() == order
        assert place(there)["status"] == "filled"
        assert here.get(f"/v1/orders/{order['order_id']}").json()["status"] == "filled"


def test_a_gateway_that_is_killed_loses_no_answered_order(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """What was answered with 201 was in Redis before."""
    with running_gateway(redis_server.url, tmp_path) as doomed:
        with httpx.Client(base_url=doomed.url) as api:
            order = place(api, client_order_id="my-1")
        doomed.process.kill()
    with (
        running_gateway(redis_server.url, tmp_path) as heir,
        httpx.Client(base_url=heir.url) as api,
    ):
        body = order_bodies.body(client_order_id="my-1")
        again = api.post("/v1/orders", content=body, headers=JSON)
        assert (again.status_code, again.json()) == (200, order)
