"""Bodies of orders, good and bad; the bad ones with the code and the field of their refusal."""

import json
from typing import Any

from order_gateway.catalogue import unknown_symbol
from order_gateway.order_entry import build_command, read_params
from order_gateway.params import OrderRequest
from tapewire.values.instruments import packaged_instruments
from tapewire.values.json_text import decode_json
from tapewire.values.types import Account, OrderCommand, Symbol

BITCOIN = packaged_instruments()[Symbol("BTC-USDT")]
LIMIT_ORDER: dict[str, Any] = {
    "symbol": "BTC-USDT",
    "side": "buy",
    "order_type": "limit",
    "quantity": "0.5",
    "price": "60000.00",
}


def body(**changes: object) -> bytes:
    """A good limit order with fields replaced, added, or left out (None)."""
    fields = {name: value for name, value in (LIMIT_ORDER | changes).items() if value is not None}
    return json.dumps(fields).encode()


def read(body: bytes, account: Account = Account("demo")) -> OrderCommand:  # noqa: B008
    """The command that a body stands for, where nothing but bitcoin is traded."""
    fields: Any = decode_json(body)
    request = read_params(OrderRequest, fields)
    if request.symbol != BITCOIN.symbol:
        raise unknown_symbol(request.symbol)
    return build_command(request, account, BITCOIN)


def raw_body(name: str, number: str) -> bytes:
    """A good limit order in which one field is this JSON number, written as it is."""
    return body(**{name: "@"}).replace(b'"@"', number.encode())


def stop_body(**changes: object) -> bytes:
    """A good stop order with fields replaced, added, or left out (None)."""
    return body(**({"order_type": "stop", "price": None, "stop_price": "61000"} | changes))


def amount_body(**changes: object) -> bytes:
    """A good market order by amount with fields replaced, added, or left out (None)."""
    fields = {"order_type": "market", "price": None, "quantity": None, "quote_quantity": "100"}
    return body(**(fields | changes))


_SOON = "2099-01-01T00:00:00Z"
CONTRADICTIONS: list[tuple[bytes, str, str | None]] = [
    *(
        (body(order_type=kind, post_only=True), "post_only_forbidden", "post_only")
        for kind in ("ioc", "fok")
    ),
    *(
        (body(time_in_force=time, post_only=True), "post_only_forbidden", "post_only")
        for time in ("ioc", "fok")
    ),
    (body(order_type="market", price=None, post_only=True), "post_only_forbidden", "post_only"),
    (stop_body(post_only=True), "post_only_forbidden", "post_only"),
    (
        stop_body(order_type="stop_limit", price="60000", post_only=True),
        "post_only_forbidden",
        "post_only",
    ),
    (stop_body(stop_price=None), "stop_price_required", "stop_price"),
    (body(order_type="stop_limit"), "stop_price_required", "stop_price"),
    (body(order_type="take_profit_limit"), "stop_price_required", "stop_price"),
    (stop_body(order_type="take_profit", price="60000"), "price_forbidden", "price"),
    (stop_body(price="60000"), "price_forbidden", "price"),
    (stop_body(order_type="stop_limit"), "price_required", "price"),
    *(
        (body(order_type=kind, stop_price="61000"), "stop_price_forbidden", "stop_price")
        for kind in ("limit", "ioc", "fok")
    ),
    (
        body(order_type="market", price=None, stop_price="61000"),
        "stop_price_forbidden",
        "stop_price",
    ),
    *(
        (
            body(order_type=kind, display_quantity="0.1"),
            "display_quantity_forbidden",
            "display_quantity",
        )
        for kind in ("ioc", "fok")
    ),
    *(
        (
            body(time_in_force=time, display_quantity="0.1"),
            "display_quantity_forbidden",
            "display_quantity",
        )
        for time in ("ioc", "fok")
    ),
    (
        body(order_type="market", price=None, display_quantity="0.1"),
        "display_quantity_forbidden",
        "display_quantity",
    ),
    (stop_body(display_quantity="0.1"), "display_quantity_forbidden", "display_quantity"),
    (body(time_in_force="gtd"), "expire_at_required", "expire_at"),
    (body(expire_at=_SOON), "expire_at_forbidden", "expire_at"),
    (body(order_type="ioc", expire_at=_SOON), "expire_at_forbidden", "expire_at"),
    (body(quote_quantity="100"), "quote_quantity_forbidden", "quote_quantity"),
    (body(quantity=None, quote_quantity="100"), "quote_quantity_forbidden", "quote_quantity"),
    (amount_body(quantity="1"), "quote_quantity_forbidden", "quote_quantity"),
    (stop_body(quantity=None, quote_quantity="100"), "quote_quantity_forbidden", "quote_quantity"),
    (amount_body(quote_quantity=None), "missing_field", "quantity"),
    *(
        (stop_body(time_in_force=time), "contradictory_time_in_force", "time_in_force")
        for time in ("ioc", "fok")
    ),
    (
        body(order_type="market", price=None, time_in_force="gtd", expire_at=_SOON),
        "contradictory_time_in_force",
        "time_in_force",
    ),
]

_NO_DECIMALS: tuple[object, ...] = (
    "", "-1", "+1", "1e3", "NaN", "inf", "0x1", " 1", "1,0", ".5", "1.", True, [],
)  # fmt: skip

