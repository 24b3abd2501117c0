"""Operations on order lists: two orders of which one cancels the other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from order_gateway.catalogue import Catalogue
from order_gateway.cursors import read_order_cursor
from order_gateway.list_params import (
    CancelListParams,
    OpenListsParams,
    OrderListKey,
    OrderListRequest,
    ProfitOrder,
    StopOrder,
)
from order_gateway.metrics import Activity
from order_gateway.order_entry import check_list_key, read_params
from order_gateway.pairs import Render
from order_gateway.params import OrderRequest
from order_gateway.placing import Placing
from order_gateway.replies import NO_HEADERS, REPLAY_HEADERS, Reply
from order_gateway.schemas import OrderListReply, OrderListsReply
from tapewire.errors import InvalidField, OrderClosed, OrderNotFound
from tapewire.matching.engine import Engine
from tapewire.matching.order_lists import ListPlacement, place_list
from tapewire.matching.queries import Queries
from tapewire.values.types import Account, Instrument, Order, OrderId, Symbol


class OrderLists:
    """Safe to share by all requests of a process."""

    def __init__(
        self,
        engine: Engine,
        queries: Queries,
        catalogue: Catalogue,
        *,
        placing: Placing,
        activity: Activity,
        render: Render,
    ) -> None:
        self._engine = engine
        self._queries = queries
        self._catalogue = catalogue
        self._placing = placing
        self._activity = activity
        self._render = render

    async def place(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Place both orders of a list, or neither."""
        request = read_params(OrderListRequest, params)
        name = request.client_list_id
        first, second = (_order_request(request, part) for part in (request.profit, request.stop))
        if first.client_order_id is not None and first.client_order_id == second.client_order_id:
            raise InvalidField(
                "client_order_id",
                "invalid_value",
                "client_order_id must differ between the two orders of a list.",
            )
        instrument = await self._placing.find_instrument(request.symbol)

        async def place_by(newest: Instrument) -> ListPlacement:
            # The option is of the list: it counts for all three names.
            one, other = [
                replace(
                    await self._placing.command(order, account, newest),
                    reuses_client_order_id=bool(request.reuse_client_order_id),
                )
                for order in (first, second)
            ]
            self._engine.introduce(account)
            return await place_list(self._engine, one, other, name)

        placed = await self._placing.with_newest(instrument, place_by)
        answer = await self._list(placed.first, placed.second, instrument)
        if placed.replayed:
            return Reply(200, answer, REPLAY_HEADERS)
        self._activity.placed += 2
        return Reply(201, answer, NO_HEADERS)

    async def cancel(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Cancel the open orders of a list."""
        key = read_params(CancelListParams, params)
        name = key.cancel_id or ""
        first, second = (order.order_id for order in await self._read(account, key))
        # The cancel of one order of an open list cancels both.
        try:
            await self._engine.cancel(account, first, cancel_id=name)
        except OrderClosed:
            await self._engine.cancel(account, second, cancel_id=name)
        self._activity.canceled += 1
        return Reply(200, await self._shown(account, OrderListKey(list_id=first)), NO_HEADERS)

    async def read(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Read a list."""
        key = read_params(OrderListKey, params)
        return Reply(200, await self._shown(account, key), NO_HEADERS)

    async def open_lists(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Read the open lists, page by page."""
        wanted = read_params(OpenListsParams, params)
        if wanted.symbol is not None:
            symbols = [(await self._catalogue.find_recorded(wanted.symbol)).symbol]
        else:
            symbols = sorted(await self._queries.symbols())
        cursor = read_order_cursor(wanted.cursor)
        page = await self._queries.open_orders(account, symbols, cursor, wanted.limit)
        lists = []
        for _, order in page.orders:
            if order.list_id == order.order_id:
                second = await self._queries.order(account, _following(order.order_id))
                if second.is_open:
                    instrument = await self._catalogue.find_recorded(Symbol(order.symbol))
                    lists.append(await self._list(order, second, instrument))
        return Reply(200, OrderListsReply(lists, page.next_cursor), NO_HEADERS)

    async def _shown(self, account: Account, key: OrderListKey) -> OrderListReply:
        first, second = await self._read(account, key)
        return await self._list(first, second, await self._catalogue.find_recorded(first.symbol))

    async def _read(self, account: Account, key: OrderListKey) -> tuple[Order, Order]:
        """The orders of a list. Raises InvalidField, OrderNotFound, Unavailable."""
        check_list_key(key)
        if key.list_id is None:
            first = await self._queries.client_list(account, str(key.client_list_id))
        else:
            first = await self._queries.order(account, OrderId(key.list_id))
            if first.list_id != first.order_id:
                raise OrderNotFound("No order list of yours has this list_id.")
        return first, await self._queries.order(account, _following(first.order_id))

    async def _list(self, first: Order, second: Order, instrument: Instrument) -> OrderListReply:
        return OrderListReply(
            first.order_id,
            first.symbol,
            "open" if first.is_open and second.is_open else "closed",
            [await self._render(order, instrument) for order in (first, second)],
            first.client_list_id,
        )


def _order_request(request: OrderListRequest, part: ProfitOrder | StopOrder) -> OrderRequest:
    """One order of a list as an order of its own."""
    return OrderRequest(
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        self_trade_prevention=request.self_trade_prevention,
        # The order at the better price has to rest, so that the list is not over at once.
        post_only=True if part.order_type == "limit" else None,
        **part.model_dump(),
    )


def _following(order_id: OrderId) -> OrderId:
    """The second order of a list has the next number."""
    return OrderId(str(int(order_id) + 1))
