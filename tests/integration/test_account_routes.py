"""Accounts over REST: what owners see, what an administrator does, the kill switch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from order_gateway.schemas import AccountReply, AccountsReply, TransferReply
from tests.support.running.gateway_pair import Desk
from tests.support.running.processes import Service, running_gateway
from tests.support.structures import members_exactly, read_exactly
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.order_socket import OrderSocket
from tests.support.transport.rest import JSON, place, refused

ACME = {"quantity": "10", "price": "100.00"}
MONEY = {"TAPEWIRE_PAPER_BALANCES": "*=1000,BTC=0.5,ACME=0"}


@pytest.fixture(scope="module")
def service(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A gateway whose new accounts get a little money."""
    with running_gateway(module_redis_url, tmp_path_factory.mktemp("gateway"), MONEY) as running:
        yield running


@pytest.fixture
def api(service: Service, redis_url: str) -> Iterator[httpx.Client]:
    """A client of it, on an emptied Redis."""
    del redis_url
    with httpx.Client(base_url=service.url, headers=JSON, timeout=30) as client:
        assert client.get("/readyz").status_code == 200
        yield client


def own(api: httpx.Client, account: str) -> dict[str, Any]:
    """The account as its owner sees it."""
    reply = api.get("/v1/account", headers={"X-Account": account})
    assert reply.status_code == 200, reply.text
    return members_exactly(reply.content, AccountReply)


def money(account: dict[str, Any], asset: str) -> tuple[str, str]:
    """What is available and held of an asset."""
    (balance,) = [item for item in account["balances"] if item["asset"] == asset]
    return balance["available"], balance["held"]


def admin(api: httpx.Client, method: str, path: str, **body: Any) -> dict[str, Any]:
    """A request that changes accounts; it must be done."""
    reply = api.request(method, f"/v1/admin/{path}", json=body)
    assert reply.status_code == 200, reply.text
    done: dict[str, Any] = reply.json()
    return done


def test_whoever_looks_at_a_new_account_sees_what_it_starts_with(api: httpx.Client) -> None:
    """Of each asset what the setting says; nothing twice however often it is looked at."""
    for _ in range(2):
        alice = own(api, "alice")
        assert (alice["account"], alice["state"], alice["limits"]) == ("alice", "active", [])
        assert (alice["maker_fee_ppm"], alice["taker_fee_ppm"]) == (None, None)
        assert [balance["asset"] for balance in alice["balances"]] == ["BTC", "ETH", "SOL", "USDT"]
        assert money(alice, "BTC") == ("0.50000000", "0.00000000")
        assert money(alice, "USDT") == ("1000.00000000", "0.00000000")
    refused(api.get("/v1/account?x=1"), 422, "unknown_field")


def test_a_redis_without_its_data_gives_the_same_start(api: httpx.Client, redis_url: str) -> None:
    """Whether an order or a look at the account is the first that it hears of."""
    order = LIMIT_ORDER | {"quantity": "0.01", "price": "50000.00"}
    for account in ("alice", "bob"):
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        if account == "alice":
            place(api, account=account, **order)
        assert [item["asset"] for item in own(api, account)["balances"]] == [
            "BTC", "ETH", "SOL", "USDT"
        ]  # fmt: skip


def test_an_order_holds_money_and_a_trade_moves_it_less_the_fee(api: httpx.Client) -> None:
    """Shown by the account and by the fills; what is not there cannot be traded."""
    admin(api, "PUT", "markets/BTC-USDT", maker_fee_ppm=1_000, taker_fee_ppm=2_500)
    place(api, account="alice", quantity="0.01", price="50000.00")
    assert money(own(api, "alice"), "USDT") == ("500.00000000", "500.00000000")
    order = LIMIT_ORDER | {"quantity": "0.01", "price": "50000.01"}
    reply = api.post("/v1/orders", json=order, headers={"X-Account": "alice"})
    assert "too small" in refused(reply, 409, "insufficient_funds").detail
    sold = place(api, account="bob", side="sell", quantity="0.01", price="49000.00")
    (fill,) = sold["fills"]
    assert (fill["price"], fill["fee"], fill["fee_asset"]) == ("50000.00", "1.25000000", "USDT")
    assert money(own(api, "bob"), "USDT") == ("1498.75000000", "0.00000000")
    alice = own(api, "alice")
    assert money(alice, "USDT") == ("500.00000000", "0.00000000")
    assert money(alice, "BTC") == ("0.50999000", "0.00000000")
    (bought,) = api.get("/v1/fills", headers={"X-Account": "alice"}).json()["fills"]
    assert (bought["fee"], bought["fee_asset"]) == ("0.00001000", "BTC")
    fees = api.get("/v1/admin/accounts/@fees").json()
    assert [(item["asset"], item["total"]) for item in fees["balances"]] == [
        ("BTC", "0.00001000"), ("USDT", "1.25000000")
    ]  # fmt: skip
    refused(api.get("/v1/account", headers={"X-Account": "@fees"}), 422, "invalid_account")


