"""Orders and fills of the venue, as Binance clients read them. Pure.

Decimals are text on both sides, so nothing is rounded. Field by field: docs/binance.md.
"""

from typing import Any

from tapewire.binance.symbols import BinanceSymbols
from tapewire.values.decimals import format_units
from tapewire.values.timestamps import parse_timestamp
from tapewire.values.types import Liquidity, OrderType, Side
from tapewire.wire.orders import AccountFillReply, FillReply, OrderReply

NO_LIST = -1
MADE_PREFIX = "tw-"
"""Prefix of the client order id that the surface shows for an order without one."""

CANCEL_PREFIX = "cancel-"
NO_PRICE = "0.00"

_EXPIRY_REASONS = {
    "immediate_or_cancel": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "fill_or_kill": "UNFILLED_FOK_ORDER_EXPIRED",
    "insufficient_liquidity": "INSUFFICIENT_LIQUIDITY",
    "kill": "EXCHANGE_CANCELED",
}
_TYPES = {
    OrderType.LIMIT: "LIMIT", OrderType.IOC: "LIMIT", OrderType.FOK: "LIMIT",
    OrderType.MARKET: "MARKET", OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT", OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}  # fmt: skip
_PRICELESS = frozenset({OrderType.MARKET, OrderType.STOP, OrderType.TAKE_PROFIT})
_STATUSES = {
    "new": "NEW", "partially_filled": "PARTIALLY_FILLED", "filled": "FILLED",
    "canceled": "CANCELED", "expired": "EXPIRED",
}  # fmt: skip


class OrderShape:
    """Writes orders and fills of the venue as Binance's, with its names and its unit of time."""

    __slots__ = ("_names", "us_per_unit")

    def __init__(self, symbols: BinanceSymbols, us_per_unit: int) -> None:
        """`us_per_unit`: 1,000 for milliseconds, 1 for microseconds."""
        self._names = symbols.shown
        self.us_per_unit = us_per_unit

    def moment(self, timestamp: str) -> int:
        """A time of the venue as a number."""
        return parse_timestamp(timestamp) // self.us_per_unit

    def symbol(self, symbol: str) -> str:
        """The name of a symbol."""
        return self._names[symbol]

    def placed(self, order: OrderReply, response: str) -> dict[str, Any]:
        """The answer to a placed order, of the form ACK, RESULT or FULL."""
        answer: dict[str, Any] = {
            "symbol": self._names[order.symbol],
            "orderId": int(order.order_id),
            "orderListId": _list_id(order),
            "clientOrderId": client_id_of(order),
            "transactTime": self.moment(order.updated_timestamp),
        }
        if response == "ACK":
            return answer
        answer |= self._result(order)
        if response == "FULL":
            answer["fills"] = [fill_of(fill) for fill in order.fills]
        return answer

    def canceled(self, order: OrderReply) -> dict[str, Any]:
        """The answer to a cancel; a cancel without an id of its own gets a new id."""
        return {
            "symbol": self._names[order.symbol],
            "origClientOrderId": client_id_of(order),
            "orderId": int(order.order_id),
            "orderListId": _list_id(order),
            "clientOrderId": order.cancel_id or f"{CANCEL_PREFIX}{order.order_id}",
            "transactTime": self.moment(order.updated_timestamp),
            **self._result(order),
        }

    def read(self, order: OrderReply) -> dict[str, Any]:
        """An order as lists and `GET order` show it."""
        answer: dict[str, Any] = {
            "symbol": self._names[order.symbol],
            "orderId": int(order.order_id),
            "orderListId": _list_id(order),
            "clientOrderId": client_id_of(order),
            **self._result(order),
            "time": self.moment(order.timestamp),
            "updateTime": self.moment(order.updated_timestamp),
            "isWorking": is_working(order),
        }
        answer.setdefault("stopPrice", NO_PRICE)
        answer.setdefault("icebergQty", NO_PRICE)
        return answer

    def amended(self, order: OrderReply, amend_id: str | None) -> dict[str, Any]:
        """The answer to an amendment that keeps the priority."""
        result = self._result(order)
        return {
            "transactTime": self.moment(order.updated_timestamp),
            "executionId": int(order.order_id),
            "amendedOrder": {
                "symbol": self._names[order.symbol],
                "orderId": int(order.order_id),
                "orderListId": _list_id(order),
                "origClientOrderId": client_id_of(order),
                "clientOrderId": amend_id or client_id_of(order),
                "price": result["price"],
                "qty": result["origQty"],
                "executedQty": result["executedQty"],
                "preventedQty": order.prevented_quantity,
                "quoteOrderQty": result["origQuoteOrderQty"],
                "cumulativeQuoteQty": result["cummulativeQuoteQty"],
                "status": result["status"],
                "timeInForce": result["timeInForce"],
                "type": result["type"],
                "side": result["side"],
                "workingTime": result["workingTime"],
                "selfTradePreventionMode": result["selfTradePreventionMode"],
            },
        }

    def trade(self, fill: AccountFillReply) -> dict[str, Any]:
        """A fill as `myTrades` shows it."""
        return {
            "symbol": self._names[fill.symbol],
            "id": fill.seq,
            "orderId": int(fill.order_id),
            "orderListId": NO_LIST,
            "price": fill.price,
            "qty": fill.quantity,
            "quoteQty": product(fill.price, fill.quantity),
            "commission": fill.fee,
            "commissionAsset": fill.fee_asset,
            "time": self.moment(fill.timestamp),
            "isBuyer": fill.side is Side.BUY,
            "isMaker": fill.liquidity is Liquidity.MAKER,
            "isBestMatch": True,
        }

    def _result(self, order: OrderReply) -> dict[str, Any]:
        """The fields that RESULT has and ACK has not."""
        result = {
            "price": order.price or NO_PRICE,
            "origQty": order.quantity,
            "executedQty": order.executed_quantity,
            "origQuoteOrderQty": order.quote_quantity or NO_PRICE,
            "cummulativeQuoteQty": order.cumulative_quote_quantity,
            "status": status_of(order.status, order.reason),
            "timeInForce": time_in_force_of(order.order_type, order.time_in_force),
            "type": type_of(order.order_type, post_only=order.post_only),
            "side": order.side.upper(),
            "workingTime": self._working_time(order),
            "selfTradePreventionMode": order.self_trade_prevention.upper(),
        }
        if order.stop_price is not None:
            result["stopPrice"] = order.stop_price
        if order.display_quantity is not None:
            result["icebergQty"] = order.display_quantity
        if order.reason == "self_trade" or order.prevented_quantity.strip("0."):
            result["preventedQuantity"] = order.prevented_quantity
        if order.reason in _EXPIRY_REASONS:
            result["expiryReason"] = _EXPIRY_REASONS[order.reason]
        return result

    def _working_time(self, order: OrderReply) -> int:
        if not is_working(order):
            return -1
        return self.moment(order.triggered_timestamp or order.timestamp)


def _list_id(order: OrderReply) -> int:
    return NO_LIST if order.list_id is None else int(order.list_id)


def client_id_of(order: OrderReply) -> str:
    """The client's id of an order, or an id made from the order id."""
    return order.client_order_id or f"{MADE_PREFIX}{order.order_id}"


def order_id_of(client_id: str) -> str | None:
    """The order id in an id that the surface made; None for another id."""
    digits = client_id.removeprefix(MADE_PREFIX)
    is_made = digits != client_id and digits.isascii() and digits.isdigit() and digits[0] != "0"
    return digits if is_made else None


def is_working(order: OrderReply) -> bool:
    """Whether the order was ever in the book: a stop waits outside until a trade fires it."""
    return order.stop_price is None or order.triggered_timestamp is not None


def fill_of(fill: FillReply) -> dict[str, Any]:
    """One fill of a FULL answer."""
    return {
        "price": fill.price,
        "qty": fill.quantity,
        "commission": fill.fee,
        "commissionAsset": fill.fee_asset,
        "tradeId": fill.seq,
    }


def status_of(status: str, reason: str | None) -> str:
    """A status as Binance names it."""
    if reason == "self_trade":
        return "EXPIRED_IN_MATCH"
    return "EXPIRED" if reason == "kill" else _STATUSES[status]


def expiry_reason_of(reason: str | None) -> str | None:
    """The reason of an expiry, where Binance has a name for it."""
    return _EXPIRY_REASONS.get(reason or "")


def type_of(order_type: OrderType, *, post_only: bool) -> str:
    """An order type as Binance names it."""
    return "LIMIT_MAKER" if post_only else _TYPES[order_type]


def time_in_force_of(order_type: OrderType, time_in_force: str) -> str:
    """A time in force as Binance shows it; `gtd` and that of market orders show as GTC."""
    if order_type in _PRICELESS or time_in_force == "gtd":
        return "GTC"
    return time_in_force.upper()


def product(price: str, quantity: str) -> str:
    """Two decimals multiplied, exactly."""
    whole, _, fraction = price.partition(".")
    other, _, other_fraction = quantity.partition(".")
    units = int(whole + fraction) * int(other + other_fraction)
    return format_units(units, len(fraction) + len(other_fraction))
