"""Every answer is bounded: fills inside an order, pages of orders, lists of canceled orders."""

from typing import Any

import httpx

from order_gateway.schemas import FillsReply, OrdersReply
from tapewire.limits import BATCH_ORDERS_MAX, ORDER_FILLS_SHOWN_MAX, PAGE_FILLS_MAX
from tests.support.running.gateway_pair import Desk
from tests.support.structures import read_exactly
from tests.support.transport.rest import place

PRICE = "100.00"
MAKER, TAKER = {"X-Account": "maker"}, {"X-Account": "taker"}


def order(symbol: str, side: str, quantity: int = 1) -> dict[str, Any]:
    """A limit order that meets all others of the symbol."""
    return {
        "symbol": symbol, "side": side, "order_type": "limit", "quantity": str(quantity),
        "price": PRICE,
    }  # fmt: skip


def place_many(api: httpx.Client, count: int, body: dict[str, Any], who: dict[str, str]) -> None:
    """Place the same order many times."""
    for first in range(0, count, BATCH_ORDERS_MAX):
        orders = [body] * min(BATCH_ORDERS_MAX, count - first)
        reply = api.post("/v1/orders/batch", json={"orders": orders}, headers=who)
        assert {result["status"] for result in reply.json()["results"]} == {201}


def all_fills(api: httpx.Client, who: dict[str, str], **query: Any) -> list[int]:
    """The numbers of all fills, newest first, page by page."""
    found: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        reply = api.get("/v1/fills", params=query | cursor, headers=who)
        page = read_exactly(reply.content, FillsReply)
        found += [fill.seq for fill in page.fills]
        if page.next_cursor is None:
            return found
        cursor = {"cursor": page.next_cursor}


def test_an_order_shows_its_newest_fills_and_points_to_the_others(desk: Desk) -> None:
    """Taker and maker alike, wherever the order is shown."""
    desk.add_instrument("BOUND-A", open_orders_max=5_000)
    api, count = desk.here, 250
    place_many(api, count, order("BOUND-A", "sell"), MAKER)
    placed = api.post("/v1/orders", json=order("BOUND-A", "buy", count), headers=TAKER).json()
    resting = api.post("/v1/orders", json=order("BOUND-A", "sell", count), headers=MAKER).json()
    place_many(api, count, order("BOUND-A", "buy"), TAKER)
    path = f"/v1/orders/{placed['order_id']}"
    page = api.get("/v1/orders", params={"symbol": "BOUND-A"}, headers=MAKER).json()
    (listed,) = [item for item in page["orders"] if item["order_id"] == resting["order_id"]]
    assert placed == api.get(path, headers=TAKER).json()
    for shown, who, last in ((placed, TAKER, count), (listed, MAKER, 2 * count)):
        seqs = [fill["seq"] for fill in shown["fills"]]
        assert seqs == list(range(last + 1 - ORDER_FILLS_SHOWN_MAX, last + 1))
        assert shown["fills_truncated"] is True
        found = all_fills(api, who, order_id=shown["order_id"], limit=200)
        assert found == list(range(last, last - count, -1))


def test_a_page_of_orders_has_a_bounded_number_of_fills(desk: Desk) -> None:
    """A page ends before an order that would pass the bound; the next page leaves no gap."""
    desk.add_instrument("BOUND-B", open_orders_max=5_000)
    per_order, takers = ORDER_FILLS_SHOWN_MAX, PAGE_FILLS_MAX // ORDER_FILLS_SHOWN_MAX + 5
    expected = []
    for _ in range(takers):
        place_many(desk.here, per_order, order("BOUND-B", "sell"), MAKER)
        body = order("BOUND-B", "buy", per_order)
        taker = desk.here.post("/v1/orders", json=body, headers=TAKER).json()
        assert taker["fills_truncated"] is False
        expected.append(taker["order_id"])
    found, sizes = [], []
    query: dict[str, str] = {"symbol": "BOUND-B", "limit": "500"}
    while True:
        reply = desk.there.get("/v1/orders", params=query, headers=TAKER)
        page = read_exactly(reply.content, OrdersReply)
        found += [item.order_id for item in page.orders]
        sizes.append(sum(len(item.fills) for item in page.orders))
        if page.next_cursor is None:
            break
        query["cursor"] = page.next_cursor
    assert found == expected[::-1]
    assert sizes == [PAGE_FILLS_MAX, takers * per_order - PAGE_FILLS_MAX]


def test_canceled_orders_are_counted(desk: Desk) -> None:
    """Beside their ids, of which an answer shows only so many."""
    desk.add_instrument("BOUND-C")
    for _ in range(3):
        place(desk.here, symbol="BOUND-C", price=PRICE, quantity="1", account="cancels")
    reply = desk.here.delete("/v1/orders", headers={"X-Account": "cancels"}).json()
    assert (len(reply["canceled"]), reply["canceled_count"]) == (3, 3)
