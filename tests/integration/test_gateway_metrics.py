"""The figures of a gateway: every order, cancel and refusal is counted once, on any transport."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tapewire.runtime.ports import free_port
from tests.support.running.processes import Service, running_gateway, start
from tests.support.running.processes import wait_until_ready as wait_until_service_is_ready
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.order_socket import RESTING, OrderSocket
from tests.support.transport.rest import JSON, place, refused
from tests.support.wait import wait_for

PORT_VARIABLE = "TAPEWIRE_GATEWAY_PORT"
LIMITED = {"TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "1", "TAPEWIRE_GATEWAY_ACCOUNT_BURST": "3"}


@pytest.fixture
def gateway(redis_url: str, tmp_path: Path) -> Iterator[Service]:
    """One that has counted nothing yet."""
    with running_gateway(redis_url, tmp_path) as service:
        yield service


def figures(url: str) -> dict[str, float]:
    """Every figure by name and labels."""
    reply = httpx.get(f"{url}/metrics", trust_env=False)
    assert reply.status_code == 200
    found = {}
    for family in text_string_to_metric_families(reply.text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_orders_cancels_and_refusals_are_counted_once(gateway: Service) -> None:
    """Over REST, in a batch and over WebSocket."""
    with httpx.Client(base_url=gateway.url, headers=JSON, trust_env=False) as api:
        order = place(api, price="50000.00", client_order_id="my-1")
        # A replay is no second order.
        assert api.post("/v1/orders", json=RESTING | {"client_order_id": "my-1"}).status_code == 200
        assert api.patch(f"/v1/orders/{order['order_id']}", json={"quantity": "0.4"}).is_success
        refused(api.post("/v1/orders", json=LIMIT_ORDER | {"price": "0.001"}), 422, "off_tick")
        refused(api.post("/v1/orders", content=b"{"), 400, "malformed_json")
        refused(api.get("/v1/nothing"), 404, "not_found")
        assert api.delete(f"/v1/orders/{order['order_id']}").is_success
        batch = {"orders": [RESTING, RESTING | {"price": "0.001"}, RESTING]}
        assert api.post("/v1/orders/batch", json=batch).status_code == 200
        assert len(api.delete("/v1/orders").json()["canceled"]) == 2
    with OrderSocket(gateway.port, "alice") as socket:
        socket.done("place", **RESTING)
        assert socket.ask("place", **(RESTING | {"price": "0.001"}))["status"] == 422
        assert socket.ask("nothing")["status"] == 422
        shown = figures(gateway.url)
        assert shown["tapewire_websocket_connections"] == 1
    assert shown["tapewire_orders_placed_total"] == 4
    assert shown["tapewire_orders_amended_total"] == 1
    assert shown["tapewire_orders_canceled_total"] == 3
    assert shown["tapewire_refusals_total{code=off_tick}"] == 3
    assert shown["tapewire_refusals_total{code=malformed_json}"] == 1
    assert shown["tapewire_refusals_total{code=not_found}"] == 1
    assert shown["tapewire_refusals_total{code=invalid_value}"] == 1
    # Those of the batch among them; the request that was no JSON was no operation.
    assert shown["tapewire_request_seconds_count{operation=place}"] == 8
    assert shown["tapewire_request_seconds_count{operation=batch}"] == 1
    assert shown["tapewire_request_seconds_sum{operation=place}"] > 0
    trips = shown["tapewire_redis_round_trip_seconds_count"]
    assert trips == shown["tapewire_redis_round_trip_commands_count"]
    assert shown["tapewire_redis_round_trip_commands_sum"] >= trips > 0
    assert shown["tapewire_event_loop_lag_seconds_count"] > 0


def test_requests_over_the_limit_are_counted(redis_url: str, tmp_path: Path) -> None:
    """As a figure of their own, and among the refusals."""
    with (
        running_gateway(redis_url, tmp_path, LIMITED) as service,
        httpx.Client(base_url=service.url, trust_env=False) as api,
    ):
        statuses = [api.get("/v1/orders").status_code for _ in range(5)]
        shown = figures(service.url)
    limited = statuses.count(429)
    assert limited > 0
    assert shown["tapewire_rate_limited_requests_total"] == limited
    assert shown["tapewire_refusals_total{code=rate_limited}"] == limited


def test_workers_of_a_port_answer_for_each_other(redis_url: str, tmp_path: Path) -> None:
    """Every scrape has the figures of both, under the number of each."""
    port, settings = free_port(), {"REDIS_URL": redis_url, "TAPEWIRE_GATEWAY_REUSE_PORT": "true"}
    folders = [tmp_path / name for name in ("first", "second")]
    services = []
    try:
        for folder in folders:
            folder.mkdir()
            services.append(start("order_gateway", PORT_VARIABLE, settings, folder, port))
        for service in services:
            wait_until_service_is_ready(service)
        # Either worker may have answered for both.
        names = [f"tapewire_orders_placed_total{{worker={number}}}" for number in (1, 2)]
        wait_for(lambda: set(names) <= figures(services[0].url).keys(), "both have begun")
        for _ in range(4):
            # Every connection may meet another worker.
            place_once(services[0].url)
        shown = figures(services[0].url)
    finally:
        for service in services:
            service.stop()
    assert sum(shown[name] for name in names) == 4


def place_once(url: str) -> None:
    """One order over a connection of its own."""
    with httpx.Client(base_url=url, headers=JSON, trust_env=False) as api:
        place(api, price="50000.00")
