"""An order as JSON, described once for REST, WebSocket, the private feed and the client library.

The structures are generic over what a decimal is: services write the text that Redis' integers
make, and the client library reads the same members as `Decimal`. Members that a reader does not
know are passed over, so that a client survives a newer service. Nothing here rounds.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Generic, TypeAlias, TypeVar

from msgspec import Meta, Struct

from tapewire.limits import ORDER_FILLS_SHOWN_MAX
from tapewire.values.decimals import format_units
from tapewire.values.scale import Scale
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import (
    AccountFill,
    Fill,
    Instrument,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from tapewire.wire.account_event import ExecutionReport, ReportKind
from tapewire.wire.members import DecimalText, ItemNumber, Timestamp

Number = TypeVar("Number")
FillShape = TypeVar("FillShape")

_FillMembers: TypeAlias = tuple[str, int, str, str, Liquidity, str, str, str]
# Why an order ended before it was filled; docs/protocol.md explains each.
REASONS = (
    "user", "dead_man", "disconnect", "kill", "delisted", "expired", "immediate_or_cancel",
    "fill_or_kill", "insufficient_liquidity", "insufficient_funds", "self_trade", "fills_limit",
    "order_list",
)  # fmt: skip
_Reason: TypeAlias = Annotated[
    str | None,
    Meta(description="Why the order ended before it was filled: `" + "`, `".join(REASONS) + "`"),
]


class FillData(Struct, Generic[Number], frozen=True, gc=False):
    """One execution of an order."""

    trade_id: str
    seq: Annotated[ItemNumber, Meta(description="Number of the trade within its symbol")]
    price: Number
    quantity: Number
    liquidity: Liquidity
    fee: Annotated[Number, Meta(description="Deducted from the received amount")]
    fee_asset: str
    timestamp: Timestamp


class OrderState(Struct, Generic[Number], frozen=True, gc=False):
    """The state of an order: the members that an answer and an execution report share."""

    order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Annotated[Number | None, Meta(description="Null without a limit price")]
    quantity: Annotated[
        Number, Meta(description="The executed quantity for a market order by `quote_quantity`")
    ]
    executed_quantity: Number
    remaining_quantity: Annotated[
        Number,
        Meta(description="quantity - executed_quantity - prevented_quantity, also when closed"),
    ]
    cumulative_quote_quantity: Annotated[
        Number, Meta(description="Sum of price x quantity of all fills, exact")
    ]
    status: OrderStatus
    reason: _Reason


class OrderData(OrderState[Number], Generic[Number, FillShape], frozen=True, gc=False):
    """An order with its fills and all its options."""

    fills: Annotated[
        list[FillShape],
        Meta(description=f"The newest {ORDER_FILLS_SHOWN_MAX} at the most, oldest first"),
    ]
    timestamp: Annotated[Timestamp, Meta(description="When the venue took the order in, UTC")]
    updated_timestamp: Annotated[Timestamp, Meta(description="Its last change, UTC")]
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    prevented_quantity: Annotated[Number, Meta(description="Removed by self-trade prevention")]
    display_quantity: Number | None
    stop_price: Number | None
    triggered_timestamp: Annotated[
        Timestamp | None, Meta(description="When a trade reached its stop price")
    ]
    quote_quantity: Number | None
    expire_at: Timestamp | None
    # A default, so that clients read the answers of gateways that do not know it.
    fills_truncated: Annotated[
        bool, Meta(description="Whether there are more fills: `GET /v1/fills?order_id=` has them")
    ] = False
    cancel_id: Annotated[
        str | None, Meta(description="The client's name of the cancel that ended the order")
    ] = None
    list_id: Annotated[str | None, Meta(description="The order list of the order")] = None


class FillReply(FillData[DecimalText], frozen=True, gc=False):
    """One execution of the order."""


class OrderReply(OrderData[DecimalText, FillReply], frozen=True, gc=False):
    """An order as it stands."""


class AccountFillReply(FillData[DecimalText], frozen=True, gc=False):
    """One execution in the history of the account."""

    order_id: str
    symbol: str
    side: Side


class OrderFill(FillData[Decimal], frozen=True, gc=False):
    """One execution of an order, read by a program."""


class PlacedOrder(OrderData[Decimal, OrderFill], frozen=True, gc=False):
    """An order as it stands at the venue, read by a program."""


class ReportData(OrderState[DecimalText], frozen=True, gc=False, omit_defaults=True):
    """One step in the life of an order, and the state in which the step left the order.

    The members from `trade_id` on are those of a trade; other reports do not have them.
    """

    stop_price: DecimalText | None
    report: ReportKind
    timestamp: Timestamp
    trade_id: Annotated[str | None, Meta(description="Of a trade, as the members after it")] = None
    trade_seq: Annotated[
        ItemNumber | None, Meta(description="The seq of the trade on the channel trades")
    ] = None
    last_price: DecimalText | None = None
    last_quantity: DecimalText | None = None
    liquidity: Liquidity | None = None
    fee: Annotated[DecimalText | None, Meta(description="Taken from what the trade brought")] = None
    fee_asset: str | None = None
    cancel_id: Annotated[
        str | None, Meta(description="Of a cancel that the client gave a name")
    ] = None
    list_id: Annotated[str | None, Meta(description="The order list of the order")] = None


def order_reply(order: Order, instrument: Instrument) -> OrderReply:
    """An order with the decimals of its instrument."""
    scale = Scale(instrument)
    price, stop_price, display = order.price_ticks, order.stop_price_ticks, order.display_lots
    quote, created = order.quote_notional, format_timestamp(order.created_us)
    changed = order.updated_us != order.created_us
    # Positional, because msgspec takes six times as long to bind two dozen names.
    return OrderReply(
        order.order_id, order.client_order_id, order.symbol, order.side, order.order_type,
        order.time_in_force,
        None if price is None else scale.price(price),
        scale.quantity(order.quantity_lots),
        scale.quantity(order.executed_lots),
        scale.quantity(order.remaining_lots),
        scale.amount(order.executed_notional),
        order.status, order.reason,
        [FillReply(*_fill_members(fill, order, scale)) for fill in order.fills],
        created,
        format_timestamp(order.updated_us) if changed else created,
        order.post_only, order.self_trade_prevention,
        scale.quantity(order.prevented_lots),
        None if display is None else scale.quantity(display),
        None if stop_price is None else scale.price(stop_price),
        _moment(order.triggered_us),
        None if quote is None else scale.amount(quote),
        _moment(order.expire_us),
        order.has_more_fills,
        order.cancel_id,
        order.list_id,
    )  # fmt: skip


def account_fill_reply(item: AccountFill, instrument: Instrument) -> AccountFillReply:
    """A fill in the history of an account, with the decimals of its instrument."""
    members = _fill_members(item.fill, item, Scale(instrument))
    return AccountFillReply(*members, item.order_id, item.symbol, item.side)


def report_data(
    report: ExecutionReport, instrument: Instrument, decimals: Mapping[str, int]
) -> ReportData:
    """An execution report. `decimals` by asset; raises KeyError without the asset of a fee."""
    order, scale, execution = report.order, Scale(instrument), report.execution
    price, stop_price = order.price_ticks, order.stop_price_ticks
    state = (
        order.order_id, order.client_order_id, order.symbol, order.side, order.order_type,
        order.time_in_force,
        None if price is None else scale.price(price),
        scale.quantity(order.quantity_lots),
        scale.quantity(report.executed_lots),
        scale.quantity(report.remaining_lots),
        scale.amount(report.executed_notional),
        report.status, report.reason,
        None if stop_price is None else scale.price(stop_price),
        report.kind,
        format_timestamp(report.time_us),
    )  # fmt: skip
    if execution is None:
        cancel_id = order.cancel_id if report.kind == "canceled" else None
        return ReportData(*state, cancel_id=cancel_id, list_id=order.list_id)
    fee_asset = scale.fee_asset(order.side)
    return ReportData(
        *state,
        f"{order.symbol}-{execution.seq}",
        execution.seq,
        scale.price(execution.ticks),
        scale.quantity(execution.lots),
        execution.liquidity,
        format_units(execution.fee_units, decimals[fee_asset]),
        fee_asset,
        list_id=order.list_id,
    )


def _fill_members(fill: Fill, order: Order | AccountFill, scale: Scale) -> _FillMembers:
    """The members of a FillData, in their order."""
    return (
        f"{order.symbol}-{fill.seq}",
        fill.seq,
        scale.price(fill.price_ticks),
        scale.quantity(fill.quantity_lots),
        fill.liquidity,
        scale.fee(fill.fee_units, order.side),
        scale.fee_asset(order.side),
        format_timestamp(fill.timestamp_us),
    )


def _moment(time_us: int | None) -> str | None:
    return None if time_us is None else format_timestamp(time_us)
