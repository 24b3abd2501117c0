"""The body of an order: to an exact command, or to one refusal that names the field."""

import json

import pytest

from order_gateway.errors import PLACE_ERRORS
from order_gateway.order_entry import read_command
from tapewire.error_codes import ERROR_CODES
from tapewire.errors import Refusal
from tapewire.instruments import packaged_instruments
from tapewire.types import Account, OrderCommand, OrderType, Side, Symbol, TimeInForce
from tests.support import order_bodies
from tests.support.order_bodies import REFUSED, raw_body

INSTRUMENTS = packaged_instruments()
ACCOUNT = Account("demo")


def read(body: bytes) -> OrderCommand:
    """The command for the packaged instruments."""
    return read_command(body, ACCOUNT, INSTRUMENTS)


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


@pytest.mark.parametrize("number", ["0.29", "0.290", "0.2900000"])
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
    assert read(order_bodies.body(price="9007199.25", quantity="100")).quantity_lots == 10_000_000
    assert read(order_bodies.body(price="5", quantity="1")).price_ticks == 500
    with pytest.raises(Refusal, match=r"at least 5\.0000000 USDT"):
        read(order_bodies.body(price="4.99", quantity="1"))
