"""Markets and instruments changed while the venue runs, seen at once by every gateway."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from order_gateway.schemas import InstrumentReply
from tapewire import keys
from tapewire.packed.layout import INDICATIVE
from tapewire.values.types import Symbol
from tests.support.running.gateway_pair import INSTRUMENT, Desk, GatewayPair
from tests.support.running.processes import running_gateway
from tests.support.structures import members_exactly
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import place, refused
from tests.support.wait import wait_for

ACME = {"quantity": "10", "price": "100.00"}


def switch(api: httpx.Client, symbol: str, **changes: Any) -> dict[str, Any]:
    """Change a market; the answer is the instrument as it is then."""
    reply = api.put(f"/v1/admin/markets/{symbol}", json=changes)
    assert reply.status_code == 200, reply.text
    return members_exactly(reply.content, InstrumentReply)


def post(api: httpx.Client, **changes: Any) -> httpx.Response:
    """Try to place an order."""
    return api.post("/v1/orders", json=LIMIT_ORDER | changes)


def test_a_halted_market_takes_nothing_and_trades_again_afterwards(desk: Desk) -> None:
    """Through either gateway; what is open stays, and the list of instruments says so."""
    desk.add_instrument("HALT")
    order = place(desk.here, symbol="HALT", **ACME)
    path = f"/v1/orders/{order['order_id']}"
    assert switch(desk.here, "HALT", state="halted")["state"] == "halted"
    assert desk.there.get("/v1/instruments/HALT").json()["state"] == "halted"
    refused(post(desk.there, symbol="HALT", **ACME), 409, "market_halted")
    refused(desk.there.delete(path), 409, "market_halted")
    refused(desk.there.patch(path, json={"quantity": "5"}), 409, "market_halted")
    refused(desk.there.delete("/v1/orders", params={"symbol": "HALT"}), 409, "market_halted")
    assert desk.there.delete("/v1/orders").json() == {"canceled": [], "canceled_count": 0}
    assert desk.there.get(path).json() == order
    switch(desk.there, "HALT", state="trading")
    assert place(desk.here, symbol="HALT", side="sell", **ACME)["status"] == "filled"


def test_a_gateway_has_the_price_of_an_auction_published(desk: Desk) -> None:
    """Without a request, while orders come in; orders that cannot wait are refused."""
    desk.add_instrument("CALL")
    switch(desk.here, "CALL", state="auction")
    place(desk.here, symbol="CALL", **ACME)
    place(desk.there, symbol="CALL", side="sell", **ACME)
    refused(post(desk.here, symbol="CALL", order_type="ioc", **ACME), 409, "market_auction")
    client: Any = desk.redis

    def indicated() -> bool:
        found = client.hget(keys.market(Symbol("CALL")), "indicative")
        return found is not None and INDICATIVE.read(found.decode()).lots == "10"

    wait_for(indicated, "a gateway searched the price")
    assert switch(desk.there, "CALL", state="trading")["state"] == "trading"
    orders = desk.here.get("/v1/orders", params={"symbol": "CALL"}).json()["orders"]
    assert [order["status"] for order in orders] == ["filled", "filled"]


def test_a_market_may_take_cancels_only_or_makers_only(desk: Desk) -> None:
    """Less is not more: a smaller quantity is a cancel of a part."""
    desk.add_instrument("MODE")
    order = place(desk.here, symbol="MODE", **ACME)
    path = f"/v1/orders/{order['order_id']}"
    switch(desk.there, "MODE", state="cancel_only")
    refused(post(desk.here, symbol="MODE", **ACME), 409, "market_cancel_only")
    refused(desk.here.patch(path, json={"price": "99.00"}), 409, "market_cancel_only")
    assert desk.here.patch(path, json={"quantity": "5"}).json()["quantity"] == "5"
    switch(desk.there, "MODE", state="post_only")
    refused(post(desk.here, symbol="MODE", **ACME), 409, "market_post_only")
    assert place(desk.here, symbol="MODE", post_only=True, **ACME)["status"] == "new"
    assert desk.here.delete(path).json()["status"] == "canceled"


def test_prices_stay_within_the_band_around_the_last_trade(desk: Desk) -> None:
    """Wherever the band was set, and also for an amendment; 0 takes it away."""
    added = desk.add_instrument("BAND", price_band="7.25")
    assert added["price_band_bps"] == 725
    for side in ("buy", "sell"):
        place(desk.there, symbol="BAND", side=side, **ACME)
    wide = ACME | {"price": "107.26"}
    refused(post(desk.there, symbol="BAND", **wide), 409, "price_out_of_band")
    order = place(desk.there, symbol="BAND", **(ACME | {"price": "107.25"}))
    path = f"/v1/orders/{order['order_id']}"
    refused(desk.there.patch(path, json={"price": "92.74"}), 409, "price_out_of_band")
    assert switch(desk.here, "BAND", price_band_bps=0)["price_band_bps"] == 0
    assert place(desk.there, symbol="BAND", **wide)["status"] == "new"


def test_an_account_may_have_so_many_open_orders(desk: Desk) -> None:
    """Each account for itself; one that is canceled makes room."""
    desk.add_instrument("FEW", open_orders_max=2)
    first = place(desk.here, symbol="FEW", **ACME)
    place(desk.there, symbol="FEW", **ACME)
    refused(post(desk.there, symbol="FEW", **ACME), 409, "open_orders_limit")
    place(desk.there, account="alice", symbol="FEW", **ACME)
    desk.here.delete(f"/v1/orders/{first['order_id']}")
    place(desk.there, symbol="FEW", **ACME)
    switch(desk.here, "FEW", open_orders_max=3)
    place(desk.there, symbol="FEW", **ACME)


def test_an_instrument_is_traded_through_every_gateway_the_moment_it_is_added(desk: Desk) -> None:
    """Also if the other gateway was asked for it just before."""
    refused(post(desk.there, symbol="NEW-1", **ACME), 404, "unknown_symbol")
    desk.add_instrument("NEW-1")
    assert place(desk.there, symbol="NEW-1", **ACME)["status"] == "new"
    desk.add_instrument("NEW-2")
    assert desk.there.get("/v1/instruments/NEW-2").json()["symbol"] == "NEW-2"
    desk.add_instrument("NEW-3")
    listed = desk.there.get("/v1/instruments").json()["instruments"]
    symbols = [instrument["symbol"] for instrument in listed]
    assert symbols == sorted(symbols)
    assert {"NEW-1", "NEW-2", "NEW-3"} <= set(symbols)
    assert desk.there.delete("/v1/orders").json()["canceled"]


def narrow(desk: Desk, symbol: str) -> dict[str, Any]:
    """An instrument whose limits were changed behind the back of the other gateway."""
    desk.add_instrument(symbol)
    order = place(desk.there, symbol=symbol, quantity="500", price="100.00")
    body = INSTRUMENT | {"symbol": symbol, "max_quantity": "50", "min_notional": "200"}
    reply = desk.here.post("/v1/admin/instruments", json=body)
    assert (reply.status_code, reply.json()["max_quantity"]) == (200, "50")
    return order


def test_changed_limits_hold_for_the_next_order_of_every_gateway(desk: Desk) -> None:
    """A gateway with old limits reads them again, whether they would accept the order or not."""
    narrow(desk, "LIM-1")
    assert place(desk.there, symbol="LIM-1", quantity="50", price="100.00")["status"] == "new"
    narrow(desk, "LIM-2")
    too_large = post(desk.there, symbol="LIM-2", quantity="51", price="100.00")
    assert "between 1 and 50" in refused(too_large, 422, "out_of_range").detail
    too_small = post(desk.there, symbol="LIM-2", quantity="1", price="199.99")
    refused(too_small, 422, "notional_too_small")


def test_changed_limits_hold_for_amendments_and_leave_open_orders_alone(desk: Desk) -> None:
    """What was good when it was placed stays; what it is to become is checked."""
    order = narrow(desk, "LIM-3")
    path = f"/v1/orders/{order['order_id']}"
    reply = desk.there.patch(path, json={"quantity": "400"})
    assert refused(reply, 422, "out_of_range").field == "quantity"
    assert desk.there.get(path).json() == order
    assert desk.there.patch(path, json={"quantity": "50"}).json()["quantity"] == "50"


def test_asking_again_gives_the_order_though_limits_have_changed(desk: Desk) -> None:
    """A placed order is answered again without new checks; another body is a duplicate."""
    desk.add_instrument("LIM-4")
    body = {"symbol": "LIM-4", "quantity": "500", "price": "100.00", "client_order_id": "kept"}
    order = place(desk.there, **body)
    narrow_limits = INSTRUMENT | {"symbol": "LIM-4", "max_quantity": "50"}
    assert desk.here.post("/v1/admin/instruments", json=narrow_limits).status_code == 200
    again = post(desk.there, **body)
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (200, "true")
    assert again.json()["order_id"] == order["order_id"]
    other = post(desk.there, **(body | {"quantity": "499"}))
    refused(other, 409, "duplicate_client_order_id")
    new = post(desk.there, **(body | {"client_order_id": "new"}))
    refused(new, 422, "out_of_range")


def test_wider_limits_hold_at_once_too(desk: Desk) -> None:
    """A gateway that knows the old ones does not refuse what the new ones allow."""
    desk.add_instrument("WIDE", min_notional="5000")
    order = place(desk.there, symbol="WIDE", quantity="1000", price="100.00")
    refused(
        post(desk.there, symbol="WIDE", quantity="1", price="100.00"), 422, "notional_too_small"
    )
    body = INSTRUMENT | {"symbol": "WIDE", "max_quantity": "5000"}
    assert desk.here.post("/v1/admin/instruments", json=body).status_code == 200
    assert place(desk.there, symbol="WIDE", quantity="1", price="100.00")["status"] == "new"
    body["max_quantity"] = "9000"
    assert desk.here.post("/v1/admin/instruments", json=body).status_code == 200
    reply = desk.there.patch(f"/v1/orders/{order['order_id']}", json={"quantity": "9000"})
    assert reply.json()["quantity"] == "9000"


def test_bounds_of_a_market_are_changed_only_if_they_are_named(desk: Desk) -> None:
    """The same call again changes nothing; what it leaves out stays as an admin set it."""
    desk.add_instrument("BOUND", price_band="5", open_orders_max=9)
    for changes, band_bps, open_orders_max in (
        ({}, 500, 9), ({"price_band": "2.5"}, 250, 9), ({"open_orders_max": 4}, 250, 4),
        ({"price_band": "0"}, 0, 4),
    ):  # fmt: skip
        body = INSTRUMENT | {"symbol": "BOUND"} | changes
        reply = desk.there.post("/v1/admin/instruments", json=body)
        assert reply.status_code == 200
        found = desk.here.get("/v1/instruments/BOUND").json()
        assert (found["price_band_bps"], found["open_orders_max"]) == (band_bps, open_orders_max)
        assert found == reply.json()


@pytest.mark.parametrize("changes", [{"tick_size": "0.05"}, {"base": "EMCA"}, {"lot_size": "0.5"}])
def test_what_is_fixed_for_life_is_not_changed(desk: Desk, changes: dict[str, str]) -> None:
    """Resting orders are counted in the old steps."""
    symbol = "FIX-" + next(iter(changes)).upper().replace("_", "-")
    desk.add_instrument(symbol)
    reply = desk.there.post("/v1/admin/instruments", json=INSTRUMENT | {"symbol": symbol} | changes)
    assert symbol in refused(reply, 409, "instrument_conflict").detail


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"tick_size": "0"}, "out_of_range", "tick_size"),
        ({"lot_size": "x"}, "invalid_decimal", "lot_size"),
        ({"min_quantity": "2000"}, "out_of_range", "min_quantity"),
        ({"symbol": "a b"}, "invalid_value", "symbol"),
        ({"symbol": "X" * 33}, "invalid_value", "symbol"),
        ({"price_band": "1001"}, "out_of_range", "price_band"),
        ({"open_orders_max": 0}, "out_of_range", "open_orders_max"),
        ({"open_orders_max": 1.5}, "invalid_value", "open_orders_max"),
        ({"base": None}, "invalid_value", "base"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_a_wrong_instrument_is_refused_by_name(
    desk: Desk, changes: dict[str, Any], code: str, field: str
) -> None:
    """In the words of the instrument file, and nothing is added."""
    before = desk.here.get("/v1/instruments").json()
    body = INSTRUMENT | {"symbol": "BAD"} | changes
    problem = refused(desk.here.post("/v1/admin/instruments", json=body), 422, code)
    assert problem.field == field
    assert desk.here.get("/v1/instruments").json() == before


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({}, "nothing_to_amend", "state"),
        ({"state": "open"}, "invalid_value", "state"),
        ({"price_band_bps": -1}, "invalid_value", "price_band_bps"),
        ({"price_band_bps": 100_001}, "out_of_range", "price_band_bps"),
        ({"price_band_bps": 0.5}, "invalid_value", "price_band_bps"),
        ({"open_orders_max": 0}, "out_of_range", "open_orders_max"),
        ({"open_orders_max": 1_000_001}, "out_of_range", "open_orders_max"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_a_wrong_change_of_a_market_is_refused_by_name(
    desk: Desk, changes: dict[str, Any], code: str, field: str
) -> None:
    """A refused change leaves the market as it was."""
    reply = desk.here.put("/v1/admin/markets/BTC-USDT", json=changes)
    assert refused(reply, 422, code).field == field
    unknown = desk.here.put("/v1/admin/markets/DOGE-USDT", json={"state": "halted"})
    refused(unknown, 404, "unknown_symbol")


def test_a_gateway_that_starts_again_undoes_no_change(
    desk: Desk, gateway_pair: GatewayPair, redis_url: str, tmp_path: Path
) -> None:
    """The instrument file only adds new instruments: Redis has the limits, and the log says so."""
    desk.add_instrument("KEEP", max_quantity="50", open_orders_max=7)
    fields = INSTRUMENT | {"symbol": "KEEP", "max_quantity": "900"}
    added = INSTRUMENT | {"symbol": "ADDED"}
    path = tmp_path / "instruments.toml"
    text = ""
    for table in (fields, added):
        lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
        text += "[[instrument]]\n" + "\n".join(lines) + "\n"
    path.write_text(text, "utf-8")
    with (
        running_gateway(redis_url, tmp_path, {"TAPEWIRE_INSTRUMENTS": str(path)}) as service,
        httpx.Client(base_url=service.url) as api,
    ):
        kept = api.get("/v1/instruments/KEEP").json()
        assert (kept["max_quantity"], kept["open_orders_max"]) == ("50", 7)
        assert "KEEP keeps the limits" in service.log()
    assert place(desk.there, symbol="ADDED", **ACME)["status"] == "new"
