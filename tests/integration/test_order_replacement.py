"""Cancel-replace over REST: one step, two results, and what a repeated request does."""

from typing import Any

import httpx

from order_gateway.schemas import ReplaceReply
from tests.support.running.gateway_pair import Desk
from tests.support.structures import read_exactly
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import place, refused


def replace(
    api: httpx.Client, cancel: dict[str, Any], changes: dict[str, Any], mode: str | None = None
) -> tuple[Any, Any]:
    """The two results of a cancel-replace: of the cancel, of the placement."""
    body: dict[str, Any] = {"cancel": cancel, "order": LIMIT_ORDER | changes}
    reply = api.post("/v1/orders/replace", json=body | ({"mode": mode} if mode else {}))
    assert reply.status_code == 200, reply.text
    read_exactly(reply.content, ReplaceReply)
    answer = reply.json()
    return answer["canceled"], answer["placed"]


def code_of(part: dict[str, Any]) -> str:
    """The code of a refused part."""
    assert part["status"] == part["problem"]["status"]
    code: str = part["problem"]["code"]
    return code


def test_an_order_takes_the_place_of_another(desk: Desk) -> None:
    """Canceled and placed in one command, and both answered."""
    old = place(desk.here)
    canceled, placed = replace(
        desk.there, {"order_id": old["order_id"]}, {"price": "59000.00", "client_order_id": "new"}
    )
    assert canceled["status"] == 200
    assert canceled["body"]["order_id"] == old["order_id"]
    assert (canceled["body"]["status"], canceled["body"]["reason"]) == ("canceled", "user")
    assert placed["status"] == 201
    assert (placed["body"]["price"], placed["body"]["status"]) == ("59000.00", "new")
    assert len(desk.journal("replace")) == 1
    assert not desk.journal("cancel")
    found = desk.here.get("/v1/orders", params={"status": "open"}).json()["orders"]
    assert [order["client_order_id"] for order in found] == ["new"]


def test_an_own_order_in_the_way_is_gone_before_the_new_one_comes(desk: Desk) -> None:
    """A post-only sell below the own bid is placed, because the bid is canceled first."""
    place(desk.here, client_order_id="bid")
    canceled, placed = replace(
        desk.here, {"client_order_id": "bid"},
        {"side": "sell", "price": "59000.00", "post_only": True},
    )  # fmt: skip
    assert (canceled["status"], placed["status"]) == (200, 201)
    assert placed["body"]["status"] == "new"


def test_the_mode_says_what_a_refused_cancel_stops(desk: Desk) -> None:
    """By default the new order is not attempted; with allow_failure it is placed."""
    canceled, placed = replace(desk.here, {"order_id": "999"}, {})
    assert (code_of(canceled), placed) == ("order_not_found", None)
    assert desk.here.get("/v1/orders").json()["orders"] == []
    assert not desk.journal("replace")
    canceled, placed = replace(desk.here, {"order_id": "999"}, {}, "allow_failure")
    assert (code_of(canceled), placed["status"]) == ("order_not_found", 201)
    foreign = place(desk.here, account="other")
    canceled, placed = replace(desk.here, {"order_id": foreign["order_id"]}, {})
    assert (code_of(canceled), placed) == ("order_not_found", None)


def test_a_refused_order_does_not_undo_the_cancel(desk: Desk) -> None:
    """The cancel stays, and the placement says why it was refused."""
    place(desk.here, side="sell", account="maker")
    for mode in ("stop_on_failure", "allow_failure"):
        old = place(desk.here, price="50000.00")
        canceled, placed = replace(
            desk.here, {"order_id": old["order_id"]}, {"post_only": True}, mode
        )
        assert (canceled["status"], code_of(placed)) == (200, "post_only_would_take")
        assert desk.there.get(f"/v1/orders/{old['order_id']}").json()["status"] == "canceled"
    both = replace(desk.here, {"order_id": "999"}, {"post_only": True}, "allow_failure")
    assert [code_of(part) for part in both] == ["order_not_found", "post_only_would_take"]


def test_a_repeated_request_places_no_second_order(desk: Desk) -> None:
    """The answer is that of the first request, marked as a replay."""
    old = place(desk.here)
    body = {
        "cancel": {"order_id": old["order_id"]},
        "order": LIMIT_ORDER | {"client_order_id": "once"},
    }
    first = desk.here.post("/v1/orders/replace", json=body)
    again = desk.there.post("/v1/orders/replace", json=body)
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.json()["canceled"] == first.json()["canceled"]
    assert again.json()["placed"] == first.json()["placed"] | {"status": 200}
    assert len(desk.journal("replace")) == 1
    _, placed = replace(desk.here, {"order_id": old["order_id"]}, {"client_order_id": "once"})
    assert placed["status"] == 200
    other = replace(
        desk.here, {"client_order_id": "once"}, {"client_order_id": "once", "quantity": "1"}
    )
    assert other[0]["status"] == 200
    assert code_of(other[1]) == "duplicate_client_order_id"


def test_a_wrong_field_refuses_the_whole_request(desk: Desk) -> None:
    """Nothing is canceled, and the field is named as in a single order."""
    old = place(desk.here)
    cancel = {"order_id": old["order_id"]}
    for body, code, field in (
        ({"cancel": cancel, "order": LIMIT_ORDER | {"price": "1.001"}}, "off_tick", "price"),
        ({"cancel": cancel, "order": LIMIT_ORDER | {"side": "up"}}, "invalid_value", "side"),
        ({"cancel": cancel, "order": LIMIT_ORDER | {"x": 1}}, "unknown_field", "x"),
        ({"cancel": cancel, "order": "all"}, "invalid_value", "order"),
        ({"cancel": cancel}, "missing_field", "order"),
        ({"cancel": {}, "order": LIMIT_ORDER}, "missing_field", "order_id"),
        ({"cancel": {"order_id": "x"}, "order": LIMIT_ORDER}, "invalid_order_id", "order_id"),
        ({"cancel": cancel, "order": LIMIT_ORDER, "mode": "maybe"}, "invalid_value", "mode"),
    ):
        reply = desk.here.post("/v1/orders/replace", json=body)
        assert refused(reply, 422, code).field == field
    reply = desk.here.post(
        "/v1/orders/replace", json={"cancel": cancel, "order": LIMIT_ORDER | {"symbol": "NONE"}}
    )
    refused(reply, 404, "unknown_symbol")
    assert desk.here.get(f"/v1/orders/{old['order_id']}").json()["status"] == "new"
    assert not desk.journal("replace")