REFUSED: list[tuple[bytes, str, str | None]] = [
    (b"{", "malformed_json", None),
    (b"[]", "invalid_body", None),
    (b'"order"', "invalid_body", None),
    (body(colour="red"), "unknown_field", "colour"),
    (body().replace(b"}", b', "side": "sell"}'), "duplicate_field", "side"),
    *((body(**{name: None}), "missing_field", name) for name in LIMIT_ORDER if name != "price"),
    (body(price=None), "price_required", "price"),
    (body(order_type="ioc", price=None), "price_required", "price"),
    (body(order_type="fok", price=None), "price_required", "price"),
    (body(order_type="market"), "price_forbidden", "price"),
    (body(symbol="DOGE-USDT"), "unknown_symbol", "symbol"),
    (body(symbol=""), "unknown_symbol", "symbol"),
    (body(symbol="btc-usdt"), "unknown_symbol", "symbol"),
    (body(symbol="\ud800"), "unknown_symbol", "symbol"),
    (body(symbol=5), "invalid_value", "symbol"),
    (body(side="BUY"), "invalid_value", "side"),
    (body(side=True), "invalid_value", "side"),
    (body(order_type="trailing"), "invalid_value", "order_type"),
    (body(time_in_force="day"), "invalid_value", "time_in_force"),
    (
        body(order_type="ioc", time_in_force="gtc"),
        "contradictory_time_in_force",
        "time_in_force",
    ),
    (
        body(order_type="fok", time_in_force="ioc"),
        "contradictory_time_in_force",
        "time_in_force",
    ),
    *(
        (body(order_type=kind, time_in_force=time), "contradictory_time_in_force", "time_in_force")
        for kind, time in (("ioc", "gtc"), ("fok", "ioc"), ("market", "gtc"), ("market", "fok"))
    ),
    *(
        (body(client_order_id=name), "invalid_value", "client_order_id")
        for name in ("", "a b", "a/b", "é", "a\n", "x" * 65, 7, True)
    ),
    *(
        (body(**{name: text}), "invalid_decimal", name)
        for name in ("price", "quantity")
        for text in _NO_DECIMALS
    ),
    *(
        (raw_body(name, number), "invalid_decimal", name)
        for name in ("price", "quantity")
        for number in ("-1", "-1e3", "1e9999", "-0", "NaN", "Infinity", "-Infinity")
    ),
    *(
        (raw_body(name, number), "too_many_digits", name)
        for name in ("price", "quantity")
        for number in ("9" * 400, "0." + "0" * 399 + "1")
    ),
    (body(price="9" * 400), "too_many_digits", "price"),
    (body(price="60000.001"), "off_tick", "price"),
    (raw_body("price", "60000.001"), "off_tick", "price"),
    (body(quantity="0.000001"), "off_lot", "quantity"),
    (body(price="0"), "out_of_range", "price"),
    (body(price="0.00"), "out_of_range", "price"),
    (body(price="900719.93"), "out_of_range", "price"),
    (body(price="999999999999999999"), "out_of_range", "price"),
    (body(quantity="0"), "out_of_range", "quantity"),
    (body(quantity="100.00001"), "out_of_range", "quantity"),
    (body(quantity="999999999999999999"), "out_of_range", "quantity"),
    (body(quantity="0.00001"), "notional_too_small", "quantity"),
    *(
        (body(**{name: "yes"}), "invalid_value", name)
        for name in ("post_only", "self_trade_prevention")
    ),
    (body(post_only=1), "invalid_value", "post_only"),
    *(
        (stop_body(stop_price=text), code, "stop_price")
        for text, code in (
            ("0", "out_of_range"), ("900719.93", "out_of_range"), ("1.001", "off_tick"),
            ("-1", "invalid_decimal"), ("9" * 400, "too_many_digits"),
        )
    ),
    *(
        (body(display_quantity=text), code, "display_quantity")
        for text, code in (
            ("0", "out_of_range"), ("0.5", "out_of_range"), ("0.6", "out_of_range"),
            ("0.000001", "off_lot"), ("1e1", "invalid_decimal"), ("9" * 400, "too_many_digits"),
        )
    ),
    *(
        (amount_body(quote_quantity=text), code, "quote_quantity")
        for text, code in (
            ("4.9999999", "notional_too_small"), ("0", "notional_too_small"),
            ("10.00000001", "off_amount_step"), ("90071992.5474100", "out_of_range"),
            ("ten", "invalid_decimal"), ("9" * 400, "too_many_digits"),
        )
    ),
    *(
        (body(time_in_force="gtd", expire_at=moment), code, "expire_at")
        for moment, code in (
            ("tomorrow", "invalid_value"), ("2099-01-01", "invalid_value"),
            ("2099-01-01T00:00:00", "invalid_value"), ("", "invalid_value"),
            ("2099-13-01T00:00:00Z", "invalid_value"), ("\ud800", "invalid_value"),
            ("x" * 41, "invalid_value"), (5, "invalid_value"),
            ("9999-12-31T23:59:59Z", "out_of_range"), ("1969-12-31T23:59:59Z", "out_of_range"),
            ("0001-01-01T00:00:00+23:59", "out_of_range"),
        )
    ),
    *CONTRADICTIONS,
]  # fmt: skip