def test_money_comes_in_and_goes_out_once_for_each_reference(api: httpx.Client) -> None:
    """A deposit opens an account, empty but for it; what is held cannot be taken out."""
    path = "/v1/admin/accounts/carol/deposit"
    body = {"asset": "USDT", "amount": "250.5", "reference": "wire-1"}
    for header in (None, "true"):
        reply = api.post(path, json=body)
        assert reply.headers.get("Idempotent-Replay") == header
        read_exactly(reply.content, TransferReply)
        assert reply.json()["available"] == "250.50000000"
    assert [item["asset"] for item in own(api, "carol")["balances"]] == ["USDT"]
    refused(api.post(path, json=body | {"amount": "1"}), 409, "duplicate_reference")
    place(api, account="carol", quantity="0.01", price="25000.00")
    out = "/v1/admin/accounts/carol/withdraw"
    refused(api.post(out, json={"asset": "USDT", "amount": "0.51"}), 409, "insufficient_funds")
    done = api.post(out, json={"asset": "USDT", "amount": "0.5"}).json()
    assert (done["amount"], done["available"]) == ("0.50000000", "0.00000000")
    nobody = "/v1/admin/accounts/nobody/withdraw"
    refused(api.post(nobody, json={"asset": "USDT", "amount": "1"}), 404, "unknown_account")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"amount": "0"}, "out_of_range", "amount"),
        ({"amount": "-1"}, "invalid_decimal", "amount"),
        ({"amount": True}, "invalid_decimal", "amount"),
        ({"amount": "0.000000001"}, "too_many_digits", "amount"),
        ({"amount": "99999999999"}, "out_of_range", "amount"),
        ({"amount": None}, "invalid_decimal", "amount"),
        ({"asset": "GOLD"}, "unknown_asset", "asset"),
        ({"asset": 5}, "invalid_value", "asset"),
        ({"reference": "a b"}, "invalid_value", "reference"),
        ({"reference": "x" * 65}, "invalid_value", "reference"),
        ({"memo": "x"}, "unknown_field", "memo"),
    ],
)
def test_a_wrong_transfer_is_refused_by_name(
    api: httpx.Client, changes: dict[str, Any], code: str, field: str
) -> None:
    """A refused transfer does not open the account."""
    body = {"asset": "USDT", "amount": "1"} | changes
    reply = api.post("/v1/admin/accounts/mallory/deposit", json=body)
    assert refused(reply, 422, code).field == field
    refused(api.get("/v1/admin/accounts/mallory"), 404, "unknown_account")


def test_accounts_are_listed_by_name_page_by_page(api: httpx.Client) -> None:
    """The account of fees among them; a page begins behind the cursor."""
    for name in ("zoe", "Adam", "mia"):
        own(api, name)
    names, cursor = [], None
    for _ in range(3):
        params = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        reply = api.get("/v1/admin/accounts", params=params)
        page = read_exactly(reply.content, AccountsReply)
        names += [account.account for account in page.accounts]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert names == ["@fees", "Adam", "mia", "zoe"]
    begun = api.get("/v1/admin/accounts", params={"prefix": "m", "limit": 2}).json()
    assert [account["account"] for account in begun["accounts"]] == ["mia"]
    assert begun["next_cursor"] is None
    refused(api.get("/v1/admin/accounts", params={"limit": 0}), 422, "out_of_range")
    refused(api.get("/v1/admin/accounts/a%20b"), 422, "invalid_account")
    refused(
        api.patch("/v1/admin/accounts/@fees", json={"state": "blocked"}), 422, "invalid_account"
    )


