"""The life of an order over REST, from beginning to end, on real gateways and a real Redis."""

from typing import Any

import httpx
import pytest

from order_gateway.schemas import CanceledReply
from tapewire.wire.orders import OrderReply
from tests.support.running.gateway_pair import Desk
from tests.support.structures import members_exactly, read_exactly
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import place, refused


def read(api: httpx.Client, order: dict[str, Any]) -> dict[str, Any]:
    """An order as it stands."""
    reply = api.get(f"/v1/orders/{order['order_id']}")
    return members_exactly(reply.content, OrderReply)


def amend(api: httpx.Client, order: dict[str, Any], **changes: str) -> dict[str, Any]:
    """Amend an order; the answer must be that order."""
    reply = api.patch(f"/v1/orders/{order['order_id']}", json=changes)
    assert reply.status_code == 200, reply.text
    amended = members_exactly(reply.content, OrderReply)
    assert amended["order_id"] == order["order_id"]
    return amended


def makers_of(desk: Desk, *orders: dict[str, Any]) -> list[str]:
    """The status of each order after a buyer took 0.1."""
    place(desk.there, account="taker", quantity="0.1")
    return [read(desk.here, order)["status"] for order in orders]


def test_a_smaller_quantity_keeps_the_place_in_the_queue(desk: Desk) -> None:
    """The first order is filled first, also after it was made smaller."""
    first, second = (place(desk.here, side="sell", quantity="0.2") for _ in range(2))
    amended = amend(desk.there, first, quantity="0.1")
    assert (amended["quantity"], amended["remaining_quantity"]) == ("0.10000", "0.10000")
    assert makers_of(desk, first, second) == ["filled", "new"]


@pytest.mark.parametrize("changes", [{"quantity": "0.3"}, {"price": "59999.99"}])
def test_more_or_another_price_goes_to_the_back(desk: Desk, changes: dict[str, str]) -> None:
    """The order behind it is filled first; at a better price there is no one in front."""
    first, second = (place(desk.here, side="sell", quantity="0.2") for _ in range(2))
    amend(desk.here, first, **changes)
    if "price" in changes:
        amend(desk.here, second, price="59999.99")
    expected = ["partially_filled", "new"] if "price" in changes else ["new", "partially_filled"]
    assert makers_of(desk, first, second) == expected


def test_an_amendment_through_the_spread_trades_at_the_price_of_the_maker(desk: Desk) -> None:
    """The amended order is the taker, and its id stays."""
    maker = place(desk.here, side="sell", price="60010.00", quantity="0.2")
    order = place(desk.there, account="alice")
    reply = desk.here.patch(
        f"/v1/orders/{order['order_id']}", json={"price": "60020"}, headers={"X-Account": "alice"}
    )
    (fill,) = reply.json()["fills"]
    assert (fill["price"], fill["quantity"], fill["liquidity"]) == ("60010.00", "0.20000", "taker")
    assert reply.json()["status"] == "partially_filled"
    assert read(desk.there, maker)["status"] == "filled"


def test_an_amendment_that_cannot_be_done_changes_nothing(desk: Desk) -> None:
    """Closed, foreign, below what is executed, through the spread though post-only."""
    place(desk.here, account="other", side="sell", price="60100", quantity="0.1")
    order = place(desk.here, quantity="0.5", post_only=True)
    place(desk.here, account="other", side="sell", quantity="0.2")
    path = f"/v1/orders/{order['order_id']}"
    before = read(desk.there, order)
    assert before["executed_quantity"] == "0.20000"
    for quantity in ("0.2", "0.1"):
        problem = refused(desk.here.patch(path, json={"quantity": quantity}), 422, "out_of_range")
        assert problem.field == "quantity"
    refused(desk.here.patch(path, json={"price": "60100"}), 409, "post_only_would_take")
    refused(desk.here.patch(path, json={"stop_price": "60100"}), 422, "stop_price_forbidden")
    refused(desk.here.patch(path, json={}), 422, "nothing_to_amend")
    refused(desk.here.patch(path, json={"order_id": "1"}), 422, "unknown_field")
    foreign = desk.here.patch(path, json={"quantity": "0.4"}, headers={"X-Account": "other"})
    absent = desk.here.patch("/v1/orders/987654", json={"quantity": "0.4"})
    assert refused(foreign, 404, "order_not_found") == refused(absent, 404, "order_not_found")
    assert read(desk.there, order) == before
    assert desk.here.delete(path).json()["reason"] == "user"
    refused(desk.here.patch(path, json={"quantity": "0.4"}), 409, "order_closed")


def test_an_order_answers_to_the_name_that_its_client_gave(desk: Desk) -> None:
    """Read, amended and canceled by it, through the other gateway, by this account alone."""
    order = place(desk.here, client_order_id="client:my-1")
    path = "/v1/orders/client:client:my-1"
    assert desk.there.get(path).json() == order
    assert desk.there.patch(path, json={"quantity": "0.4"}).json()["quantity"] == "0.40000"
    refused(desk.there.get(path, headers={"X-Account": "alice"}), 404, "order_not_found")
    refused(desk.there.delete(path, headers={"X-Account": "alice"}), 404, "order_not_found")
    assert desk.there.delete(path).json()["status"] == "canceled"
    refused(desk.here.delete(path), 409, "order_closed")


