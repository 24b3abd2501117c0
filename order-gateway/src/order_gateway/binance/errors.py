"""Errors as Binance clients know them: a status, a code, and a text that clients compare.

Codes and texts are those of the Binance Spot API, because clients map texts to exceptions.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tapewire.errors import OutcomeUnknown, RateLimited, Refusal, Unavailable

DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
NOT_FOUND, CANCEL_REJECTED, ORDER_REJECTED, FILTERED = -2013, -2011, -2010, -1013
MAX_PRECISION, ILLEGAL, MISSING, NOT_REQUIRED = -1111, -1100, -1102, -1106
OVERLOADED, TIMEOUT, UNKNOWN = -1008, -1007, -1000

_INSUFFICIENT = "Account has insufficient balance for requested action."
_UNDONE = "Unknown order sent."
_CLOSED = "Market is closed."
# The name of each native field at Binance.
_NAMES = {
    "quantity": "quantity", "price": "price", "stop_price": "stopPrice", "symbol": "symbol",
    "quote_quantity": "quoteOrderQty", "display_quantity": "icebergQty", "side": "side",
    "client_order_id": "newClientOrderId", "time_in_force": "timeInForce", "order_type": "type",
    "self_trade_prevention": "selfTradePreventionMode", "order_id": "orderId",
}  # fmt: skip
_PRICES = frozenset({"price", "stop_price"})
_REJECTED = {
    "insufficient_funds": _INSUFFICIENT,
    "balance_limit": _INSUFFICIENT,
    "post_only_would_take": "Order would immediately match and take.",
    "stop_would_trigger": "Order would trigger immediately.",
    "duplicate_client_order_id": "Duplicate order sent.",
    "account_blocked": "This account may not place or cancel orders.",
    "market_halted": _CLOSED,
    "market_cancel_only": _CLOSED,
    "market_post_only": _CLOSED,
    "market_auction": _CLOSED,
    "order_in_list": "This order belongs to an order list; cancel the list.",
    "open_orders_limit": "Filter failure: MAX_NUM_ORDERS",
    "position_limit": "Filter failure: MAX_POSITION",
    "order_size_limit": "Filter failure: MAX_POSITION",
    "order_notional_limit": "Filter failure: MAX_POSITION",
}
_FILTERS = {
    "off_tick": "PRICE_FILTER", "off_lot": "LOT_SIZE", "notional_too_small": "NOTIONAL",
    "price_out_of_band": "PERCENT_PRICE_BY_SIDE",
}  # fmt: skip
_BUSY = "Server is currently overloaded with other requests. Please try again in a few minutes."


class BinanceError(Exception):
    """An error answer of the surface; `data` is a member beside `code` and `msg`."""

    def __init__(
        self,
        code: int,
        text: str,
        status: int = 400,
        *,
        headers: Mapping[str, str] | None = None,
        data: object = None,
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.data = data

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        body: dict[str, Any] = {"code": self.code, "msg": self.text}
        if self.data is not None:
            body["data"] = self.data
        return body


def missing(name: str) -> BinanceError:
    """A required parameter is missing or empty."""
    return BinanceError(
        MISSING, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def not_required(name: str) -> BinanceError:
    """A parameter contradicts the others."""
    return BinanceError(NOT_REQUIRED, f"Parameter '{name}' sent when not required.")


def invalid(name: str) -> BinanceError:
    """A parameter has a value that is not allowed."""
    return BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")


def illegal(name: str, legal_range: str) -> BinanceError:
    """A value has characters that its parameter cannot have."""
    return BinanceError(
        ILLEGAL, f"Illegal characters found in parameter '{name}'; legal range is '{legal_range}'."
    )


def invalid_symbol() -> BinanceError:
    """No instrument has this name."""
    return BinanceError(-1121, "Invalid symbol.")


def key_missing() -> BinanceError:
    """A signed call has no key, or a text that cannot be a key."""
    return BinanceError(-2014, "API-key format invalid.", 401)


def key_refused() -> BinanceError:
    """The key is invalid or lacks the permission; the error does not say which."""
    return BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def order_missing() -> BinanceError:
    """A read of an order that does not exist in the account."""
    return BinanceError(NOT_FOUND, "Order does not exist.")


def cancel_rejected() -> BinanceError:
    """A cancel of an order that is not open."""
    return BinanceError(CANCEL_REJECTED, _UNDONE)


def error_of(error: Refusal | Unavailable, *, is_order: bool = False) -> BinanceError:
    """A refusal of the venue in Binance's words. `is_order`: the call places an order."""
    if isinstance(error, RateLimited):
        return _too_many(error, is_order=is_order)
    if isinstance(error, Unavailable):
        return _unavailable(error)
    if error.code in _REJECTED:
        return BinanceError(ORDER_REJECTED, _REJECTED[error.code])
    field = error.field or ""
    if error.code in _FILTERS or error.code == "out_of_range":
        name = _FILTERS.get(error.code) or _bound_filter(field)
        return BinanceError(FILTERED, f"Filter failure: {name}")
    make = _MAKERS.get(error.code)
    return _of_form(error.code, _NAMES.get(field, field)) if make is None else make()


def _unavailable(error: Unavailable) -> BinanceError:
    """The error 503: the outcome of the order is not known, or nothing was done."""
    if isinstance(error, OutcomeUnknown):
        return BinanceError(
            TIMEOUT,
            "Timeout waiting for response from backend server. Send status unknown; "
            "execution status unknown.",
            503,
        )
    return BinanceError(OVERLOADED, _BUSY, 503, headers={"Retry-After": "1"})


def _of_form(code: str, name: str) -> BinanceError:
    """The error of an invalid request."""
    if code == "invalid_decimal":
        return illegal(name, DECIMAL_RANGE)
    if code in {"too_many_digits", "off_amount_step"}:
        return BinanceError(MAX_PRECISION, f"Parameter '{name}' has too much precision.")
    if code.endswith("_forbidden"):
        return not_required(name)
    if code in {"missing_field", "price_required", "stop_price_required"}:
        return missing(name)
    return invalid(name or "request")


# Refusals whose error names no parameter.
_MAKERS: Mapping[str, Callable[[], BinanceError]] = {
    "unknown_symbol": invalid_symbol,
    "order_not_found": order_missing,
    "order_closed": cancel_rejected,
    "contradictory_time_in_force": lambda: BinanceError(-1115, "Invalid timeInForce."),
}


def _bound_filter(field: str) -> str:
    if field in _PRICES:
        return "PRICE_FILTER"
    return "NOTIONAL" if field == "quote_quantity" else "LOT_SIZE"


def _too_many(error: RateLimited, *, is_order: bool) -> BinanceError:
    headers = {"Retry-After": (error.headers or {}).get("Retry-After", "1")}
    if is_order:
        return BinanceError(-1015, "Too many new orders.", 429, headers=headers)
    return too_much_weight(headers["Retry-After"])


def too_much_weight(retry_after_s: str) -> BinanceError:
    """429: the requests of the client's address weigh too much."""
    return BinanceError(
        -1003,
        "Too much request weight used; please use WebSocket Streams for live updates to avoid "
        "polling the API.",
        429,
        headers={"Retry-After": retry_after_s},
    )


def banned(until_ms: int, wait_s: float) -> BinanceError:
    """The error 418: the address sent more requests after 429."""
    return BinanceError(
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. Please use WebSocket "
        "Streams for live updates to avoid bans.",
        418,
        headers={"Retry-After": str(math.ceil(wait_s))},
    )
