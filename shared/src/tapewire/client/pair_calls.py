"""The operations of an account that are about two orders at once. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tapewire.client.calls import (
    Call,
    Number,
    Pages,
    Recheck,
    decoder,
    next_page,
    operation,
    plain,
)
from tapewire.client.errors import RequestRefused
from tapewire.client.order_calls import item_result
from tapewire.client.order_requests import (
    Cancel,
    ListOrder,
    Place,
    SelfTradeText,
    SideText,
    order_key,
)
from tapewire.client.pair_replies import OrderList, OrderListsPage, ReplaceResult
from tapewire.client.replies import ItemResult
from tapewire.values.types import OrderStatus
from tapewire.wire.orders import PlacedOrder

ReplaceModeText: TypeAlias = Literal["stop_on_failure", "allow_failure"]

_read_replaced = decoder(ReplaceResult)
_read_list = decoder(OrderList)
_read_lists = decoder(OrderListsPage)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The results of a cancel and of the order in its place; a refused part is its exception.

    `placed` is None if the order was not attempted, because the cancel was refused. `canceled` is
    None if the order was placed by an earlier attempt and the order to cancel is still open.
    """

    canceled: PlacedOrder | RequestRefused | None
    placed: PlacedOrder | RequestRefused | None


@operation("POST", "/v1/orders/replace", "replace")
def replace(
    cancel: Cancel, order: Place, *, mode: ReplaceModeText = "stop_on_failure"
) -> Call[Replaced]:
    """Cancel an order and place another in its market, in one atomic step.

    With `allow_failure` the order is placed also if the cancel was refused. Safe to send again,
    because an order without a `client_order_id` gets a random one. Raises ValueError if `cancel`
    has not exactly one id.
    """
    body = {"cancel": cancel.body(), "order": order.body(), "mode": mode}
    return Call(lambda reply: _replaced(_read_replaced(reply)), body=body)


@operation("POST", "/v1/order-lists", "place_list")
def place_list(
    symbol: str,
    side: SideText,
    quantity: Number,
    *,
    profit: ListOrder,
    stop: ListOrder,
    self_trade_prevention: SelfTradeText | None = None,
    reuse_client_order_id: bool | None = None,
    client_list_id: str | None = None,
) -> Call[OrderList]:
    """Place two orders of which one cancels the other (OCO), or neither of them.

    `profit` is a `limit` order, which rests as post-only, a `take_profit` or a `take_profit_limit`;
    `stop` is a `stop` or a `stop_limit`. `client_list_id` is a name for the list.
    """
    body = {
        "symbol": symbol,
        "side": side,
        "quantity": plain(quantity),
        "profit": profit.body(),
        "stop": stop.body(),
        "self_trade_prevention": self_trade_prevention,
        "reuse_client_order_id": reuse_client_order_id,
        "client_list_id": client_list_id,
    }
    return Call(_read_list, body=body)


@operation("DELETE", "/v1/order-lists/{list_id}", "cancel_list")
def cancel_list(
    list_id: str | None = None, *, client_list_id: str | None = None, cancel_id: str | None = None
) -> Call[OrderList]:
    """Cancel the open orders of a list.

    Raises ValueError without exactly one id.
    """
    recheck = Recheck(
        "order_closed",
        order_list(list_id, client_list_id=client_list_id),
        lambda found: any(order.status is OrderStatus.CANCELED for order in found.orders),
    )
    return Call(
        _read_list,
        key=order_key(list_id, client_list_id, "list_id"),
        query={"cancel_id": cancel_id},
        recheck=recheck,
    )


@operation("GET", "/v1/order-lists/{list_id}", "order_list")
def order_list(list_id: str | None = None, *, client_list_id: str | None = None) -> Call[OrderList]:
    """Read an order list, named by one of its two ids. Raises ValueError without exactly one."""
    return Call(_read_list, key=order_key(list_id, client_list_id, "list_id"))


@operation("GET", "/v1/order-lists", "open_lists")
def open_lists(
    symbol: str | None = None, *, page_size: int | None = None
) -> Pages[OrderListsPage, OrderList]:
    """Iterate over the open order lists of the account, newest first."""
    first = Call(_read_lists, query={"symbol": symbol, "limit": page_size})
    return Pages(first, lambda page: page.lists, next_page)


def _replaced(reply: ReplaceResult) -> Replaced:
    return Replaced(_part(reply.canceled), _part(reply.placed))


def _part(part: ItemResult | None) -> PlacedOrder | RequestRefused | None:
    return None if part is None else item_result(part)