def test_all_orders_are_canceled_or_those_of_a_symbol(desk: Desk) -> None:
    """Of this account only; nothing is left to cancel the second time."""
    bitcoin = [place(desk.here)["order_id"] for _ in range(3)]
    ether = place(desk.there, symbol="ETH-USDT", price="3000")["order_id"]
    foreign = place(desk.here, account="alice")
    reply = desk.there.delete("/v1/orders", params={"symbol": "BTC-USDT"})
    assert read_exactly(reply.content, CanceledReply).canceled == bitcoin
    assert desk.there.delete("/v1/orders").json() == {"canceled": [ether], "canceled_count": 1}
    assert desk.there.delete("/v1/orders").json() == {"canceled": [], "canceled_count": 0}
    alice = {"X-Account": "alice"}
    assert desk.here.get(f"/v1/orders/{foreign['order_id']}", headers=alice).json() == foreign
    unknown = desk.here.delete("/v1/orders", params={"symbol": "DOGE-USDT"})
    assert refused(unknown, 404, "unknown_symbol").field == "symbol"
    refused(desk.here.delete("/v1/orders", params={"side": "buy"}), 422, "unknown_field")
    twice = desk.here.delete("/v1/orders?symbol=BTC-USDT&symbol=ETH-USDT")
    refused(twice, 422, "duplicate_field")


def test_a_stop_waits_for_its_trade_and_says_when_it_came(desk: Desk) -> None:
    """A stop takes, a stop-limit rests; both run after the trade, in order of arrival."""
    place(desk.here, side="buy", price="59000", quantity="0.3")
    wanted = {"side": "sell", "stop_price": "60000", "quantity": "0.1"}
    stop = place(desk.here, account="a", order_type="stop", price=None, **wanted)
    limit = place(desk.there, account="a", order_type="stop_limit", price="59500", **wanted)
    assert (stop["status"], stop["stop_price"], stop["triggered_timestamp"]) == (
        "new", "60000.00", None,
    )  # fmt: skip
    place(desk.here, side="buy", price="60000", quantity="0.1")
    place(desk.there, account="b", side="sell", price="60000", quantity="0.1")
    headers = {"X-Account": "a"}
    stop, limit = (
        desk.here.get(f"/v1/orders/{order['order_id']}", headers=headers).json()
        for order in (stop, limit)
    )
    assert (stop["status"], stop["fills"][0]["price"]) == ("filled", "59000.00")
    assert (limit["status"], limit["remaining_quantity"]) == ("new", "0.10000")
    assert stop["triggered_timestamp"] == limit["triggered_timestamp"] is not None
    reply = desk.here.post("/v1/orders", json=LIMIT_ORDER | wanted | {
        "order_type": "stop_limit", "stop_price": "60001",
    })  # fmt: skip
    refused(reply, 409, "stop_would_trigger")


def test_a_take_profit_fires_in_the_other_direction(desk: Desk) -> None:
    """A sell fires when the price rises to its stop price, a buy when the price falls to it."""
    place(desk.here, side="buy", price="59000", quantity="0.3")
    place(desk.here, side="sell", price="61000", quantity="0.3")
    wanted = {"quantity": "0.1", "account": "a"}
    sell = place(
        desk.here, order_type="take_profit", side="sell", price=None, stop_price="60500", **wanted
    )
    buy = place(
        desk.there, order_type="take_profit_limit", price="59400", stop_price="59500", **wanted
    )
    place(desk.here, side="sell", price="60000", quantity="0.1")
    place(desk.there, account="b", price="60000", quantity="0.1")
    headers = {"X-Account": "a"}
    assert len(desk.here.get("/v1/orders?status=open", headers=headers).json()["orders"]) == 2
    place(desk.here, side="sell", price="60500", quantity="0.1")
    place(desk.there, account="b", price="60500", quantity="0.1")
    path = f"/v1/orders/{sell['order_id']}"
    assert desk.here.get(path, headers=headers).json()["fills"][0]["price"] == "59000.00"
    # That sale at 59000 has fired the buy as well.
    found = desk.here.get(f"/v1/orders/{buy['order_id']}", headers=headers).json()
    assert (found["status"], found["remaining_quantity"]) == ("new", "0.10000")
    assert found["triggered_timestamp"] is not None
    reply = desk.here.post("/v1/orders", json=LIMIT_ORDER | {
        "side": "sell", "order_type": "take_profit_limit", "stop_price": "59000",
    })  # fmt: skip
    refused(reply, 409, "stop_would_trigger")


