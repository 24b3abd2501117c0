"""Lists of orders and fills over REST: filtered, and stable while new ones come in."""

from typing import Any

import httpx
import pytest

from order_gateway.schemas import FillsReply, OrdersReply
from tests.support.running.gateway_pair import Desk
from tests.support.structures import read_exactly
from tests.support.transport.rest import place, refused


def page(api: httpx.Client, path: str, **query: Any) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a list and the cursor of the next."""
    reply = api.get(path, params=query)
    assert reply.status_code == 200, reply.text
    model = FillsReply if path == "/v1/fills" else OrdersReply
    read_exactly(reply.content, model)
    body = reply.json()
    return body[path.rpartition("/")[2]], body["next_cursor"]


def leaf_through(api: httpx.Client, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list."""
    pages, cursor = [], None
    while True:
        items, cursor = page(api, path, **query, **({} if cursor is None else {"cursor": cursor}))
        pages.append(items)
        if cursor is None:
            return pages
        assert len(pages) < 50


def ids(orders: list[dict[str, Any]]) -> list[str]:
    """Their numbers."""
    return [order["order_id"] for order in orders]


@pytest.mark.parametrize("query", [{}, {"status": "open"}])
def test_pages_are_stable_while_new_orders_arrive(desk: Desk, query: dict[str, str]) -> None:
    """Newest first; what comes in meanwhile is on none of the pages and pushes nothing out."""
    old = [place(desk.here)["order_id"] for _ in range(7)][::-1]
    first, cursor = page(desk.there, "/v1/orders", limit=3, **query)
    assert ids(first) == old[:3]
    new = [place(desk.here)["order_id"] for _ in range(3)]
    desk.here.delete(f"/v1/orders/{old[0]}")
    second, cursor = page(desk.there, "/v1/orders", limit=3, cursor=cursor, **query)
    third, cursor = page(desk.there, "/v1/orders", limit=3, cursor=cursor, **query)
    assert (ids(second), ids(third), cursor) == (old[3:6], old[6:], None)
    again = ids(page(desk.there, "/v1/orders", limit=500, **query)[0])
    assert again == [*new[::-1], *old][: len(again)] or "status" in query
    assert (old[0] in again) == ("status" not in query)


def test_orders_are_filtered(desk: Desk) -> None:
    """Orders are filtered by status, symbol and time; other accounts never appear."""
    canceled = place(desk.here)
    desk.here.delete(f"/v1/orders/{canceled['order_id']}")
    sold = place(desk.here, side="sell", quantity="0.2")
    bought = place(desk.here, quantity="0.5")
    ether = place(desk.here, symbol="ETH-USDT", price="3000")
    expired = place(desk.here, order_type="ioc", price="50000")
    place(desk.here, account="alice")
    for query, found in (
        ({}, [expired, ether, bought, sold, canceled]),
        ({"status": "open"}, [ether, bought]),
        ({"status": "partially_filled"}, [bought]),
        ({"status": "new"}, [ether]),
        ({"status": "filled"}, [sold]),
        ({"status": "canceled"}, [canceled]),
        ({"status": "expired"}, [expired]),
        ({"symbol": "ETH-USDT"}, [ether]),
        ({"symbol": "ETH-USDT", "status": "filled"}, []),
        ({"symbol": "BTC-USDT", "status": "open"}, [bought]),
        ({"from": bought["timestamp"]}, [expired, ether, bought]),
        ({"to": bought["timestamp"]}, [sold, canceled]),
        ({"from": sold["timestamp"], "to": ether["timestamp"]}, [bought, sold]),
    ):
        whole = [
            order for part in leaf_through(desk.there, "/v1/orders", **query) for order in part
        ]
        assert ids(whole) == ids(found), query
        single = leaf_through(desk.there, "/v1/orders", limit=1, **query)
        assert [order for part in single for order in part] == whole


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"limit": "0"}, "out_of_range", "limit"),
        ({"limit": "501"}, "out_of_range", "limit"),
        ({"limit": "-1"}, "invalid_value", "limit"),
        ({"limit": "ten"}, "invalid_value", "limit"),
        ({"limit": "9" * 40}, "invalid_value", "limit"),
        ({"cursor": "x"}, "invalid_value", "cursor"),
        ({"cursor": "0"}, "invalid_value", "cursor"),
        ({"cursor": "1" * 65}, "invalid_value", "cursor"),
        ({"cursor": "\u0661"}, "invalid_value", "cursor"),
        ({"from": "yesterday"}, "invalid_value", "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"}, "out_of_range", "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "out_of_range", "from"),
        ({"to": "2026-01-01"}, "invalid_value", "to"),
        ({"symbol": "DOGE-USDT"}, "unknown_symbol", "symbol"),
        ({"symbol": "{tw}"}, "unknown_symbol", "symbol"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/fills"])
def test_a_wrong_query_is_refused_by_name(
    desk: Desk, path: str, query: dict[str, str], code: str, field: str
) -> None:
    """With the field at fault, for both lists."""
    reply = desk.here.get(path, params=query)
    assert refused(reply, reply.status_code, code).field == field
    assert reply.status_code < 500


def test_statuses_are_those_of_orders(desk: Desk) -> None:
    """Orders have a status, fills have none."""
    refused(desk.here.get("/v1/orders", params={"status": "done"}), 422, "invalid_value")
    refused(desk.here.get("/v1/fills", params={"status": "filled"}), 422, "unknown_field")


def test_fills_are_listed_however_many_one_order_had(desk: Desk) -> None:
    """Each once, newest first, also when a page ends between the fills of one command."""
    for _ in range(5):
        place(desk.here, account="maker", side="sell", quantity="0.1")
    taker = place(desk.here, account="taker", quantity="0.5")
    ether = place(desk.there, account="taker", symbol="ETH-USDT", price="3000", quantity="1")
    place(desk.there, account="maker", symbol="ETH-USDT", side="sell", price="3000", quantity="1")
    desk.there.headers["X-Account"] = "taker"
    (whole,) = leaf_through(desk.there, "/v1/fills")
    assert [fill["trade_id"] for fill in whole] == [
        "ETH-USDT-1", *(f"BTC-USDT-{number}" for number in (5, 4, 3, 2, 1)),
    ]  # fmt: skip
    assert whole[1] == taker["fills"][-1] | {
        "order_id": taker["order_id"], "symbol": "BTC-USDT", "side": "buy",
    }  # fmt: skip
    assert whole[0]["liquidity"] == "maker"
    for limit in (1, 2, 3, 4, 6):
        pages = leaf_through(desk.there, "/v1/fills", limit=limit)
        assert [fill for part in pages for fill in part] == whole
    for query, found in (
        ({"symbol": "ETH-USDT"}, whole[:1]),
        ({"order_id": taker["order_id"]}, whole[1:]),
        ({"order_id": ether["order_id"], "symbol": "BTC-USDT"}, []),
        ({"from": whole[0]["timestamp"]}, whole[:1]),
        ({"to": whole[0]["timestamp"]}, whole[1:]),
    ):
        for limit in (2, 500):
            pages = leaf_through(desk.there, "/v1/fills", limit=limit, **query)
            assert [fill for part in pages for fill in part] == found, query