def test_fees_of_an_account_replace_those_of_the_instrument(api: httpx.Client) -> None:
    """For orders that are placed afterwards; null gives the instrument's back."""
    own(api, "bob")
    changed = admin(api, "PATCH", "accounts/bob", taker_fee_ppm=10_000)
    assert (changed["maker_fee_ppm"], changed["taker_fee_ppm"]) == (None, 10_000)
    place(api, account="alice", quantity="0.01", price="50000.00")
    sold = place(api, account="bob", side="sell", quantity="0.01", price="50000.00")
    assert sold["fills"][0]["fee"] == "5.00000000"
    assert admin(api, "PATCH", "accounts/bob", taker_fee_ppm=None)["taker_fee_ppm"] is None
    refused(api.patch("/v1/admin/accounts/bob", json={}), 422, "nothing_to_amend")
    path = "/v1/admin/accounts/bob"
    refused(api.patch(path, json={"maker_fee_ppm": 100_001}), 422, "out_of_range")
    wrong = refused(api.patch(path, json={"state": "halted"}), 422, "invalid_value")
    assert '"active" or "blocked"' in wrong.detail
    refused(
        api.patch("/v1/admin/accounts/nobody", json={"state": "active"}), 404, "unknown_account"
    )


def test_a_blocked_account_may_only_cancel(api: httpx.Client) -> None:
    """Until it is active again."""
    order = place(api, account="alice", quantity="0.01", price="50000.00")
    assert admin(api, "PATCH", "accounts/alice", state="blocked")["state"] == "blocked"
    reply = api.post("/v1/orders", json=LIMIT_ORDER, headers={"X-Account": "alice"})
    refused(reply, 403, "account_blocked")
    path = f"/v1/orders/{order['order_id']}"
    assert api.delete(path, headers={"X-Account": "alice"}).json()["status"] == "canceled"
    admin(api, "PATCH", "accounts/alice", state="active")
    place(api, account="alice", quantity="0.01", price="50000.00")


def test_limits_bound_an_account_in_a_symbol(desk: Desk) -> None:
    """Through either gateway; null is the instrument's, zero is none, the rest stays."""
    desk.add_instrument("RISK", order_quantity_max="20", position_max="20000030")
    path = "/v1/admin/accounts/alice/limits/RISK"
    place(desk.here, account="alice", symbol="RISK", quantity="20", price="1.00")
    wide = {"symbol": "RISK", "side": "buy", "order_type": "limit", "quantity": "21", "price": "1"}
    alice = {"X-Account": "alice"}
    refused(desk.there.post("/v1/orders", json=wide, headers=alice), 409, "order_size_limit")
    close = wide | {"quantity": "11"}
    refused(desk.there.post("/v1/orders", json=close, headers=alice), 409, "position_limit")
    body = {"order_quantity_max": "0", "order_notional_max": "50", "position_max": "0"}
    (limits,) = desk.here.put(path, json=body).json()["limits"]
    assert limits == {
        "symbol": "RISK",
        "open_orders_max": None,
        "order_quantity_max": "0",
        "order_notional_max": "50.00",
        "position_max": "0",
    }
    assert desk.there.post("/v1/orders", json=wide, headers=alice).status_code == 201
    rich = wide | {"price": "2.50"}
    refused(desk.there.post("/v1/orders", json=rich, headers=alice), 409, "order_notional_limit")
    rest: dict[str, Any] = {"order_quantity_max": None, "open_orders_max": 2}
    (limits,) = desk.there.put(path, json=rest).json()["limits"]
    assert (limits["open_orders_max"], limits["order_quantity_max"]) == (2, None)
    assert limits["order_notional_max"] == "50.00"
    refused(desk.here.post("/v1/orders", json=close, headers=alice), 409, "open_orders_limit")
    for wrong, code in (
        ({}, "nothing_to_amend"), ({"position_max": "0.5"}, "off_lot"),
        ({"order_notional_max": "0.001"}, "off_amount_step"), ({"limit": 1}, "unknown_field"),
        ({"position_max": "x"}, "invalid_decimal"), ({"open_orders_max": 2**30}, "out_of_range"),
    ):  # fmt: skip
        refused(desk.here.put(path, json=wrong), 422, code)
    unknown = desk.here.put("/v1/admin/accounts/alice/limits/NONE", json={"position_max": "1"})
    refused(unknown, 404, "unknown_symbol")


