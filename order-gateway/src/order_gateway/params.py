"""The parameters of each operation as clients write them: one model for all transports.

Decimals and identifiers are text. A model lists the fields and their form. `order_entry.py` checks
how the fields go together, and whether the instrument allows the values.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from order_gateway.field_types import (
    READS_DIGITS,
    CancelId,
    ClientOrderId,
    DecimalInput,
    FeeInput,
    MarketStateText,
    MomentInput,
    OrderIdInput,
    OrderTypeText,
    SelfTradePreventionText,
    SideText,
    StatusText,
    TimeInForceText,
)
from tapewire.limits import (
    BATCH_ORDERS_MAX,
    DEAD_MAN_TIMEOUT_S_MAX,
    OPEN_ORDERS_BOUND_MAX,
    PAGE_ITEMS_MAX,
    PRICE_BAND_BPS_MAX,
)

_PriceBand = Annotated[int, Field(ge=0, le=PRICE_BAND_BPS_MAX), READS_DIGITS]
_OpenOrders = Annotated[int, Field(ge=1, le=OPEN_ORDERS_BOUND_MAX), READS_DIGITS]


class Params(BaseModel):
    """A model that refuses unknown fields and converts no values silently."""

    # The first request of a kind builds the validator of its model, in about a millisecond.
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False, defer_build=True)


class OrderRequest(Params):
    """An order to place."""

    symbol: Annotated[str, Field(description="A symbol of `GET /v1/instruments`")]
    side: SideText
    order_type: Annotated[
        OrderTypeText,
        Field(
            description="`ioc` and `fok` are limit orders with that time in force. A trade at the "
            "stop price turns a `stop` and a `take_profit` into a market order, a `stop_limit` and "
            "a `take_profit_limit` into a limit order"
        ),
    ]
    quantity: Annotated[
        DecimalInput | None,
        Field(description="Required, except for a market order with `quote_quantity`"),
    ] = None
    price: Annotated[
        DecimalInput | None,
        Field(
            description="The limit price: the worst price at which the order trades; not "
            "for `market` and `stop`"
        ),
    ] = None
    time_in_force: Annotated[
        TimeInForceText | None,
        Field(
            description="`gtc` (default of orders that may rest), `ioc`, `fok`, or `gtd` with "
            "`expire_at`"
        ),
    ] = None
    client_order_id: ClientOrderId | None = None
    reuse_client_order_id: Annotated[
        bool | None,
        Field(
            description="Allow the `client_order_id` of an order that has ended. A repeated "
            "request then places a second order if the first one has ended"
        ),
    ] = None
    self_trade_prevention: Annotated[
        SelfTradePreventionText | None,
        Field(
            description="What happens when two orders of one account would trade; the "
            "setting of the taker counts. Default: `expire_taker` for a named "
            "account, `none` for the shared account `demo`, so that two orders "
            "sent without X-Account trade"
        ),
    ] = None
    post_only: Annotated[
        bool | None, Field(description="Refuse the order if it would trade on arrival")
    ] = None
    display_quantity: Annotated[
        DecimalInput | None,
        Field(
            description="Iceberg: the book shows at most this quantity; each new slice "
            "queues behind its price level"
        ),
    ] = None
    stop_price: Annotated[
        DecimalInput | None,
        Field(
            description="The price that triggers a stop: a buy by a trade at this price or "
            "above, a sell by a trade at this price or below; a take-profit the other way round"
        ),
    ] = None
    quote_quantity: Annotated[
        DecimalInput | None,
        Field(
            description="Market orders: the amount of the quote asset to spend or to "
            "receive, instead of `quantity`"
        ),
    ] = None
    expire_at: Annotated[
        MomentInput | None, Field(description="The time at which a `gtd` order expires")
    ] = None


class AmendRequest(Params):
    """The changes of an open order; a field that is left out keeps its value."""

    price: DecimalInput | None = None
    quantity: Annotated[
        DecimalInput | None,
        Field(
            description="The new total quantity, executed quantity included; a smaller one "
            "keeps the priority"
        ),
    ] = None
    stop_price: DecimalInput | None = None


class OrderKey(Params):
    """The order to act on: exactly one of the venue's id and the client's id."""

    order_id: OrderIdInput | None = None
    client_order_id: ClientOrderId | None = None


class CancelParams(OrderKey):
    """An order to cancel, and the name of the cancel."""

    cancel_id: CancelId | None = None


class ReplaceRequest(Params):
    """An order to cancel, and the order that takes its place, in the same market."""

    cancel: CancelParams
    order: OrderRequest
    mode: Annotated[
        Literal["stop_on_failure", "allow_failure"],
        Field(description="Whether a refused cancel stops the new order"),
    ] = "stop_on_failure"


class AmendParams(AmendRequest, OrderKey):
    """An order and its changes."""


class BatchItem(BaseModel):
    """An operation and its fields.

    `place` takes the fields of an order. `cancel` takes `order_id` or `client_order_id`, and
    `amend` takes the changes as well. A wrong item is refused in its own result; the other items
    are done.
    """

    model_config = ConfigDict(extra="allow")

    operation: Annotated[Any, Field(description="`place`, `amend` or `cancel`")] = "place"


class BatchRequest(Params):
    """A list of operations, done in this order."""

    orders: Annotated[list[BatchItem], Field(min_length=1, max_length=BATCH_ORDERS_MAX)]


class CancelAllParams(Params):
    """Which open orders to cancel: those of one symbol, or all."""

    symbol: str | None = None


class CancelAllAfterParams(Params):
    """The timeout of the dead-man switch."""

    timeout_s: Annotated[
        int,
        Field(
            ge=0,
            le=DEAD_MAN_TIMEOUT_S_MAX,
            description="The venue cancels all orders of the account after this many "
            "seconds, unless the account sends this request again before; 0 "
            "disarms",
        ),
        READS_DIGITS,
    ]


class PageParams(Params):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=PAGE_ITEMS_MAX), READS_DIGITS] = 100
    cursor: Annotated[str | None, Field(max_length=64)] = None


class OpenOrdersParams(PageParams):
    """Filters of the list of open orders."""

    symbol: str | None = None


class HistoryParams(OpenOrdersParams):
    """Filters of the list of all kept orders."""

    status: Literal["open"] | StatusText | None = None
    moment_from: MomentInput | None = Field(None, alias="from")
    moment_to: MomentInput | None = Field(None, alias="to")


class FillsParams(OpenOrdersParams):
    """Filters of the list of fills."""

    order_id: OrderIdInput | None = None
    moment_from: MomentInput | None = Field(None, alias="from")
    moment_to: MomentInput | None = Field(None, alias="to")


class MarketRequest(Params):
    """The changes of a market; a field that is left out keeps its value."""

    state: MarketStateText | None = None
    price_band_bps: Annotated[
        _PriceBand | None,
        Field(
            description="Largest distance of a price from the last trade, in basis points (1/100 "
            "percent); 0 is no limit",
        ),
    ] = None
    open_orders_max: Annotated[
        _OpenOrders | None,
        Field(description="Open orders that one account may have in this market"),
    ] = None
    order_quantity_max: Annotated[
        DecimalInput | None, Field(description="Largest quantity of one order; 0 is no limit")
    ] = None
    order_notional_max: Annotated[
        DecimalInput | None,
        Field(
            description="Largest price x quantity of one order, in the quote asset; 0 is no limit"
        ),
    ] = None
    position_max: Annotated[
        DecimalInput | None,
        Field(
            description="Largest amount of the base asset that one account may have, open buys "
            "included; 0 is no limit"
        ),
    ] = None
    maker_fee_ppm: Annotated[
        FeeInput | None,
        Field(description="Fee of a maker, in millionths of the received amount"),
    ] = None
    taker_fee_ppm: Annotated[
        FeeInput | None,
        Field(description="Fee of a taker, in millionths of the received amount"),
    ] = None
    allow_coarse_fees: Annotated[
        bool | None,
        Field(
            description="Accept rates that take less than a unit of the smallest amounts traded; "
            "such a fee is rounded up to the unit"
        ),
    ] = None
