"""Requests and answers of each operation of WebSocket order entry, with examples."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from order_gateway.account_examples import ACCOUNT_EXAMPLE
from order_gateway.admin_params import NoParams
from order_gateway.examples import (
    AMEND_EXAMPLE,
    AMENDED_EXAMPLE,
    BATCH_EXAMPLE,
    BATCH_REQUEST_EXAMPLE,
    CANCELED_ALL_EXAMPLE,
    CANCELED_EXAMPLE,
    FILLED_EXAMPLE,
    FILLS_EXAMPLE,
    LIST_REQUEST_EXAMPLE,
    OPEN_LISTS_EXAMPLE,
    ORDER_EXAMPLES,
    ORDER_LIST_EXAMPLE,
    ORDERS_EXAMPLE,
    REPLACE_EXAMPLE,
    REPLACE_REQUEST_EXAMPLE,
    TIMER_EXAMPLE,
    TIMER_REQUEST_EXAMPLE,
)
from order_gateway.list_params import (
    CancelListParams,
    OpenListsParams,
    OrderListKey,
    OrderListRequest,
)
from order_gateway.params import (
    AmendParams,
    BatchRequest,
    CancelAllAfterParams,
    CancelAllParams,
    CancelParams,
    FillsParams,
    HistoryParams,
    OpenOrdersParams,
    OrderKey,
    OrderRequest,
    ReplaceRequest,
)
from order_gateway.schemas import (
    AccountReply,
    BatchReply,
    CanceledReply,
    FillsReply,
    OrderListReply,
    OrderListsReply,
    OrdersReply,
    ReplaceReply,
    TimerReply,
)
from order_gateway.ws.messages import Pong
from tapewire.wire.orders import OrderReply

_MY_ORDER = {"client_order_id": "my-1"}


class _Operation(NamedTuple):
    """Request and answer of an operation: models with an example each."""

    summary: str
    params: type
    params_example: Mapping[str, Any]
    result: type
    result_example: Mapping[str, Any]
    status: int = 200


OPERATIONS: Mapping[str, _Operation] = {
    "place": _Operation(
        "Place an order", OrderRequest, ORDER_EXAMPLES["limit"]["value"], OrderReply,
        FILLED_EXAMPLE, 201,
    ),
    "replace": _Operation(
        "Cancel an order and place another", ReplaceRequest, REPLACE_REQUEST_EXAMPLE, ReplaceReply,
        REPLACE_EXAMPLE,
    ),
    "place_list": _Operation(
        "Place an order list", OrderListRequest, LIST_REQUEST_EXAMPLE, OrderListReply,
        ORDER_LIST_EXAMPLE, 201,
    ),
    "cancel_list": _Operation(
        "Cancel an order list", CancelListParams, {"list_id": "44"}, OrderListReply,
        ORDER_LIST_EXAMPLE,
    ),
    "order_list": _Operation(
        "Read an order list", OrderListKey, {"list_id": "44"}, OrderListReply, ORDER_LIST_EXAMPLE
    ),
    "open_lists": _Operation(
        "List open order lists", OpenListsParams, {"limit": 20}, OrderListsReply, OPEN_LISTS_EXAMPLE
    ),
    "amend": _Operation(
        "Amend an order", AmendParams, _MY_ORDER | AMEND_EXAMPLE, OrderReply, AMENDED_EXAMPLE
    ),
    "cancel": _Operation(
        "Cancel an order", CancelParams, _MY_ORDER, OrderReply, CANCELED_EXAMPLE
    ),
    "cancel_all": _Operation(
        "Cancel all orders", CancelAllParams, {"symbol": "BTC-USDT"}, CanceledReply,
        CANCELED_ALL_EXAMPLE,
    ),
    "order": _Operation("Read an order", OrderKey, {"order_id": "42"}, OrderReply, FILLED_EXAMPLE),
    "open_orders": _Operation(
        "List open orders", OpenOrdersParams, {"limit": 20}, OrdersReply, ORDERS_EXAMPLE
    ),
    "history": _Operation(
        "List orders", HistoryParams, {"status": "filled"}, OrdersReply, ORDERS_EXAMPLE
    ),
    "fills": _Operation("List fills", FillsParams, {"order_id": "42"}, FillsReply, FILLS_EXAMPLE),
    "batch": _Operation(
        "Place, amend and cancel many orders", BatchRequest, BATCH_REQUEST_EXAMPLE, BatchReply,
        BATCH_EXAMPLE,
    ),
    "cancel_all_after": _Operation(
        "Arm the dead-man timer", CancelAllAfterParams, TIMER_REQUEST_EXAMPLE, TimerReply,
        TIMER_EXAMPLE,
    ),
    "account": _Operation("Read your account", NoParams, {}, AccountReply, ACCOUNT_EXAMPLE),
    "ping": _Operation("Ask for a sign of life", NoParams, {}, Pong, {}),
}  # fmt: skip