def test_bounds_and_fees_of_a_market_are_changed_and_shown(desk: Desk) -> None:
    """By the market and by the instrument; what is not named stays."""
    added = desk.add_instrument("FEES", taker_fee_ppm=700, order_notional_max="5000")
    assert (added["maker_fee_ppm"], added["taker_fee_ppm"]) == (0, 700)
    assert (added["order_notional_max"], added["position_max"]) == ("5000.00", "0")
    assert (added["base_decimals"], added["quote_decimals"]) == (8, 8)
    body = {"maker_fee_ppm": 100, "position_max": "400", "order_quantity_max": "50"}
    changed = desk.there.put("/v1/admin/markets/FEES", json=body).json()
    assert (changed["maker_fee_ppm"], changed["taker_fee_ppm"]) == (100, 700)
    assert (changed["position_max"], changed["order_quantity_max"]) == ("400", "50")
    assert changed["order_notional_max"] == "5000.00"
    again = desk.here.post(
        "/v1/admin/instruments",
        json={
            "symbol": "FEES",
            "base": "ACME",
            "quote": "USD",
            "tick_size": "0.01",
            "lot_size": "1",
            "min_quantity": "1",
            "max_quantity": "1000",
            "order_notional_max": "6000",
        },
    ).json()
    assert (again["order_notional_max"], again["maker_fee_ppm"]) == ("6000.00", 100)
    for wrong, code in (
        ({"taker_fee_ppm": 200_000}, "out_of_range"), ({"position_max": "1.5"}, "off_lot"),
        ({}, "nothing_to_amend"), ({"order_notional_max": "0.001"}, "off_amount_step"),
    ):  # fmt: skip
        refused(desk.here.put("/v1/admin/markets/FEES", json=wrong), 422, code)


def test_a_fee_below_one_unit_is_refused_unless_it_is_accepted(desk: Desk) -> None:
    """When an instrument is added and when its rate is changed; the refusal changes nothing."""
    body: dict[str, Any] = {
        "symbol": "COARSE", "base": "CORN", "quote": "USD", "tick_size": "0.01", "lot_size": "1",
        "min_quantity": "1", "max_quantity": "10", "base_decimals": 0, "taker_fee_ppm": 100,
    }  # fmt: skip
    refused(desk.here.post("/v1/admin/instruments", json=body), 422, "fee_below_unit")
    desk.add_instrument(**body | {"taker_fee_ppm": 0})
    path = "/v1/admin/markets/COARSE"
    refused(desk.here.put(path, json={"taker_fee_ppm": 100}), 422, "fee_below_unit")
    refused(desk.here.put(path, json={"allow_coarse_fees": True}), 422, "nothing_to_amend")
    accepted = desk.here.put(path, json={"taker_fee_ppm": 100, "allow_coarse_fees": True}).json()
    assert accepted["taker_fee_ppm"] == 100
    added = desk.add_instrument(**body | {"symbol": "COARSE-2", "allow_coarse_fees": True})
    assert added["taker_fee_ppm"] == 100


def test_assets_keep_their_decimals(desk: Desk) -> None:
    """An asset that trades cannot get other decimals."""
    desk.add_instrument("DEC-1", base="GRAIN", base_decimals=3)
    body = {
        "symbol": "DEC-2", "base": "GRAIN", "quote": "USD", "tick_size": "0.01", "lot_size": "1",
        "min_quantity": "1", "max_quantity": "10", "base_decimals": 4,
    }  # fmt: skip
    refused(desk.here.post("/v1/admin/instruments", json=body), 409, "instrument_conflict")
    added = desk.there.post("/v1/admin/instruments", json=body | {"base_decimals": None}).json()
    assert added["base_decimals"] == 3


