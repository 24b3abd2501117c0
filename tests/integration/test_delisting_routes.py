"""An instrument delisted over REST: every gateway forgets it, its history stays, it comes back."""

import json
from pathlib import Path
from typing import Any

import httpx
import redis

from order_gateway.schemas import DelistedReply
from tapewire import keys
from tests.support.running.gateway_pair import INSTRUMENT, Desk, GatewayPair
from tests.support.running.processes import running_gateway
from tests.support.structures import members_exactly
from tests.support.transport.rest import refused
from tests.support.wait import wait_for

ANN, BEN = {"X-Account": "ann"}, {"X-Account": "ben"}


def order(api: httpx.Client, symbol: str, account: str, side: str, price: str) -> Any:
    """Place a limit order for 10; returns the answer."""
    body = {"symbol": symbol, "side": side, "order_type": "limit", "quantity": "10",
            "price": price}  # fmt: skip
    return api.post("/v1/orders", json=body, headers={"X-Account": account})


def delist(api: httpx.Client, symbol: str) -> dict[str, Any]:
    """Delist an instrument."""
    reply = api.delete(f"/v1/admin/instruments/{symbol}")
    assert reply.status_code == 200, reply.text
    return members_exactly(reply.content, DelistedReply)


def symbols(api: httpx.Client) -> set[str]:
    """The symbols that a gateway lists."""
    return {item["symbol"] for item in api.get("/v1/instruments").json()["instruments"]}


