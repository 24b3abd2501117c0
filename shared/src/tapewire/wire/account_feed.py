"""The private messages of the feed: what happens to one account, for those who proved to be it."""

from typing import Annotated, Literal

from pydantic import Field

from tapewire.values.types import Liquidity, OrderStatus, OrderType, Side, TimeInForce
from tapewire.wire.feed_parts import FeedPart, Price, RequestId, Seq, Timestamp

_Amount = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]


class Authenticated(FeedPart):
    """The answer to authenticate: the private channels are those of this account."""

    type: Literal["authenticated"]
    id: RequestId | None = None
    account: str


class ReportData(FeedPart):
    """One step in the life of an order, and the state in which it left it."""

    report: Literal["new", "amended", "triggered", "trade", "canceled", "expired"]
    order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Price | None
    stop_price: Price | None
    quantity: Price
    executed_quantity: Price
    remaining_quantity: Price
    cumulative_quote_quantity: Price
    status: OrderStatus
    reason: str | None = Field(description="Why it ended other than by being filled")
    timestamp: Timestamp
    trade_id: str | None = Field(None, description="Of a trade, as the members after it")
    trade_seq: Seq | None = Field(None, description="The seq of the trade on the channel trades")
    last_price: Price | None = None
    last_quantity: Price | None = None
    liquidity: Liquidity | None = None
    fee: Price | None = Field(None, description="Taken from what the trade brought")
    fee_asset: str | None = None


class OrderReport(FeedPart):
    """An execution report; `seq` is +1 for each of an account."""

    type: Literal["order"]
    account: str
    epoch: str
    seq: Seq
    data: ReportData


class AssetBalance(FeedPart):
    """What an account has of an asset; below zero only where funds are not checked."""

    asset: str
    available: _Amount
    held: _Amount = Field(description="By open orders")
    total: _Amount


class BalancesChanged(FeedPart):
    """The assets that one command changed; `seq` is +1 for each message of an account."""

    type: Literal["balances"]
    account: str
    epoch: str
    seq: Seq
    data: list[AssetBalance]
    timestamp: Timestamp


class BalancesSnapshot(FeedPart):
    """All assets of an account as of `seq`; it replaces what the client had."""

    type: Literal["balances_snapshot"]
    account: str
    epoch: str
    seq: Seq
    data: list[AssetBalance]
    timestamp: Timestamp
