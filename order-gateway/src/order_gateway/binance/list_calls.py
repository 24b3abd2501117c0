"""The calls for order lists: two orders of which one cancels the other."""

from collections.abc import Mapping
from typing import Any, cast

from order_gateway.binance.context import Context, SymbolNames
from order_gateway.binance.errors import (
    ORDER_REJECTED,
    BinanceError,
    cancel_rejected,
    missing,
    order_missing,
)
from order_gateway.binance.new_orders import RESPONSES
from order_gateway.binance.order_lists import list_answer, list_id_of, list_params
from order_gateway.operations import Operations
from order_gateway.replies import REPLAY_HEADERS, Reply
from order_gateway.schemas import OrderListReply, OrderListsReply
from tapewire.errors import InvalidField, OrderClosed, OrderNotFound
from tapewire.limits import PAGE_ITEMS_MAX
from tapewire.values.types import Account

PAGES_MAX = 40
"""Pages of open orders that one call reads: 20,000 orders."""


class ListCalls:
    """Answers calls for order lists. Every method raises BinanceError, Refusal or Unavailable."""

    def __init__(self, operations: Operations, names: SymbolNames) -> None:
        self._operations = operations
        self._names = names

    async def place(self, context: Context) -> dict[str, Any]:
        """`POST orderList/oco`: both orders are placed, or neither."""
        fields = context.fields
        response = fields.choice("newOrderRespType", RESPONSES) or "RESULT"
        symbol = await self._names.named_in(context)
        reply = await self._run("place_list", context.account, list_params(fields, symbol))
        if reply.headers == REPLAY_HEADERS:
            raise BinanceError(ORDER_REJECTED, "Duplicate order sent.")
        placed = cast("OrderListReply", reply.answer)
        return list_answer(placed, self._names.shape(context), response=response)

    async def cancel(self, context: Context) -> dict[str, Any]:
        """`DELETE orderList`: both orders."""
        symbol = await self._names.named_in(context)
        cancel_id = context.fields.client_id("newClientOrderId")
        try:
            params = _list_key(context, "listClientOrderId")
            found = await self._found(context.account, params)
            if found.symbol != symbol:
                raise cancel_rejected()
            if cancel_id is not None:
                params["cancel_id"] = cancel_id
            reply = await self._run("cancel_list", context.account, params)
        except (OrderNotFound, OrderClosed, InvalidField):
            raise cancel_rejected() from None
        canceled = cast("OrderListReply", reply.answer)
        return list_answer(canceled, self._names.shape(context), response="RESULT")

    async def read(self, context: Context) -> dict[str, Any]:
        """`GET orderList`."""
        try:
            params = _list_key(context, "origClientOrderId")
            found = await self._found(context.account, params)
        except (OrderNotFound, InvalidField):
            raise order_missing() from None
        return list_answer(found, self._names.shape(context), response=None)

    async def open_lists(self, context: Context) -> list[dict[str, Any]]:
        """`GET openOrderList`: oldest first."""
        params: dict[str, Any] = {"limit": str(PAGE_ITEMS_MAX)}
        found: list[OrderListReply] = []
        for _ in range(PAGES_MAX):
            reply = await self._run("open_lists", context.account, params)
            page = cast("OrderListsReply", reply.answer)
            found += page.lists
            if page.next_cursor is None:
                break
            params["cursor"] = page.next_cursor
        shape = self._names.shape(context)
        return [list_answer(item, shape, response=None) for item in reversed(found)]

    async def _found(self, account: Account, params: Mapping[str, str]) -> OrderListReply:
        return cast("OrderListReply", (await self._run("order_list", account, params)).answer)

    async def _run(self, operation: str, account: Account, params: Mapping[str, Any]) -> Reply:
        return await self._operations.run(operation, account, params)


def _list_key(context: Context, client_id_name: str) -> dict[str, str]:
    """The list that a request names: by its number, or by its client id. Raises BinanceError."""
    number = context.fields.whole("orderListId")
    if number is not None:
        return {"list_id": str(number)}
    client_id = context.fields.client_id(client_id_name)
    if client_id is None:
        raise missing("orderListId")
    made = list_id_of(client_id)
    return {"client_list_id": client_id} if made is None else {"list_id": made}