def test_the_name_of_an_order_that_ended_can_be_used_again(desk: Desk) -> None:
    """Only if the new order asks for that, and never while the order is open."""
    named = {"client_order_id": "again"}
    first = place(desk.here, **named)
    reuse = LIMIT_ORDER | named | {"reuse_client_order_id": True}
    reply = desk.there.post("/v1/orders", json=reuse)
    assert (reply.status_code, reply.json()["order_id"]) == (200, first["order_id"])
    reply = desk.there.post("/v1/orders", json=reuse | {"quantity": "1"})
    refused(reply, 409, "duplicate_client_order_id")
    assert desk.here.delete("/v1/orders/client:again").status_code == 200
    assert desk.here.post("/v1/orders", json=LIMIT_ORDER | named).status_code == 200
    second = place(desk.there, quantity="1", reuse_client_order_id=True, **named)
    assert second["order_id"] != first["order_id"]
    found = desk.here.get("/v1/orders/client:again").json()
    assert (found["order_id"], found["status"]) == (second["order_id"], "new")
    listed = desk.here.get("/v1/orders").json()["orders"]
    assert [order["client_order_id"] for order in listed] == ["again", "again"]
    reply = desk.here.post("/v1/orders", json=LIMIT_ORDER | {"reuse_client_order_id": True})
    assert refused(reply, 422, "missing_field").field == "client_order_id"


def test_a_cancel_may_have_a_name(desk: Desk) -> None:
    """The order shows it after the cancel, and no other order does."""
    for name in ("a", "b"):
        place(desk.here, client_order_id=name)
    reply = desk.here.delete("/v1/orders/client:a", params={"cancel_id": "stop-it"})
    assert (reply.status_code, reply.json()["cancel_id"]) == (200, "stop-it")
    assert desk.there.get("/v1/orders/client:a").json()["cancel_id"] == "stop-it"
    assert desk.here.delete("/v1/orders/client:b").json()["cancel_id"] is None
    refused(desk.here.delete("/v1/orders/client:b?cancel_id=a%20b"), 422, "invalid_value")


def test_an_iceberg_shows_a_part_and_a_post_only_order_never_takes(desk: Desk) -> None:
    """Both at once are possible; all of it can be traded."""
    order = place(desk.here, side="sell", quantity="0.5", display_quantity="0.1", post_only=True)
    assert (order["display_quantity"], order["post_only"]) == ("0.10000", True)
    body = LIMIT_ORDER | {"post_only": True}
    refused(desk.there.post("/v1/orders", json=body), 409, "post_only_would_take")
    assert place(desk.there, quantity="0.5")["status"] == "filled"
    assert read(desk.here, order)["status"] == "filled"


def test_a_market_order_may_name_an_amount(desk: Desk) -> None:
    """The order buys as many lots as the amount pays for, and shows the executed quantity."""
    place(desk.here, side="sell", price="60000", quantity="0.01")
    place(desk.here, side="sell", price="61000", quantity="1")
    order = place(desk.there, order_type="market", price=None, quantity=None, quote_quantity="1000")
    assert (order["status"], order["quote_quantity"]) == ("filled", "1000.0000000")
    assert order["executed_quantity"] == order["quantity"] == "0.01655"
    assert order["cumulative_quote_quantity"] == "999.5500000"
    assert order["remaining_quantity"] == "0.00000"


@pytest.mark.parametrize(
    ("account", "wanted", "status", "reason"),
    [
        (None, None, "filled", None),
        ("demo", "expire_taker", "expired", "self_trade"),
        ("alice", None, "expired", "self_trade"),
        ("alice", "none", "filled", None),
        ("alice", "decrement", "expired", "self_trade"),
    ],
)
def test_self_trade_prevention_is_on_for_named_accounts(
    desk: Desk, account: str | None, wanted: str | None, status: str, reason: str | None
) -> None:
    """Two orders sent without a name trade; what an order says always counts."""
    place(desk.here, account=account, side="sell")
    order = place(desk.there, account=account, self_trade_prevention=wanted)
    assert (order["status"], order["reason"]) == (status, reason)
    prevented = "0.50000" if wanted == "decrement" else "0.00000"
    assert order["prevented_quantity"] == prevented


def test_the_same_name_with_other_options_is_another_body(desk: Desk) -> None:
    """Every option counts; what was left out before may be said again with its meaning."""
    first = place(desk.here, client_order_id="my-1")
    same = LIMIT_ORDER | {
        "client_order_id": "my-1", "post_only": False, "self_trade_prevention": "none",
        "time_in_force": "gtc",
    }  # fmt: skip
    again = desk.there.post("/v1/orders", json=same)
    assert (again.status_code, again.json()) == (200, first)
    for change in (
        {"post_only": True}, {"display_quantity": "0.1"}, {"self_trade_prevention": "decrement"},
        {"time_in_force": "gtd", "expire_at": "2099-01-01T00:00:00Z"},
    ):  # fmt: skip
        reply = desk.there.post("/v1/orders", json=same | change)
        refused(reply, 409, "duplicate_client_order_id")
