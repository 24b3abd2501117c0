"""The calls that place, read, amend and cancel orders, over the operations of the venue."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from order_gateway.binance.context import Context, SymbolNames
from order_gateway.binance.errors import (
    ORDER_REJECTED,
    BinanceError,
    cancel_rejected,
    error_of,
    invalid,
    missing,
    order_missing,
)
from order_gateway.binance.orders import client_id_of, order_id_of
from order_gateway.binance.placing import place_params, response_type
from order_gateway.catalogue import Catalogue
from order_gateway.operations import Operations
from order_gateway.order_entry import build_command, read_params
from order_gateway.params import OrderRequest
from order_gateway.replies import REPLAY_HEADERS, Reply
from order_gateway.schemas import CanceledReply, OrdersReply
from tapewire.errors import OrderNotFound, OutcomeUnknown, Refusal, Unavailable
from tapewire.limits import PAGE_ITEMS_MAX
from tapewire.values.decimals import parse_units
from tapewire.values.types import Account, Symbol
from tapewire.wire.orders import OrderReply

OPEN_ORDERS_PAGES_MAX = 40
"""Pages of open orders that one call reads: 20,000 orders."""

_DECIMALS = 20
_REPLACE_MODES = frozenset({"STOP_ON_FAILURE", "ALLOW_FAILURE"})


class OrderCalls:
    """Answers calls for orders. Every method raises BinanceError, Refusal or Unavailable."""

    def __init__(self, operations: Operations, catalogue: Catalogue, names: SymbolNames) -> None:
        self._operations = operations
        self._catalogue = catalogue
        self._names = names

    async def place(self, context: Context) -> dict[str, Any]:
        """`POST order`. A client order id that stands for an order already is refused."""
        response = response_type(context.fields)
        symbol = await self._names.named_in(context)
        params = place_params(context.fields, symbol)
        order = await self._placed(context.account, params)
        return self._names.shape(context).placed(order, response)

    async def test(self, context: Context) -> dict[str, Any]:
        """`POST order/test`: checks the parameters and places nothing."""
        response_type(context.fields)
        symbol = await self._names.named_in(context)
        request = read_params(OrderRequest, place_params(context.fields, symbol))
        build_command(request, context.account, await self._catalogue.find(symbol))
        return {}

    async def read(self, context: Context) -> dict[str, Any]:
        """`GET order`."""
        return self._names.shape(context).read(await self._found(context))

    async def cancel(self, context: Context) -> dict[str, Any]:
        """`DELETE order`: both ids, if both are sent, must name the order."""
        cancel_id = context.fields.client_id("newClientOrderId")
        canceled = await self._canceled(context, "orderId", "origClientOrderId")
        return self._names.shape(context).canceled(canceled, cancel_id)

    async def cancel_all(self, context: Context) -> list[dict[str, Any]]:
        """`DELETE openOrders`: all of a symbol; without one it is refused as unknown."""
        symbol = await self._names.named_in(context)
        reply = await self._run("cancel_all", context.account, {"symbol": symbol})
        ids = cast("CanceledReply", reply.answer).canceled
        if not ids:
            raise cancel_rejected()
        shape = self._names.shape(context)
        try:
            orders = [await self._order(context.account, {"order_id": item}) for item in ids]
        except Unavailable as error:
            raise OutcomeUnknown(f"The orders were canceled, but not read: {error}") from None
        return [shape.canceled(order, None) for order in orders]

    async def open_orders(self, context: Context) -> list[dict[str, Any]]:
        """`GET openOrders`: of one symbol or of all, oldest first."""
        symbol = await self._names.optional_in(context)
        shape = self._names.shape(context)
        orders = await self._open(context.account, symbol)
        return [shape.read(order) for order in reversed(orders)]

    async def amend(self, context: Context) -> dict[str, Any]:
        """`PUT order/amend/keepPriority`: a smaller quantity, so that the order keeps its place."""
        wanted = context.fields.decimal("newQty")
        if wanted is None:
            raise missing("newQty")
        amend_id = context.fields.client_id("newClientOrderId")
        order = await self._found(context)
        units, now_units = (
            parse_units(text, _DECIMALS, "newQty") for text in (wanted, order.quantity)
        )
        if units is None or now_units is None or units >= now_units:
            raise BinanceError(-2038, "Order amend (quantity increase) is not supported.")
        params = {"order_id": order.order_id, "quantity": wanted}
        reply = await self._run("amend", context.account, params)
        return self._names.shape(context).amended(cast("OrderReply", reply.answer), amend_id)

    async def replace(self, context: Context) -> dict[str, Any]:
        """`POST order/cancelReplace`: cancel one order, then place another.

        A failure of one of both is 409 with code -2021, of all 400 with -2022.
        """
        mode = context.fields.required("cancelReplaceMode")
        if mode not in _REPLACE_MODES:
            raise invalid("cancelReplaceMode")
        response = response_type(context.fields)
        symbol = await self._names.named_in(context)
        params = place_params(context.fields, symbol)
        shape = self._names.shape(context)
        outcome: dict[str, Any] = {
            "cancelResult": "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": None,
            "newOrderResponse": None,
        }
        try:
            cancel_id = context.fields.client_id("cancelNewClientOrderId")
            canceled = await self._canceled(context, "cancelOrderId", "cancelOrigClientOrderId")
            outcome["cancelResult"] = "SUCCESS"
            outcome["cancelResponse"] = shape.canceled(canceled, cancel_id)
        except (BinanceError, Refusal, Unavailable) as error:
            outcome["cancelResponse"] = _as_error(error).body
            if mode == "STOP_ON_FAILURE":
                raise _replace_failed(outcome) from None
        try:
            order = await self._placed(context.account, params)
            outcome["newOrderResult"] = "SUCCESS"
            outcome["newOrderResponse"] = shape.placed(order, response)
        except (BinanceError, Refusal, Unavailable) as error:
            outcome["newOrderResult"] = "FAILURE"
            outcome["newOrderResponse"] = _as_error(error).body
        if outcome["cancelResult"] != "SUCCESS" or outcome["newOrderResult"] != "SUCCESS":
            raise _replace_failed(outcome)
        return outcome

    async def _placed(self, account: Account, params: Mapping[str, Any]) -> OrderReply:
        reply = await self._run("place", account, params)
        if reply.headers == REPLAY_HEADERS:
            raise BinanceError(ORDER_REJECTED, "Duplicate order sent.")
        return cast("OrderReply", reply.answer)

    async def _canceled(self, context: Context, id_name: str, client_id_name: str) -> OrderReply:
        """Cancel the order that is named. Raises BinanceError (-2011) without an open one."""
        try:
            order = await self._found(context, id_name, client_id_name)
            reply = await self._run("cancel", context.account, {"order_id": order.order_id})
        except OrderNotFound:
            raise cancel_rejected() from None
        except BinanceError as error:
            raise cancel_rejected() if error.code == order_missing().code else error from None
        return cast("OrderReply", reply.answer)

    async def _found(
        self, context: Context, id_name: str = "orderId", client_id_name: str = "origClientOrderId"
    ) -> OrderReply:
        """The order of the named symbol and ids. Raises BinanceError, Unavailable."""
        symbol = await self._names.named_in(context)
        number = context.fields.whole(id_name)
        client_id = context.fields.optional(client_id_name)
        if number is None and client_id is None:
            raise BinanceError(
                -1128,
                "Combination of optional parameters invalid. Recommendation: "
                f"'{id_name}' and/or '{client_id_name}' must be sent.",
            )
        try:
            if number is not None:
                order = await self._order(context.account, {"order_id": str(number)})
            else:
                order = await self._by_client_id(context.account, str(client_id))
        except Refusal:
            raise order_missing() from None
        if order.symbol != symbol or client_id not in {None, client_id_of(order)}:
            raise order_missing()
        return order

    async def _by_client_id(self, account: Account, client_id: str) -> OrderReply:
        """By the id that the client gave, or by the one that the surface made for it."""
        try:
            return await self._order(account, {"client_order_id": client_id})
        except Refusal:
            made = order_id_of(client_id)
            if made is None:
                raise
            return await self._order(account, {"order_id": made})

    async def _order(self, account: Account, key: Mapping[str, str]) -> OrderReply:
        return cast("OrderReply", (await self._run("order", account, key)).answer)

    async def _open(self, account: Account, symbol: Symbol | None) -> list[OrderReply]:
        """Open orders, newest first."""
        params: dict[str, Any] = {"limit": str(PAGE_ITEMS_MAX)}
        if symbol is not None:
            params["symbol"] = symbol
        found: list[OrderReply] = []
        for _ in range(OPEN_ORDERS_PAGES_MAX):
            reply = await self._run("open_orders", account, params)
            page = cast("OrdersReply", reply.answer)
            found += page.orders
            if page.next_cursor is None:
                break
            params["cursor"] = page.next_cursor
        return found

    async def _run(self, operation: str, account: Account, params: Mapping[str, Any]) -> Reply:
        return await self._operations.run(operation, account, params)


def _as_error(error: BinanceError | Refusal | Unavailable) -> BinanceError:
    return error if isinstance(error, BinanceError) else error_of(error, is_order=True)


def _replace_failed(outcome: dict[str, Any]) -> BinanceError:
    """Partly done, or nothing done."""
    if "SUCCESS" in {outcome["cancelResult"], outcome["newOrderResult"]}:
        return BinanceError(
            -2021, "Order cancel-replace partially failed.", HTTPStatus.CONFLICT, data=outcome
        )
    return BinanceError(-2022, "Order cancel-replace failed.", data=outcome)
