"""Order lists: from the parameters of `orderList/oco` to an operation, and answers back. Pure.

Of the two orders of a list one is at the better price (a limit order or a take-profit), the other
at the worse one (a stop). Binance names them by their prices: above and below the market.
"""

from collections.abc import Mapping
from typing import Any

from order_gateway.binance.errors import BinanceError, missing, not_required
from order_gateway.binance.fields import Fields
from order_gateway.binance.new_orders import PREVENTIONS
from order_gateway.binance.orders import OrderShape, client_id_of
from order_gateway.schemas import OrderListReply

MADE_PREFIX = "list-"
"""Prefix of the list client order id that is shown for a list without one."""

_PROFITS: Mapping[str, str] = {
    "LIMIT_MAKER": "limit",
    "TAKE_PROFIT": "take_profit",
    "TAKE_PROFIT_LIMIT": "take_profit_limit",
}
_STOPS: Mapping[str, str] = {"STOP_LOSS": "stop", "STOP_LOSS_LIMIT": "stop_limit"}
_TIMED = frozenset({"TAKE_PROFIT_LIMIT", "STOP_LOSS_LIMIT"})
_TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK"})
_UNSUPPORTED = (
    "aboveTrailingDelta",
    "belowTrailingDelta",
    "abovePegPriceType",
    "belowPegPriceType",
)


def list_params(fields: Fields, symbol: str) -> dict[str, Any]:
    """The fields of the operation `place_list`. Raises BinanceError."""
    client_id = fields.client_id("listClientOrderId")
    side = fields.required("side")
    if side not in {"BUY", "SELL"}:
        raise BinanceError(-1117, "Invalid side.")
    for name in _UNSUPPORTED:
        if name in fields:
            raise not_required(name)
    quantity = fields.decimal("quantity")
    if quantity is None:
        raise missing("quantity")
    better, worse = ("above", "below") if side == "SELL" else ("below", "above")
    params: dict[str, Any] = {
        "symbol": symbol,
        "side": side.lower(),
        "quantity": quantity,
        "profit": _leg(fields, better, _PROFITS),
        "stop": _leg(fields, worse, _STOPS),
        "reuse_client_order_id": True,
    }
    prevention = fields.choice("selfTradePreventionMode", PREVENTIONS)
    if prevention is not None:
        params["self_trade_prevention"] = prevention.lower()
    if client_id is not None:
        params["client_list_id"] = client_id
    return params


def _leg(fields: Fields, where: str, types: Mapping[str, str]) -> dict[str, Any]:
    """One order of a list; its parameters begin with `above` or `below`."""
    kind = fields.required(f"{where}Type")
    if kind not in types:
        raise BinanceError(-1116, "Invalid orderType.")
    leg: dict[str, Any] = {"order_type": types[kind]}
    text = fields.optional(f"{where}TimeInForce")
    if kind in _TIMED:
        if text is None:
            raise missing(f"{where}TimeInForce")
        if text not in _TIMES_IN_FORCE:
            raise BinanceError(-1115, "Invalid timeInForce.")
        leg["time_in_force"] = text.lower()
    for field, name, is_needed in (
        ("price", "Price", kind == "LIMIT_MAKER" or kind in _TIMED),
        ("stop_price", "StopPrice", kind != "LIMIT_MAKER"),
    ):
        value = fields.decimal(where + name)
        if is_needed and value is None:
            raise missing(where + name)
        if value is not None:
            leg[field] = value
    display = fields.decimal(f"{where}IcebergQty")
    if display is not None:
        leg["display_quantity"] = display
    client_id = fields.client_id(f"{where}ClientOrderId")
    if client_id is not None:
        leg["client_order_id"] = client_id
    return leg


def list_answer(
    found: OrderListReply, shape: OrderShape, *, response: str | None
) -> dict[str, Any]:
    """A list; with a `response` type its orders are reported as answers to new orders are."""
    is_open = found.status == "open"
    symbol = shape.symbol(found.symbol)
    answer: dict[str, Any] = {
        "orderListId": int(found.list_id),
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED" if is_open else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if is_open else "ALL_DONE",
        "listClientOrderId": found.client_list_id or f"{MADE_PREFIX}{found.list_id}",
        "transactionTime": max(shape.moment(order.updated_timestamp) for order in found.orders),
        "symbol": symbol,
        "orders": [
            {
                "symbol": symbol,
                "orderId": int(order.order_id),
                "clientOrderId": client_id_of(order),
            }
            for order in found.orders
        ],
    }
    if response is not None:
        answer["orderReports"] = [shape.placed(order, response) for order in found.orders]
    return answer


def list_id_of(client_id: str) -> str | None:
    """The number in a list client order id that was made; None if it was not."""
    digits = client_id.removeprefix(MADE_PREFIX)
    is_made = digits != client_id and digits.isascii() and digits.isdigit()
    return digits if is_made else None