def balances(api: httpx.Client, account: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What an account has available and holds, by asset."""
    found = api.get("/v1/account", headers=account).json()["balances"]
    return {item["asset"]: (item["available"], item["held"]) for item in found}


def test_every_gateway_forgets_a_delisted_instrument(desk: Desk) -> None:
    """Orders are canceled and money is released; new orders are refused; lists lack the symbol."""
    desk.add_instrument("GONE-USD")
    opened = balances(desk.there, ANN) | balances(desk.there, BEN)
    first = order(desk.there, "GONE-USD", "ann", "buy", "100.00").json()
    order(desk.here, "GONE-USD", "ben", "sell", "101.00")
    assert delist(desk.here, "GONE-USD") == {"symbol": "GONE-USD", "canceled_count": 2}
    for api in (desk.there, desk.here):
        problem = refused(order(api, "GONE-USD", "ann", "buy", "100.00"), 404, "unknown_symbol")
        assert problem.field == "symbol"
        assert "GONE-USD" not in symbols(api)
        refused(api.get("/v1/instruments/GONE-USD"), 404, "unknown_symbol")
        put = api.put("/v1/admin/markets/GONE-USD", json={"state": "trading"})
        refused(put, 404, "unknown_symbol")
        again = api.delete("/v1/admin/instruments/GONE-USD")
        refused(again, 404, "unknown_symbol")
        found = api.get(f"/v1/orders/{first['order_id']}", headers=ANN).json()
        assert (found["status"], found["reason"]) == ("canceled", "delisted")
    assert balances(desk.there, ANN) | balances(desk.there, BEN) == opened
    assert desk.there.get("/readyz").status_code == 200
    assert "GONE-USD" not in symbols(desk.there)


def test_history_stays_and_a_position_keeps_its_value(desk: Desk) -> None:
    """Orders, fills, limits of accounts and performance know the delisted symbol."""
    desk.add_instrument("PAST-USD")
    path = "/v1/admin/accounts/ann/limits/PAST-USD"
    order(desk.here, "PAST-USD", "ann", "buy", "100.00")
    assert desk.here.put(path, json={"open_orders_max": 7}).status_code == 200
    order(desk.here, "PAST-USD", "ben", "sell", "100.00")
    before = desk.there.get("/v1/account/performance", headers=ANN).json()
    delist(desk.here, "PAST-USD")
    for api in (desk.there, desk.here):
        for query in ("", "?symbol=PAST-USD"):
            fills = api.get(f"/v1/fills{query}", headers=ANN).json()["fills"]
            assert [fill["symbol"] for fill in fills] == ["PAST-USD"]
            orders = api.get(f"/v1/orders{query}", headers=ANN).json()["orders"]
            assert [item["status"] for item in orders] == ["filled"]
        assert api.get("/v1/orders?status=open", headers=ANN).json()["orders"] == []
        account = api.get("/v1/account", headers=ANN).json()
        assert [item["symbol"] for item in account["limits"]] == ["PAST-USD"]
        after = api.get("/v1/account/performance", headers=ANN).json()
        assert after["markets"] == before["markets"]
        assert (after["equity"], after["pnl"]) == (before["equity"], before["pnl"])


def test_a_symbol_is_listed_again_with_its_numbers(desk: Desk) -> None:
    """It trades at once through both gateways under other limits; its steps cannot change."""
    desk.add_instrument("BACK-USD", max_quantity="50")
    order(desk.here, "BACK-USD", "ann", "buy", "100.00")
    traded = order(desk.there, "BACK-USD", "ben", "sell", "100.00").json()
    delist(desk.there, "BACK-USD")
    other = INSTRUMENT | {"symbol": "BACK-USD", "tick_size": "0.05"}
    refused(desk.here.post("/v1/admin/instruments", json=other), 409, "instrument_conflict")
    assert desk.add_instrument("BACK-USD", max_quantity="20")["max_quantity"] == "20"
    order(desk.there, "BACK-USD", "ann", "buy", "100.00")
    again = order(desk.here, "BACK-USD", "ben", "sell", "100.00").json()
    assert again["fills"][0]["trade_id"] == "BACK-USD-2", again
    assert int(again["order_id"]) == int(traded["order_id"]) + 2
    large = {"symbol": "BACK-USD", "side": "buy", "order_type": "limit", "quantity": "50",
             "price": "1.00"}  # fmt: skip
    refused(desk.there.post("/v1/orders", json=large, headers=ANN), 422, "out_of_range")


def test_a_round_goes_on_without_its_delisted_market(desk: Desk) -> None:
    """The other markets of the round close, and only their orders are canceled."""
    for symbol in ("ROUND-1", "ROUND-2", "FREE-1"):
        desk.add_instrument(symbol)
    body = {"name": "Round", "duration_s": 3600, "symbols": ["ROUND-1"], "cancel_orders": True}
    made = desk.here.post("/v1/admin/round", json=body)
    assert made.status_code == 201, made.text
    free = order(desk.here, "FREE-1", "ann", "buy", "100.00").json()
    delist(desk.there, "ROUND-1")
    ended = desk.here.post("/v1/admin/round/end")
    assert ended.status_code == 200, ended.text
    assert desk.here.get("/v1/round").json()["round"]["state"] == "ended"
    found = desk.there.get(f"/v1/orders/{free['order_id']}", headers=ANN).json()
    assert found["status"] == "new"


def test_a_gateway_that_starts_leaves_an_instrument_delisted(
    desk: Desk, redis_url: str, tmp_path: Path
) -> None:
    """Its instruments file names the symbol; the log says how to list it again."""
    desk.add_instrument("FILE-USD")
    delist(desk.here, "FILE-USD")
    path = tmp_path / "instruments.toml"
    lines = [
        f"{name} = {json.dumps(value)}"
        for name, value in (INSTRUMENT | {"symbol": "FILE-USD"}).items()
    ]
    path.write_text("[[instrument]]\n" + "\n".join(lines) + "\n", "utf-8")
    with (
        running_gateway(redis_url, tmp_path, {"TAPEWIRE_INSTRUMENTS": str(path)}) as service,
        httpx.Client(base_url=service.url) as api,
    ):
        assert "FILE-USD" not in symbols(api)
        assert "FILE-USD stays delisted" in service.log()


def test_a_binance_client_is_told_that_the_symbol_is_invalid(desk: Desk) -> None:
    """`exchangeInfo` forgets it at both gateways, also when another symbol takes its place."""
    desk.add_instrument("BIN-USD")
    for api in (desk.here, desk.there):
        assert api.get("/api/v3/depth?symbol=BINUSD").status_code == 200
    delist(desk.here, "BIN-USD")
    desk.add_instrument("NIB-USD")
    for api in (desk.there, desk.here):
        listed = {item["symbol"] for item in api.get("/api/v3/exchangeInfo").json()["symbols"]}
        assert "BINUSD" not in listed
        assert "NIBUSD" in listed
        reply = api.get("/api/v3/depth?symbol=BINUSD")
        assert reply.json()["code"] == -1121, reply.text
        assert api.get("/api/v3/depth?symbol=NIBUSD").status_code == 200


def test_the_journal_names_a_delisting(desk: Desk) -> None:
    """One entry for the whole step, with the canceled orders."""
    desk.add_instrument("NOTE-USD")
    placed = order(desk.here, "NOTE-USD", "ann", "buy", "100.00").json()
    delist(desk.here, "NOTE-USD")
    (entry,) = desk.journal("delist")
    assert entry[b"args"].split(b"\x1f")[0] == b"NOTE-USD"
    assert entry[b"result"].split(b"\x1f")[0].decode() == placed["order_id"]


def test_only_a_venue_without_data_gets_instruments_back(
    desk: Desk, gateway_pair: GatewayPair
) -> None:
    """A gateway restores what Redis lost, and nothing that was delisted."""
    desk.add_instrument("LOST-USD")
    desk.add_instrument("KEPT-USD")
    assert {"LOST-USD", "KEPT-USD"} <= symbols(desk.there)
    delist(desk.here, "LOST-USD")
    client: redis.Redis = desk.redis
    client.srem(keys.INSTRUMENTS, "KEPT-USD")
    client.delete("{tw}:market:KEPT-USD")
    wait_for(lambda: desk.there.get("/readyz").status_code == 200, "the gateway is ready")
    assert "KEPT-USD" in symbols(desk.there)
    assert "LOST-USD" not in symbols(desk.there)
