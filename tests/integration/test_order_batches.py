"""Batches over REST: in order, one round trip where nothing has to be read, refusals one by one."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from order_gateway.schemas import BatchReply
from tapewire.limits import BATCH_ORDERS_MAX
from tests.support.running.gateway_pair import Desk
from tests.support.structures import read_exactly
from tests.support.transport.order_bodies import LIMIT_ORDER, REFUSED
from tests.support.transport.rest import place, refused

DUPLICATES = 10_000


def send(api: httpx.Client, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of a batch."""
    reply = api.post("/v1/orders/batch", json={"orders": list(items)})
    assert reply.status_code == 200, reply.text
    read_exactly(reply.content, BatchReply)
    results: list[dict[str, Any]] = reply.json()["results"]
    assert len(results) == len(items)
    return results


def test_a_batch_is_done_in_the_order_of_its_items(desk: Desk) -> None:
    """Each item meets what those before it left: placed, amended, canceled, placed again."""
    results = send(
        desk.here,
        LIMIT_ORDER | {"side": "sell", "client_order_id": "a", "price": "60010.00"},
        {"operation": "amend", "client_order_id": "a", "quantity": "0.4"},
        {"operation": "place"} | LIMIT_ORDER | {"price": "60010.00", "quantity": "0.3"},
        {"operation": "cancel", "client_order_id": "a"},
        {"operation": "cancel", "client_order_id": "a"},
        LIMIT_ORDER | {"side": "sell", "client_order_id": "a", "price": "60010.00"},
        LIMIT_ORDER | {"side": "sell", "client_order_id": "b"},
    )
    assert [result["status"] for result in results] == [201, 200, 201, 200, 409, 200, 201]
    placed, amended, bought, canceled, again, replayed, last = results
    assert amended["body"]["quantity"] == "0.40000"
    assert (bought["body"]["status"], bought["body"]["fills"][0]["price"]) == ("filled", "60010.00")
    assert (canceled["body"]["executed_quantity"], canceled["body"]["status"]) == (
        "0.30000", "canceled",
    )  # fmt: skip
    assert again["problem"]["code"] == "order_closed"
    assert replayed["body"]["order_id"] == placed["body"]["order_id"]
    assert int(last["body"]["order_id"]) > int(bought["body"]["order_id"])


def test_orders_of_a_batch_are_numbered_in_its_order(desk: Desk) -> None:
    """As many as it may have."""
    results = send(desk.there, *([LIMIT_ORDER] * BATCH_ORDERS_MAX))
    numbers = [int(result["body"]["order_id"]) for result in results]
    assert numbers == sorted(numbers)
    reply = desk.there.post("/v1/orders/batch", json={"orders": [LIMIT_ORDER] * 101})
    assert refused(reply, 422, "out_of_range").field == "orders"


def test_what_is_wrong_with_one_item_stops_no_other(desk: Desk) -> None:
    """Every bad body of the table between two good ones, with the problem of the single request."""
    tried = 0
    for body, code, field in REFUSED:
        try:
            item = json.loads(body)
        except ValueError:
            continue
        if not isinstance(item, dict) or code == "duplicate_field":
            continue
        raw = b'{"orders":[' + body + b"," + json.dumps(LIMIT_ORDER).encode() + b"]}"
        reply = desk.here.post("/v1/orders/batch", content=raw)
        first, second = reply.json()["results"]
        assert (first["problem"]["code"], first["problem"].get("field")) == (code, field)
        assert first["status"] == first["problem"]["status"]
        assert second["status"] == 201
        tried += 1
    assert tried > 100


def test_a_body_that_is_no_batch_is_refused(desk: Desk) -> None:
    """As a whole, in the words of any other body."""
    refused(desk.here.post("/v1/orders/batch", json=[]), 422, "invalid_body")
    refused(desk.here.post("/v1/orders/batch", content=b"{"), 400, "malformed_json")
    refused(desk.here.post("/v1/orders/batch", json={}), 422, "missing_field")


def test_ten_thousand_duplicates_at_once_make_one_order(desk: Desk) -> None:
    """Over two gateways and twenty connections, alone and in batches: one order, one answer."""
    item = LIMIT_ORDER | {"client_order_id": "only-one", "side": "sell"}

    def send_some(number: int) -> list[tuple[int, str]]:
        api = desk.here if number % 2 else desk.there
        with httpx.Client(base_url=api.base_url, timeout=30) as client:
            if number < 5:
                replies = [client.post("/v1/orders", json=item) for _ in range(100)]
                return [(reply.status_code, reply.json()["order_id"]) for reply in replies]
            results = send(client, *([item] * 100))
            return [(result["status"], result["body"]["order_id"]) for result in results]

    with ThreadPoolExecutor(20) as pool:
        answers = [
            answer for part in pool.map(send_some, range(DUPLICATES // 100)) for answer in part
        ]
    assert len(answers) == DUPLICATES
    assert len({order_id for _, order_id in answers}) == 1
    assert sorted({status for status, _ in answers}) == [200, 201]
    assert [status for status, _ in answers].count(201) == 1
    assert len(desk.journal("place")) == 1
    assert len(desk.here.get("/v1/orders").json()["orders"]) == 1
    other = desk.here.post("/v1/orders", json=item | {"quantity": "0.6"})
    refused(other, 409, "duplicate_client_order_id")
    assert place(desk.here, side="buy")["status"] == "filled"
