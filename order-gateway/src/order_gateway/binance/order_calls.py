"""The calls that place, read, amend and cancel orders, over the operations of the venue."""

from collections.abc import Mapping
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
from order_gateway.binance.new_orders import place_params, response_type
from order_gateway.binance.orders import client_id_of, order_id_of
from order_gateway.binance.replacements import Outcome, error_of_problem
from order_gateway.catalogue import Catalogue
from order_gateway.operations import Operations
from order_gateway.order_entry import build_command, read_params
from order_gateway.params import OrderRequest
from order_gateway.replies import REPLAY_HEADERS, Reply
from order_gateway.schemas import CanceledReply, OrdersReply, PartResult, ReplaceReply
from tapewire.errors import OrderNotFound, OutcomeUnknown, Refusal, Unavailable
from tapewire.limits import PAGE_ITEMS_MAX
from tapewire.values.decimals import parse_units
from tapewire.values.types import Account, Symbol
from tapewire.web.problem import Problem
from tapewire.wire.orders import OrderReply

OPEN_ORDERS_PAGES_MAX = 40
"""Pages of open orders that one call reads: 20,000 orders."""

_DECIMALS = 20
_ALLOW_FAILURE = "ALLOW_FAILURE"
_REPLACE_MODES = frozenset({"STOP_ON_FAILURE", _ALLOW_FAILURE})


class OrderCalls:
    """Answers calls for orders. Every method raises BinanceError, Refusal or Unavailable."""

    def __init__(self, operations: Operations, catalogue: Catalogue, names: SymbolNames) -> None:
        self._operations = operations
        self._catalogue = catalogue
        self._names = names

    async def place(self, context: Context) -> dict[str, Any]:
        """`POST order`. A client order id that is already in use is refused."""
        response = response_type(context.fields)
        symbol = await self._names.named_in(context)
        params = place_params(context.fields, symbol)
        order = await self._placed(context.account, params)
        return self._names.shape(context).placed(order, response)

    async def test(self, context: Context) -> dict[str, Any]:
        """`POST order/test`: checks the parameters, places no order."""
        response_type(context.fields)
        symbol = await self._names.named_in(context)
        request = read_params(OrderRequest, place_params(context.fields, symbol))
        build_command(request, context.account, await self._catalogue.find(symbol))
        return {}

    async def read(self, context: Context) -> dict[str, Any]:
        """`GET order`."""
        return self._names.shape(context).read(await self._found(context))

    async def cancel(self, context: Context) -> dict[str, Any]:
        """`DELETE order`: if both ids are sent, both must name the order."""
        return self._names.shape(context).canceled(await self._canceled(context))

    async def cancel_all(self, context: Context) -> list[dict[str, Any]]:
        """`DELETE openOrders`: all orders of a symbol; without open orders -2011."""
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
        return [shape.canceled(order) for order in orders]

    async def open_orders(self, context: Context) -> list[dict[str, Any]]:
        """`GET openOrders`: of one symbol or of all, oldest first."""
        symbol = await self._names.optional_in(context)
        shape = self._names.shape(context)
        orders = await self._open(context.account, symbol)
        return [shape.read(order) for order in reversed(orders)]

    async def amend(self, context: Context) -> dict[str, Any]:
        """`PUT order/amend/keepPriority`:

        a smaller quantity, so that the order keeps its priority.
        """
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
        """`POST order/cancelReplace`: cancel one order and place another, in one atomic step.

        The failure of one part is 409 with code -2021; the failure of both is 400 with -2022.
        """
        mode = context.fields.required("cancelReplaceMode")
        if mode not in _REPLACE_MODES:
            raise invalid("cancelReplaceMode")
        response = response_type(context.fields)
        symbol = await self._names.named_in(context)
        params = place_params(context.fields, symbol)
        shape = self._names.shape(context)
        outcome = Outcome()
        try:
            target = await self._found(context, "cancelOrderId", "cancelOrigClientOrderId")
        except BinanceError as error:
            outcome.cancel_refused(_cancel_error(error))
            if mode == _ALLOW_FAILURE:
                await self._place_alone(context, params, response, outcome)
            raise outcome.failure() from None
        cancel = _cancel_params(target, context.fields.client_id("cancelNewClientOrderId"))
        wanted = {"cancel": cancel, "order": params, "mode": mode.lower()}
        reply = await self._run("replace", context.account, wanted)
        done = cast("ReplaceReply", reply.answer)
        if isinstance(done.canceled, PartResult):
            canceled, problem = done.canceled.body, done.canceled.problem
            if isinstance(canceled, OrderReply):
                outcome.canceled(shape.canceled(canceled))
            elif isinstance(problem, Problem):
                outcome.cancel_refused(_cancel_error(error_of_problem(problem)))
        if reply.headers == REPLAY_HEADERS:
            outcome.place_refused(_duplicate())
        elif isinstance(done.placed, PartResult):
            placed, problem = done.placed.body, done.placed.problem
            if isinstance(placed, OrderReply):
                outcome.placed(shape.placed(placed, response))
            elif isinstance(problem, Problem):
                outcome.place_refused(error_of_problem(problem))
        if not outcome.is_done:
            raise outcome.failure()
        return outcome.answer

    async def _place_alone(
        self, context: Context, params: Mapping[str, Any], response: str, outcome: Outcome
    ) -> None:
        """Place the new order of a replacement whose cancel was refused."""
        try:
            order = await self._placed(context.account, params)
        except (BinanceError, Refusal) as error:
            outcome.place_refused(
                error if isinstance(error, BinanceError) else error_of(error, is_order=True)
            )
        else:
            outcome.placed(self._names.shape(context).placed(order, response))

    async def _placed(self, account: Account, params: Mapping[str, Any]) -> OrderReply:
        reply = await self._run("place", account, params)
        if reply.headers == REPLAY_HEADERS:
            raise _duplicate()
        return cast("OrderReply", reply.answer)

    async def _canceled(self, context: Context) -> OrderReply:
        """Cancel the order of the parameters. Raises BinanceError (-2011) unless it is open."""
        cancel_id = context.fields.client_id("newClientOrderId")
        try:
            order = await self._found(context)
            params = _cancel_params(order, cancel_id)
            reply = await self._run("cancel", context.account, params)
        except OrderNotFound:
            raise cancel_rejected() from None
        except BinanceError as error:
            raise _cancel_error(error) from None
        return cast("OrderReply", reply.answer)

    async def _found(
        self, context: Context, id_name: str = "orderId", client_id_name: str = "origClientOrderId"
    ) -> OrderReply:
        """The order of the symbol and ids. Raises BinanceError, Unavailable."""
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
        """The fields that name an order: by the client's id or by the id that the surface made."""
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


def _cancel_params(order: OrderReply, cancel_id: str | None) -> dict[str, str]:
    """The fields of the operation `cancel`, with the client's name of the cancel if it has one."""
    key = {"order_id": order.order_id}
    return key if cancel_id is None else key | {"cancel_id": cancel_id}


def _duplicate() -> BinanceError:
    return BinanceError(ORDER_REJECTED, "Duplicate order sent.")


def _cancel_error(error: BinanceError) -> BinanceError:
    """The error of a cancel; Binance words a missing order differently there."""
    return cancel_rejected() if error.code == order_missing().code else error
