"""The operations of an account: orders, fills, balances, the dead-man timer. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from tapewire.client.calls import (
    Call,
    Moment,
    Number,
    Pages,
    Recheck,
    decoder,
    moment,
    next_page,
    operation,
)
from tapewire.client.errors import RequestRefused
from tapewire.client.order_requests import (
    Amend,
    Cancel,
    OrderTypeText,
    Place,
    SelfTradeText,
    SideText,
    TimeInForceText,
    amendment_members,
    order_key,
)
from tapewire.client.replies import (
    AccountInfo,
    BatchResults,
    CanceledOrders,
    DeadManTimer,
    FillsPage,
    HistoryFill,
    ItemResult,
    OrdersPage,
)
from tapewire.values.types import OrderStatus
from tapewire.wire.orders import PlacedOrder

StatusText: TypeAlias = Literal["open", "new", "partially_filled", "filled", "canceled", "expired"]

_read_order = decoder(PlacedOrder)
_read_canceled = decoder(CanceledOrders)
_read_orders = decoder(OrdersPage)
_read_fills = decoder(FillsPage)
_read_account = decoder(AccountInfo)
_read_timer = decoder(DeadManTimer)
_read_results = decoder(BatchResults)


BatchItem: TypeAlias = Place | Amend | Cancel

_ITEM_NAMES: Mapping[type, str] = {Place: "place", Amend: "amend", Cancel: "cancel"}


@operation("POST", "/v1/orders", "place")
def place(
    symbol: str,
    side: SideText,
    quantity: Number | None = None,
    price: Number | None = None,
    *,
    order_type: OrderTypeText = "limit",
    time_in_force: TimeInForceText | None = None,
    client_order_id: str | None = None,
    reuse_client_order_id: bool | None = None,
    self_trade_prevention: SelfTradeText | None = None,
    post_only: bool | None = None,
    display_quantity: Number | None = None,
    stop_price: Number | None = None,
    quote_quantity: Number | None = None,
    expire_at: Moment | None = None,
) -> Call[PlacedOrder]:
    """Place an order; the answer is the order with its first fills.

    A limit order needs a price; `order_type="market"` takes none. An order without a
    `client_order_id` gets a random one, so that the request can be sent again after a lost answer.
    With `reuse_client_order_id` a request that is sent again places a second order if the first one
    has ended meanwhile.
    """
    order = Place(
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=price,
        order_type=order_type,
        time_in_force=time_in_force,
        client_order_id=client_order_id,
        reuse_client_order_id=reuse_client_order_id,
        self_trade_prevention=self_trade_prevention,
        post_only=post_only,
        display_quantity=display_quantity,
        stop_price=stop_price,
        quote_quantity=quote_quantity,
        expire_at=expire_at,
    )
    return Call(_read_order, body=order.body())


@operation("PATCH", "/v1/orders/{order_id}", "amend")
def amend(
    order_id: str | None = None,
    *,
    client_order_id: str | None = None,
    price: Number | None = None,
    quantity: Number | None = None,
    stop_price: Number | None = None,
) -> Call[PlacedOrder]:
    """Change an open order, named by one of its two ids; None changes nothing.

    `quantity` is the new total, executed quantity included. A smaller quantity alone keeps the
    place in the queue. Raises ValueError without exactly one id.
    """
    key = order_key(order_id, client_order_id)
    return Call(_read_order, key=key, body=amendment_members(price, quantity, stop_price))


@operation("DELETE", "/v1/orders/{order_id}", "cancel")
def cancel(
    order_id: str | None = None, *, client_order_id: str | None = None, cancel_id: str | None = None
) -> Call[PlacedOrder]:
    """Cancel an open order, named by one of its two ids. Raises ValueError without exactly one.

    `cancel_id` is a name for the cancel, which the answer and the execution report show.
    """
    recheck = Recheck(
        "order_closed",
        order(order_id, client_order_id=client_order_id),
        lambda found: found.status is OrderStatus.CANCELED,
    )
    return Call(
        _read_order,
        key=order_key(order_id, client_order_id),
        query={"cancel_id": cancel_id},
        recheck=recheck,
    )


@operation("GET", "/v1/orders/{order_id}", "order")
def order(order_id: str | None = None, *, client_order_id: str | None = None) -> Call[PlacedOrder]:
    """Read an order, named by one of its two ids. Raises ValueError without exactly one."""
    return Call(_read_order, key=order_key(order_id, client_order_id))


@operation("DELETE", "/v1/orders", "cancel_all")
def cancel_all(symbol: str | None = None) -> Call[list[str]]:
    """Cancel every open order of the account, or those of one symbol; returns their ids.

    After a lost answer, the ids are those of the last attempt.
    """
    return Call(lambda body: _read_canceled(body).canceled, query={"symbol": symbol})


@operation("GET", "/v1/orders", "history")
def orders(
    symbol: str | None = None,
    *,
    status: StatusText | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    page_size: int | None = None,
) -> Pages[OrdersPage, PlacedOrder]:
    """Iterate over the orders of the account, newest first; `status="open"` for the open ones.

    `start` is included and `end` is not; both are about the time of entry.
    """
    query = {"symbol": symbol, "status": status, "from": moment(start), "to": moment(end)}
    first = Call(_read_orders, query=query | {"limit": page_size})
    return Pages(first, lambda page: page.orders, next_page)


@operation("GET", "/v1/fills", "fills")
def fills(
    symbol: str | None = None,
    *,
    order_id: str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    page_size: int | None = None,
) -> Pages[FillsPage, HistoryFill]:
    """Iterate over the executions of the account's orders, newest first."""
    query = {"symbol": symbol, "order_id": order_id, "from": moment(start), "to": moment(end)}
    first = Call(_read_fills, query=query | {"limit": page_size})
    return Pages(first, lambda page: page.fills, next_page)


@operation("GET", "/v1/account", "account")
def account() -> Call[AccountInfo]:
    """Read the own account: balances, fees and limits."""
    return Call(_read_account)


@operation("POST", "/v1/orders/batch", "batch")
def batch(items: Sequence[BatchItem]) -> Call[list[PlacedOrder | RequestRefused]]:
    """Place, amend and cancel many orders in their order; a refused item is its exception.

    One refused item stops no other. At most 100 items (`BATCH_ORDERS_MAX`). A cancel that was done
    by an attempt whose answer was lost is reported as `order_closed`.
    """
    for item in items:
        if type(item) not in _ITEM_NAMES:
            raise TypeError(f"an item must be a Place, Amend or Cancel; got {item!r}")
    body = {"orders": [{"operation": _ITEM_NAMES[type(item)], **item.body()} for item in items]}
    return Call(
        lambda reply: [item_result(item) for item in _read_results(reply).results], body=body
    )


@operation("POST", "/v1/cancel-all-after", "cancel_all_after")
def cancel_all_after(timeout_s: int) -> Call[DeadManTimer]:
    """Arm or renew the dead-man timer, in seconds; 0 disarms. Then all orders are canceled."""
    return Call(_read_timer, body={"timeout_s": timeout_s})


def item_result(item: ItemResult) -> PlacedOrder | RequestRefused:
    """The order of one result, or its refusal as the exception that a single request raises."""
    if item.body is not None:
        return item.body
    problem = item.problem
    if problem is None:
        return RequestRefused(item.status, "http_error", f"status {item.status}")
    return RequestRefused(item.status, problem.code, problem.detail, problem.field)
