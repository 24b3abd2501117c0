"""Order lists over REST: one cancels the other, both placed or neither, money held once."""

import uuid
from typing import Any

import httpx

from order_gateway.schemas import OrderListReply, OrderListsReply
from tests.support.running.gateway_pair import Desk
from tests.support.structures import read_exactly
from tests.support.transport.rest import place, refused

SELLING: dict[str, Any] = {
    "symbol": "BTC-USDT",
    "side": "sell",
    "quantity": "0.5",
    "profit": {"price": "61000.00"},
    "stop": {"stop_price": "58000.00"},
}


def place_list(api: httpx.Client, account: str = "a", **changes: Any) -> dict[str, Any]:
    """A new list of an account."""
    headers = {"X-Account": account}
    reply = api.post("/v1/order-lists", json=SELLING | changes, headers=headers)
    assert reply.status_code == 201, reply.text
    read_exactly(reply.content, OrderListReply)
    placed: dict[str, Any] = reply.json()
    return placed


def states(api: httpx.Client, list_id: str, account: str = "a") -> list[tuple[str, str | None]]:
    """Status and reason of both orders of a list."""
    reply = api.get(f"/v1/order-lists/{list_id}", headers={"X-Account": account})
    assert reply.status_code == 200, reply.text
    read_exactly(reply.content, OrderListReply)
    return [(order["status"], order["reason"]) for order in reply.json()["orders"]]


def test_a_trade_of_one_order_ends_the_other(desk: Desk) -> None:
    """Also a trade of a part; the order that traded stays with the rest."""
    placed = place_list(desk.here)
    first, second = placed["orders"]
    assert (placed["list_id"], placed["status"]) == (first["order_id"], "open")
    assert int(second["order_id"]) == int(first["order_id"]) + 1
    assert (first["post_only"], first["list_id"], second["list_id"]) == (
        True, placed["list_id"], placed["list_id"],
    )  # fmt: skip
    place(desk.there, account="b", side="buy", price="61000.00", quantity="0.1")
    assert states(desk.here, placed["list_id"]) == [
        ("partially_filled", None), ("expired", "order_list"),
    ]  # fmt: skip
    assert desk.here.get("/v1/order-lists", headers={"X-Account": "a"}).json()["lists"] == []


def test_a_fired_stop_ends_the_order_at_the_better_price(desk: Desk) -> None:
    """The stop then trades with what was held for both."""
    placed = place_list(desk.here)
    place(desk.here, side="buy", account="b", price="57000.00", quantity="1")
    place(desk.here, side="buy", account="b", price="58000.00", quantity="0.1")
    place(desk.there, account="c", side="sell", price="58000.00", quantity="0.1")
    assert states(desk.here, placed["list_id"]) == [("expired", "order_list"), ("filled", None)]


def test_two_orders_that_fire_at_once_do_not_both_trade(desk: Desk) -> None:
    """One command trades at both stop prices: the order that fires first ends the other."""
    placed = place_list(desk.here, profit={"order_type": "take_profit", "stop_price": "61000.00"})
    place(desk.here, account="b", side="buy", price="61000.00", quantity="0.1")
    place(desk.here, account="b", side="buy", price="57000.00", quantity="2")
    place(desk.there, account="c", side="sell", price="57000.00", quantity="0.2")
    assert states(desk.here, placed["list_id"]) == [("filled", None), ("expired", "order_list")]


def test_a_cancel_of_one_order_is_that_of_the_list(desk: Desk) -> None:
    """By the order, by the list, and by cancel-all; each names the cancel for both."""
    headers = {"X-Account": "a"}
    first = place_list(desk.here)
    path = f"/v1/orders/{first['orders'][1]['order_id']}?cancel_id=gone"
    assert desk.there.delete(path, headers=headers).status_code == 200
    assert states(desk.here, first["list_id"]) == [("canceled", "user")] * 2
    second = place_list(desk.here)
    reply = desk.there.delete(f"/v1/order-lists/{second['list_id']}?cancel_id=c", headers=headers)
    read_exactly(reply.content, OrderListReply)
    assert [order["cancel_id"] for order in reply.json()["orders"]] == ["c", "c"]
    again = desk.there.delete(f"/v1/order-lists/{second['list_id']}", headers=headers)
    refused(again, 409, "order_closed")
    third = place_list(desk.here)
    reply = desk.here.delete("/v1/orders", headers=headers)
    assert reply.json()["canceled"] == [order["order_id"] for order in third["orders"]]


def test_open_lists_are_listed(desk: Desk) -> None:
    """Newest first, of one symbol or all, and of nobody else."""
    lists = [place_list(desk.here)["list_id"] for _ in range(3)]
    place(desk.here, account="a", side="sell", price="70000.00")
    headers = {"X-Account": "a"}
    reply = desk.there.get("/v1/order-lists", headers=headers)
    read_exactly(reply.content, OrderListsReply)
    assert [item["list_id"] for item in reply.json()["lists"]] == lists[::-1]
    other = desk.there.get("/v1/order-lists?symbol=ETH-USDT", headers=headers)
    assert other.json() == {"lists": [], "next_cursor": None}
    assert desk.there.get("/v1/order-lists").json()["lists"] == []
    refused(desk.there.get(f"/v1/order-lists/{lists[0]}"), 404, "order_not_found")
    second = str(int(lists[0]) + 1)
    refused(desk.there.get(f"/v1/order-lists/{second}", headers=headers), 404, "order_not_found")
    history = desk.here.get("/v1/orders?limit=500", headers=headers).json()["orders"]
    assert len(history) == 7


