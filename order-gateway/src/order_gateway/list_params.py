"""The parameters of operations on order lists."""

from typing import Annotated, Literal

from pydantic import Field

from order_gateway.field_types import (
    CancelId,
    ClientListId,
    ClientOrderId,
    DecimalInput,
    MomentInput,
    OrderIdInput,
    SelfTradePreventionText,
    SideText,
    TimeInForceText,
)
from order_gateway.params import OpenOrdersParams, Params


class ProfitOrder(Params):
    """The order of a list at the better price: a post-only limit order, or a take-profit."""

    order_type: Literal["limit", "take_profit", "take_profit_limit"] = "limit"
    price: DecimalInput | None = None
    stop_price: DecimalInput | None = None
    time_in_force: Literal["gtc", "gtd"] | None = None
    expire_at: MomentInput | None = None
    display_quantity: DecimalInput | None = None
    client_order_id: ClientOrderId | None = None


class StopOrder(Params):
    """The order of a list at the worse price: a stop."""

    order_type: Literal["stop", "stop_limit"] = "stop"
    price: DecimalInput | None = None
    stop_price: DecimalInput | None = None
    time_in_force: TimeInForceText | None = None
    expire_at: MomentInput | None = None
    display_quantity: DecimalInput | None = None
    client_order_id: ClientOrderId | None = None


class OrderListRequest(Params):
    """Two orders of which one cancels the other."""

    symbol: Annotated[str, Field(description="A symbol of `GET /v1/instruments`")]
    side: SideText
    quantity: Annotated[DecimalInput, Field(description="Of each of the two orders")]
    profit: ProfitOrder
    stop: StopOrder
    self_trade_prevention: SelfTradePreventionText | None = None
    reuse_client_order_id: Annotated[
        bool | None,
        Field(description="Allow the names of orders and lists that have ended"),
    ] = None
    client_list_id: ClientListId | None = None


class OrderListKey(Params):
    """The list to act on: exactly one of the venue's id and the client's id."""

    list_id: Annotated[
        OrderIdInput | None, Field(description="The order_id of its order `profit`")
    ] = None
    client_list_id: ClientListId | None = None


class CancelListParams(OrderListKey):
    """A list to cancel, and the name of the cancel."""

    cancel_id: CancelId | None = None


class OpenListsParams(OpenOrdersParams):
    """A page of the open lists; `limit` counts the open orders that are looked at."""
