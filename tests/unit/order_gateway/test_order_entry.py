"""The body of an order: to an exact command, or to one refusal that names the field."""

import json
from dataclasses import replace

import pytest

from order_gateway.errors import AMEND_ERRORS, PLACE_ERRORS
from order_gateway.order_entry import build_amendment, read_params
from order_gateway.params import AmendParams
from tapewire.error_codes import ERROR_CODES
from tapewire.errors import Refusal
from tapewire.values.types import (
    Account,
    Amendment,
    Lots,
    OrderCommand,
    OrderType,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)
from tests.support.transport import order_bodies
from tests.support.transport.order_bodies import (
    BITCOIN,
    REFUSED,
    amount_body,
    raw_body,
    read,
    stop_body,
)
from tests.unit.order_gateway.test_replies import ORDER

ACCOUNT = Account("demo")


def test_a_limit_order_becomes_ticks_and_lots() -> None:
    """Every field arrives, exact."""
    assert read(order_bodies.body(client_order_id="my-1")) == OrderCommand(
        account=ACCOUNT,
        symbol=Symbol("BTC-USDT"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity_lots=50_000,  # type: ignore[arg-type]
        price_ticks=6_000_000,  # type: ignore[arg-type]
        client_order_id="my-1",
    )


@pytest.mark.parametrize("number", ["0.29", "0.290", "0.2900000", "2.9e-1", "29E-2"])
def test_a_json_number_is_taken_digit_by_digit(number: str) -> None:
    """0.29 is no exact float, but it is 29 ticks."""
    command = read(raw_body("price", number).replace(b'"0.5"', b'"20"'))
    assert command.price_ticks == 29


@pytest.mark.parametrize(
    ("order_type", "wanted", "time_in_force"),
    [
        ("limit", None, "gtc"), ("limit", "gtc", "gtc"), ("limit", "ioc", "ioc"),
        ("limit", "fok", "fok"), ("ioc", None, "ioc"), ("ioc", "ioc", "ioc"),
        ("fok", None, "fok"), ("fok", "fok", "fok"),
        ("market", None, "ioc"), ("market", "ioc", "ioc"),
    ],
)  # fmt: skip
def test_time_in_force_follows_from_the_order_type(
    order_type: str, wanted: str | None, time_in_force: str
) -> None:
    """What is left out has one meaning; what is said must agree with it."""
    price = None if order_type == "market" else "60000"
    command = read(order_bodies.body(order_type=order_type, time_in_force=wanted, price=price))
    assert (command.order_type, command.time_in_force) == (order_type, time_in_force)


@pytest.mark.parametrize("name", ["price", "time_in_force", "client_order_id"])
def test_null_is_the_same_as_left_out(name: str) -> None:
    """Many clients write null for what they do not say."""
    body = json.loads(order_bodies.body(order_type="market", price=None)) | {name: None}
    assert read(json.dumps(body).encode()) == read(
        order_bodies.body(order_type="market", price=None)
    )


@pytest.mark.parametrize(("body", "code", "field"), REFUSED)
def test_what_is_wrong_is_refused_by_name(body: bytes, code: str, field: str | None) -> None:
    """One stable code, the field, a sentence that names it, and a documented status."""
    with pytest.raises(Refusal) as caught:
        read(body)
    refusal = caught.value
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.status == ERROR_CODES[code].status
    assert code in PLACE_ERRORS
    sentence = str(refusal)
    assert sentence.startswith(field or "The body")
    assert sentence.endswith(".")
    assert len(sentence) < 250


def test_the_bounds_themselves_are_good() -> None:
    """The highest price, the largest quantity and exactly the minimum notional are taken."""
    assert read(order_bodies.body(price="900719.92", quantity="100")).quantity_lots == 10_000_000
    assert read(order_bodies.body(price="5", quantity="1")).price_ticks == 500
    with pytest.raises(Refusal, match=r"at least 5\.0000000 USDT"):
        read(order_bodies.body(price="4.99", quantity="1"))


def test_every_option_arrives_exact() -> None:
    """An iceberg that never takes and ends on a date."""
    command = read(
        order_bodies.body(
            post_only=True,
            display_quantity="0.1",
            time_in_force="gtd",
            expire_at="2026-01-31T13:00:00.000001+01:00",
            self_trade_prevention="decrement",
        )
    )
    assert command.post_only
    assert command.display_lots == 10_000
    assert (command.time_in_force, command.expire_us) == (TimeInForce.GTD, 1_769_860_800_000_001)
    assert command.self_trade_prevention is SelfTradePrevention.DECREMENT


@pytest.mark.parametrize("kind", ["stop", "stop_limit"])
def test_a_stop_waits_for_its_price(kind: str) -> None:
    """Until canceled, unless it says until when."""
    price = "60500" if kind == "stop_limit" else None
    command = read(stop_body(order_type=kind, price=price))
    assert (command.stop_price_ticks, command.time_in_force) == (6_100_000, TimeInForce.GTC)
    assert command.price_ticks == (6_050_000 if price else None)


def test_no_order_is_worth_more_than_can_be_counted() -> None:
    """Amounts are below 2^53 units of USDT; also of an order from when larger ones were allowed."""
    assert read(amount_body(quote_quantity="90071992.5474099")).quote_notional == 900719925474099
    narrowed = replace(BITCOIN, quantity_lots_max=Lots(1_000), price_ticks_max=Ticks(9_007_199_254))
    large = replace(ORDER, quantity_lots=Lots(10_000_000))
    for field in ("price", "stop_price"):
        params = read_params(AmendParams, {"order_id": "42", field: "900719.92"})
        build_amendment(params, large, narrowed)
        params = read_params(AmendParams, {"order_id": "42", field: "900719.93"})
        with pytest.raises(Refusal, match=r"at most 90071992\.5474099 USDT"):
            build_amendment(params, large, narrowed)


def test_a_market_order_may_name_an_amount() -> None:
    """In ticks x lots, down to the smallest amount that price and quantity can make."""
    command = read(amount_body(quote_quantity="100.0000001"))
    assert (command.quantity_lots, command.quote_notional) == (None, 1_000_000_001)


@pytest.mark.parametrize(
    ("account", "wanted", "mode"),
    [
        ("demo", None, "none"), ("alice", None, "expire_taker"),
        ("demo", "expire_both", "expire_both"), ("alice", "none", "none"),
    ],
)  # fmt: skip
def test_self_trade_prevention_is_on_for_named_accounts(
    account: str, wanted: str | None, mode: str
) -> None:
    """What an order says always counts."""
    command = read(order_bodies.body(self_trade_prevention=wanted), Account(account))
    assert command.self_trade_prevention == mode


def amend(**fields: object) -> Amendment:
    """What these fields mean for an order of 0.5 at 60000.00."""
    params = read_params(AmendParams, {"order_id": "42"} | fields)
    return build_amendment(params, ORDER, BITCOIN)


def test_an_amendment_becomes_ticks_and_lots() -> None:
    """What is left out stays as it is."""
    assert amend(price="60100") == Amendment(price_ticks=6_010_000)  # type: ignore[arg-type]
    assert amend(quantity="0.4") == Amendment(quantity_lots=40_000)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({}, "nothing_to_amend", "quantity"),
        ({"price": "0"}, "out_of_range", "price"),
        ({"price": "1.001"}, "off_tick", "price"),
        ({"quantity": "1000"}, "out_of_range", "quantity"),
        ({"quantity": "0.000001"}, "off_lot", "quantity"),
        ({"quantity": "0.00001"}, "notional_too_small", "quantity"),
        ({"price": "0.01"}, "notional_too_small", "quantity"),
        ({"stop_price": "x"}, "invalid_decimal", "stop_price"),
        ({"side": "sell"}, "unknown_field", "side"),
        ({"quantity": True}, "invalid_decimal", "quantity"),
        ({"quantity": "1", "order_id": "x"}, "invalid_order_id", "order_id"),
    ],
)
def test_a_wrong_amendment_is_refused_by_name(
    fields: dict[str, object], code: str, field: str
) -> None:
    """With the codes of an order, each documented."""
    with pytest.raises(Refusal) as caught:
        amend(**fields)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert code in AMEND_ERRORS
    assert str(caught.value).startswith(field)
