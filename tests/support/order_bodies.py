"""Bodies of orders, good and bad; the bad ones with the code and the field of their refusal."""

import json
from typing import Any

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


def raw_body(name: str, number: str) -> bytes:
    """A good limit order in which one field is this JSON number, written as it is."""
    return body(**{name: "@"}).replace(b'"@"', number.encode())


_NO_DECIMALS: tuple[object, ...] = (
    "", "-1", "+1", "1e3", "NaN", "inf", "0x1", " 1", "1,0", ".5", "1.", True, [],
)  # fmt: skip

REFUSED: list[tuple[bytes, str, str | None]] = [
    (b"{", "malformed_json", None),
    (b"[]", "invalid_body", None),
    (b'"order"', "invalid_body", None),
    (body(colour="red"), "unknown_field", "colour"),
    (body(post_only=False), "unknown_field", "post_only"),
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
    (body(order_type="stop"), "invalid_value", "order_type"),
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
        for number in ("-1", "1e3", "1E-1", "-0", "NaN", "Infinity", "-Infinity")
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
    (body(price="9007199.26"), "out_of_range", "price"),
    (body(price="999999999999999999"), "out_of_range", "price"),
    (body(quantity="0"), "out_of_range", "quantity"),
    (body(quantity="100.00001"), "out_of_range", "quantity"),
    (body(quantity="999999999999999999"), "out_of_range", "quantity"),
    (body(quantity="0.00001"), "notional_too_small", "quantity"),
]
