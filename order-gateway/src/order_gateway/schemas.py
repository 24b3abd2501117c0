"""The answers, as clients see them. Decimals are text, and so are identifiers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from order_gateway.params import (
    DECIMAL_PATTERN,
    MarketStateText,
    OrderTypeText,
    PermissionText,
    SelfTradePreventionText,
    SideText,
    StatusText,
    TimeInForceText,
)

DecimalOutput = Annotated[str, Field(pattern=DECIMAL_PATTERN)]
Timestamp = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", description="Venue time, UTC")
]
NextCursor = Annotated[
    str | None, Field(description="`cursor` of the next page; null when there is none")
]


class Answer(BaseModel):
    """What is not documented is not answered with."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FillReply(Answer):
    """One execution of the order."""

    trade_id: str
    seq: Annotated[int, Field(ge=1, description="Number of the trade within its symbol")]
    price: DecimalOutput
    quantity: DecimalOutput
    liquidity: Literal["maker", "taker"]
    fee: Annotated[DecimalOutput, Field(description="Taken from what the fill brought")]
    fee_asset: str
    timestamp: Timestamp


class OrderReply(Answer):
    """An order as it stands."""

    order_id: str
    client_order_id: str | None
    symbol: str
    side: SideText
    order_type: OrderTypeText
    time_in_force: TimeInForceText
    price: Annotated[DecimalOutput | None, Field(description="Null without a limit price")]
    quantity: Annotated[
        DecimalOutput,
        Field(description="Of a market order by `quote_quantity`: what came of it"),
    ]
    executed_quantity: DecimalOutput
    remaining_quantity: Annotated[
        DecimalOutput,
        Field(description="quantity - executed_quantity - prevented_quantity, also when closed"),
    ]
    cumulative_quote_quantity: Annotated[
        DecimalOutput, Field(description="Sum of price x quantity of all fills, exact")
    ]
    status: StatusText
    reason: Annotated[
        str | None,
        Field(
            description="Why it ended, if not by being filled: `user`, `dead_man`, `disconnect`, "
            "`kill`, "
            "`expired` (its time was over), `immediate_or_cancel`, `fill_or_kill`, "
            "`insufficient_liquidity`, `insufficient_funds`, `self_trade`, `fills_limit`"
        ),
    ]
    fills: list[FillReply]
    timestamp: Annotated[Timestamp, Field(description="When the venue took the order in, UTC")]
    updated_timestamp: Annotated[Timestamp, Field(description="Its last change, UTC")]
    post_only: bool
    self_trade_prevention: SelfTradePreventionText
    prevented_quantity: Annotated[
        DecimalOutput, Field(description="Taken out by self-trade prevention `decrement`")
    ]
    display_quantity: DecimalOutput | None
    stop_price: DecimalOutput | None
    triggered_timestamp: Annotated[
        Timestamp | None, Field(description="When a trade reached its stop price")
    ]
    quote_quantity: DecimalOutput | None
    expire_at: Timestamp | None


class OrdersReply(Answer):
    """One page of orders, newest first."""

    orders: list[OrderReply]
    next_cursor: NextCursor


class AccountFillReply(FillReply):
    """One execution in the history of the account."""

    order_id: str
    symbol: str
    side: SideText


class FillsReply(Answer):
    """One page of fills, newest first."""

    fills: list[AccountFillReply]
    next_cursor: NextCursor


class CanceledReply(Answer):
    """The orders that were canceled."""

    canceled: Annotated[list[str], Field(description="order_id, oldest first within a symbol")]


class TimerReply(Answer):
    """The dead-man timer of the account."""

    timeout_s: int
    fires_at: Annotated[Timestamp | None, Field(description="Null when it is disarmed")]


class BatchResult(Answer):
    """What became of one item: `body`, or `problem` if it was refused."""

    status: int
    body: OrderReply | None = None
    problem: dict[str, Any] | None = None


class BatchReply(Answer):
    """What became of each item, in the order of the items."""

    results: list[BatchResult]


class InstrumentReply(Answer):
    """What is traded, in which steps and bounds, and what its market takes."""

    symbol: str
    base: str
    quote: str
    tick_size: DecimalOutput
    lot_size: DecimalOutput
    min_quantity: DecimalOutput
    max_quantity: DecimalOutput
    max_price: DecimalOutput
    min_notional: DecimalOutput
    state: MarketStateText
    price_band_bps: Annotated[
        int,
        Field(ge=0, description="Farthest distance of a price from the last trade; 0 is none"),
    ]
    open_orders_max: Annotated[int, Field(ge=1, description="Of one account")]
    order_quantity_max: Annotated[DecimalOutput, Field(description="Of one order; zero is none")]
    order_notional_max: Annotated[
        DecimalOutput, Field(description="Price x quantity of one order; zero is none")
    ]
    position_max: Annotated[
        DecimalOutput,
        Field(description="Base asset of one account, open buys included; zero is none"),
    ]
    maker_fee_ppm: Annotated[int, Field(ge=0, description="Millionths of what a fill brings")]
    taker_fee_ppm: Annotated[int, Field(ge=0, description="Millionths of what a fill brings")]
    base_decimals: Annotated[int, Field(ge=0, description="Of amounts of the base asset")]
    quote_decimals: Annotated[int, Field(ge=0, description="Of amounts of the quote asset")]


class InstrumentsReply(Answer):
    """Every instrument of the venue."""

    instruments: list[InstrumentReply]


class ApiKeyReply(Answer):
    """An API key, without its secret."""

    key_id: Annotated[str, Field(description="Names the key; no secret")]
    account: str
    permissions: list[PermissionText]
    label: str
    created_at: Timestamp
    expires_at: Annotated[Timestamp | None, Field(description="Null: never")]
    revoked_at: Annotated[Timestamp | None, Field(description="Null: it was not")]


class NewApiKeyReply(ApiKeyReply):
    """A key that was just made."""

    key: Annotated[str, Field(description="To be sent with requests; shown this once")]


class ApiKeysReply(Answer):
    """One page of keys, by key id."""

    keys: list[ApiKeyReply]
    next_cursor: NextCursor
