"""From the parameters of a new order to the fields of the operation `place`. Pure.

Contradictions that have texts of Binance are refused here, all others by the operation.
"""

from collections.abc import Mapping
from typing import Any

from order_gateway.binance.errors import BinanceError, missing, not_required
from order_gateway.binance.fields import Fields
from tapewire.values.types import SelfTradePrevention

_TYPES: Mapping[str, dict[str, Any]] = {
    "LIMIT": {"order_type": "limit"},
    "LIMIT_MAKER": {"order_type": "limit", "post_only": True},
    "MARKET": {"order_type": "market"},
    "STOP_LOSS": {"order_type": "stop"},
    "STOP_LOSS_LIMIT": {"order_type": "stop_limit"},
    "TAKE_PROFIT": {"order_type": "take_profit"},
    "TAKE_PROFIT_LIMIT": {"order_type": "take_profit_limit"},
}
ORDER_TYPES = tuple(_TYPES)
_TIMED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_PRICED = _TIMED | {"LIMIT_MAKER"}
_STOPPED = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
_TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK"})
PREVENTIONS = tuple(mode.upper() for mode in SelfTradePrevention)
# These parameters change the meaning of an order, so they are refused instead of ignored.
_UNSUPPORTED = ("trailingDelta", "pegPriceType", "pegOffsetValue", "pegOffsetType")
RESPONSES = frozenset({"ACK", "RESULT", "FULL"})
_FULL_BY_DEFAULT = frozenset({"LIMIT", "MARKET"})


def place_params(fields: Fields, symbol: str) -> dict[str, Any]:
    """The fields of the operation `place`. Raises BinanceError."""
    side, kind = fields.required("side"), fields.required("type")
    if side not in {"BUY", "SELL"}:
        raise BinanceError(-1117, "Invalid side.")
    if kind not in _TYPES:
        raise BinanceError(-1116, "Invalid orderType.")
    for name in _UNSUPPORTED:
        if name in fields:
            raise not_required(name)
    params: dict[str, Any] = {"symbol": symbol, "side": side.lower(), **_TYPES[kind]}
    _add_amounts(params, fields, kind)
    _add_time_in_force(params, fields, kind)
    _add_price(params, fields, "price", "price", is_needed=kind in _PRICED)
    _add_price(params, fields, "stop_price", "stopPrice", is_needed=kind in _STOPPED)
    display = fields.decimal("icebergQty")
    if display is not None:
        params["display_quantity"] = display
    client_id = fields.client_id("newClientOrderId")
    if client_id is not None:
        params |= {"client_order_id": client_id, "reuse_client_order_id": True}
    prevention = fields.choice("selfTradePreventionMode", PREVENTIONS)
    if prevention is not None:
        params["self_trade_prevention"] = prevention.lower()
    return params


def _add_price(
    params: dict[str, Any], fields: Fields, field: str, name: str, *, is_needed: bool
) -> None:
    """Add a price that the type of the order needs; refuse one that the type does not have."""
    text = fields.decimal(name)
    if text is None and is_needed:
        raise missing(name)
    if text is not None:
        if not is_needed:
            raise not_required(name)
        params[field] = text


def _add_amounts(params: dict[str, Any], fields: Fields, kind: str) -> None:
    quantity, quote = fields.decimal("quantity"), fields.decimal("quoteOrderQty")
    if quote is None:
        if quantity is None:
            raise missing("quantity")
        params["quantity"] = quantity
        return
    if kind != "MARKET" or quantity is not None:
        raise not_required("quoteOrderQty")
    params["quote_quantity"] = quote


def _add_time_in_force(params: dict[str, Any], fields: Fields, kind: str) -> None:
    text = fields.optional("timeInForce")
    if kind in _TIMED:
        if text is None:
            raise missing("timeInForce")
        if text not in _TIMES_IN_FORCE:
            raise BinanceError(-1115, "Invalid timeInForce.")
        params["time_in_force"] = text.lower()
    elif text is not None and not (kind == "LIMIT_MAKER" and text == "GTC"):
        raise not_required("timeInForce")


def response_type(fields: Fields) -> str:
    """ACK, RESULT or FULL: as requested, or by the type of the order. Raises BinanceError."""
    by_type = "FULL" if fields.optional("type") in _FULL_BY_DEFAULT else "ACK"
    return fields.choice("newOrderRespType", RESPONSES) or by_type