def test_a_killed_account_has_no_orders_and_takes_none(desk: Desk) -> None:
    """Orders in a halted market stay, as the answer says; a second request cancels them."""
    desk.add_instrument("KILL-1")
    desk.add_instrument("KILL-2")
    first = place(desk.here, account="kim", symbol="KILL-1", **ACME)
    second = place(desk.here, account="kim", symbol="KILL-2", **ACME)
    other = place(desk.here, account="lea", symbol="KILL-1", **ACME)
    desk.here.put("/v1/admin/markets/KILL-2", json={"state": "halted"})
    killed = desk.there.post("/v1/admin/accounts/kim/kill").json()
    assert killed == {
        "account": "kim",
        "state": "blocked",
        "canceled": [first["order_id"]],
        "canceled_count": 1,
        "halted": ["KILL-2"],
    }
    kim = {"X-Account": "kim"}
    shown = desk.here.get(f"/v1/orders/{first['order_id']}", headers=kim).json()
    assert (shown["status"], shown["reason"]) == ("canceled", "kill")
    body = LIMIT_ORDER | {"symbol": "KILL-1"} | ACME
    refused(desk.here.post("/v1/orders", json=body, headers=kim), 403, "account_blocked")
    desk.here.put("/v1/admin/markets/KILL-2", json={"state": "cancel_only"})
    killed = desk.here.post("/v1/admin/accounts/kim/kill").json()
    assert (killed["canceled"], killed["halted"]) == ([second["order_id"]], [])
    reply = desk.here.get(f"/v1/orders/{other['order_id']}", headers={"X-Account": "lea"})
    assert reply.json()["status"] == "new"
    refused(desk.here.post("/v1/admin/accounts/nobody/kill"), 404, "unknown_account")


def test_the_venue_is_stopped_and_resumed(api: httpx.Client) -> None:
    """Every order of every account is canceled; a halted market stays as it was through both."""
    orders = [
        place(api, account=name, quantity="0.01", price="50000.00") for name in ("alice", "bob")
    ]
    stays = place(api, account="bob", symbol="SOL-USDT", quantity="1", price="100.00")
    admin(api, "PUT", "markets/SOL-USDT", state="halted")
    admin(api, "PUT", "markets/ETH-USDT", state="post_only")
    # Other tests of this module add instruments.
    everything = [item["symbol"] for item in api.get("/v1/instruments").json()["instruments"]]
    switched = sorted(set(everything) - {"SOL-USDT"})
    killed = admin(api, "POST", "kill")
    assert killed == {
        "switched": switched,
        "canceled_count": 2,
        "halted": ["SOL-USDT"],
    }
    for name, order in zip(("alice", "bob"), orders, strict=True):
        shown = api.get(f"/v1/orders/{order['order_id']}", headers={"X-Account": name}).json()
        assert (shown["status"], shown["reason"]) == ("canceled", "kill")
    refused(api.post("/v1/orders", json=LIMIT_ORDER), 409, "market_cancel_only")
    again = admin(api, "POST", "kill")
    assert (again["switched"], again["canceled_count"]) == ([], 0)
    assert admin(api, "POST", "resume") == {"switched": switched}
    states = {
        item["symbol"]: item["state"] for item in api.get("/v1/instruments").json()["instruments"]
    }
    assert states.pop("SOL-USDT") == "halted"
    assert set(states.values()) == {"trading"}
    path = f"/v1/orders/{stays['order_id']}"
    assert api.get(path, headers={"X-Account": "bob"}).json()["status"] == "new"


def test_the_socket_tells_the_account_too(service: Service, api: httpx.Client) -> None:
    """The same answer, with money that the orders before it hold."""
    with OrderSocket(service.port, "alice") as socket:
        socket.done("place", **(LIMIT_ORDER | {"quantity": "0.01", "price": "50000.00"}))
        told = socket.done("account")
    assert money(told, "USDT") == ("500.00000000", "500.00000000")
    assert told == own(api, "alice")


def test_unchecked_funds_let_balances_go_below_zero(redis_url: str, tmp_path: Path) -> None:
    """Simulations need no money; positions are counted nevertheless."""
    variables = {"TAPEWIRE_FUNDS": "unchecked", "TAPEWIRE_PAPER_BALANCES": ""}
    with (
        running_gateway(redis_url, tmp_path, variables) as service,
        httpx.Client(base_url=service.url, headers=JSON, timeout=30) as api,
    ):
        assert own(api, "alice")["balances"] == []
        place(api, account="alice", side="sell")
        assert place(api, account="bob")["status"] == "filled"
        assert money(own(api, "alice"), "BTC") == ("-0.50000000", "0.00000000")
        assert money(own(api, "bob"), "USDT") == ("-30000.00000000", "0.00000000")