def test_a_list_is_placed_as_a_whole_or_not_at_all(desk: Desk) -> None:
    """A reason to refuse one order refuses both, and a wrong field is named."""
    place(desk.here, account="b", side="buy", price="60000.00", quantity="0.1")
    place(desk.here, account="c", side="sell", price="60000.00", quantity="0.1")
    reached = {"order_type": "take_profit", "stop_price": "59000.00"}
    for changes in ({"stop": {"stop_price": "60000.00"}}, {"profit": reached}):
        reply = desk.here.post("/v1/order-lists", json=SELLING | changes)
        refused(reply, 409, "stop_would_trigger")
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"stop": {"stop_price": "1.001"}}, "off_tick", "stop_price"),
        ({"stop": {"order_type": "limit", "price": "1"}}, "invalid_value", "order_type"),
        ({"profit": {}}, "price_required", "price"),
        ({"profit": {"price": "61000", "x": 1}}, "unknown_field", "x"),
        ({"profit": 1}, "invalid_value", "profit"),
        ({"stop": {}}, "stop_price_required", "stop_price"),
    ]
    for part, code, field in wrong:
        reply = desk.here.post("/v1/order-lists", json=SELLING | part)
        assert refused(reply, 422, code).field == field
    same = {
        "profit": {"price": "61000", "client_order_id": "x"},
        "stop": {"stop_price": "58000", "client_order_id": "x"},
    }
    reply = desk.here.post("/v1/order-lists", json=SELLING | same)
    assert refused(reply, 422, "invalid_value").field == "client_order_id"
    assert desk.here.get("/v1/orders").json()["orders"] == []
    assert not desk.journal("place_list")


def test_a_repeated_request_gives_the_same_list(desk: Desk) -> None:
    """Known by the two names of its orders; other names with one of them are refused."""
    one, other = uuid.uuid4().hex, uuid.uuid4().hex
    named = {
        "profit": SELLING["profit"] | {"client_order_id": one},
        "stop": SELLING["stop"] | {"client_order_id": other},
    }
    first = desk.here.post("/v1/order-lists", json=SELLING | named)
    again = desk.there.post("/v1/order-lists", json=SELLING | named)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.json() == first.json()
    changed = named | {"stop": SELLING["stop"] | {"client_order_id": "new"}}
    reply = desk.here.post("/v1/order-lists", json=SELLING | changed)
    refused(reply, 409, "duplicate_client_order_id")
    path = f"/v1/orders/client:{one}"
    refused(desk.here.patch(path, json={"quantity": "0.4"}), 409, "order_in_list")


def test_a_list_has_a_name(desk: Desk) -> None:
    """It is read, repeated and canceled by its name, which is taken while the list is open."""
    headers, name = {"X-Account": "named"}, uuid.uuid4().hex
    wanted = SELLING | {"client_list_id": name, "reuse_client_order_id": True}
    placed = desk.here.post("/v1/order-lists", json=wanted, headers=headers)
    again = desk.there.post("/v1/order-lists", json=wanted, headers=headers)
    assert (placed.status_code, again.status_code) == (201, 200)
    assert again.json() == placed.json()
    other = desk.here.post("/v1/order-lists", json=wanted | {"quantity": "0.6"}, headers=headers)
    refused(other, 409, "duplicate_client_order_id")
    path = f"/v1/order-lists/client:{name}"
    assert desk.there.get(path, headers=headers).json() == placed.json()
    (listed,) = desk.here.get("/v1/order-lists", headers=headers).json()["lists"]
    assert listed["client_list_id"] == name
    refused(desk.there.get(path), 404, "order_not_found")
    canceled = desk.there.delete(path, headers=headers)
    read_exactly(canceled.content, OrderListReply)
    assert canceled.json()["status"] == "closed"
    refused(desk.here.delete(path, headers=headers), 409, "order_closed")
    second = desk.here.post("/v1/order-lists", json=wanted, headers=headers).json()
    assert second["list_id"] != placed.json()["list_id"]
    assert desk.there.get(path, headers=headers).json()["list_id"] == second["list_id"]
    once = desk.here.post(
        "/v1/order-lists", json=wanted | {"reuse_client_order_id": False}, headers=headers
    )
    assert once.json()["list_id"] == second["list_id"]
    desk.here.delete(path, headers=headers)


def test_a_list_holds_money_once(desk: Desk) -> None:
    """The larger need of its two orders, and nothing when the list has ended."""
    place_list(desk.here, account="held")
    headers = {"X-Account": "held"}

    def held(asset: str) -> str:
        balances = desk.here.get("/v1/account", headers=headers).json()["balances"]
        found: str = next(item["held"] for item in balances if item["asset"] == asset)
        return found

    assert held("BTC") == "0.50000000"
    buying = {
        "side": "buy",
        "profit": {"price": "50000.00"},
        "stop": {"order_type": "stop_limit", "stop_price": "70000.00", "price": "70100.00"},
    }
    bought = place_list(desk.here, account="held", **buying)
    assert held("USDT") == "35050.00000000"
    desk.there.delete(f"/v1/order-lists/{bought['list_id']}", headers=headers)
    assert held("USDT") == "0.00000000"
