"""Schemas of REST answers that have no feed message, and examples of all market answers.

Decimals are text. `tapewire.wire.feed_messages` has the schemas of books, quotes and candles.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tapewire.wire.book_event import Level
from tapewire.wire.feed_messages import CandleState
from tapewire.wire.members import DecimalText, SignedDecimalText, Timestamp
from tapewire.wire.trade_event import TradeEvent

_EPOCH = "4b647e01df66"
_TIME = "2026-01-31T12:00:00.000001Z"


class TickerReply(Struct, frozen=True, gc=False):
    """The last 24 hours, in whole minutes; prices are null without a trade."""

    symbol: str
    open: DecimalText | None
    high: DecimalText | None
    low: DecimalText | None
    last: Annotated[DecimalText | None, Meta(description="Of the last trade, however old")]
    change: SignedDecimalText | None
    change_percent: SignedDecimalText | None
    volume: DecimalText
    quote_volume: DecimalText
    trades: int
    best_bid: Level | None
    best_ask: Level | None
    open_time: Timestamp
    close_time: Timestamp
    epoch: str


class AuctionReply(Struct, frozen=True, gc=False):
    """The indicative uncross: null outside of an auction, and while no orders cross."""

    symbol: str
    state: Annotated[str, Meta(description="The state of the market: `auction` in an auction")]
    price: DecimalText | None
    quantity: Annotated[
        DecimalText | None,
        Meta(description="Null in an auction: more than 20,000 orders cross"),
    ]
    surplus: Annotated[
        DecimalText | None, Meta(description="Quantity without a counterpart at that price")
    ]
    surplus_side: Literal["buy", "sell"] | None
    timestamp: Annotated[Timestamp | None, Meta(description="When the price was searched")]
    epoch: str


class TradesReply(Struct, frozen=True, gc=False):
    """Trades of one symbol, oldest first."""

    symbol: str
    epoch: str
    last_seq: Annotated[int, Meta(ge=0, description="Of the newest trade, also beyond this page")]
    trades: list[TradeEvent]


class CandlesReply(Struct, frozen=True, gc=False):
    """Candles of one interval, oldest first; a period without a trade has none."""

    symbol: str
    interval: str
    epoch: str
    candles: list[CandleState]


BOOK_EXAMPLE: dict[str, Any] = {
    "symbol": "BTC-USDT", "seq": 42, "epoch": _EPOCH, "depth": 10,
    "bids": [["59999.00", "0.50000"]], "asks": [["60001.00", "1.25000"]],
    "checksum": 2_323_480_602, "timestamp": _TIME,
}  # fmt: skip
QUOTE_EXAMPLE: dict[str, Any] = {
    "symbol": "BTC-USDT", "seq": 42, "bid": ["59999.00", "0.50000"], "ask": None,
    "timestamp": _TIME, "epoch": _EPOCH,
}  # fmt: skip
TICKER_EXAMPLE: dict[str, Any] = {
    "symbol": "BTC-USDT", "open": "60000.00", "high": "61000.00", "low": "59000.00",
    "last": "59400.00", "change": "-600.00", "change_percent": "-1.00", "volume": "12.50000",
    "quote_volume": "750000.0000000", "trades": 310, "best_bid": ["59399.00", "0.50000"],
    "best_ask": ["59401.00", "1.25000"], "open_time": "2026-01-30T12:00:00.000000Z",
    "close_time": _TIME, "epoch": _EPOCH,
}  # fmt: skip
AUCTION_EXAMPLE: dict[str, Any] = {
    "symbol": "BTC-USDT", "state": "auction", "price": "60000.00", "quantity": "1.25000",
    "surplus": "0.50000", "surplus_side": "buy", "timestamp": _TIME, "epoch": _EPOCH,
}  # fmt: skip
CANDLE_EXAMPLE: dict[str, Any] = {
    "symbol": "BTC-USDT", "interval": "1m", "start": "2026-01-31T12:00:00.000000Z",
    "open": "60000.00", "high": "60010.00", "low": "59990.00", "close": "60005.00",
    "volume": "1.50000", "quote_volume": "90003.7500000", "taker_buy_volume": "1.00000",
    "taker_buy_quote_volume": "60003.0000000", "trades": 4, "first_seq": 17, "last_seq": 20,
    "closed": True, "epoch": _EPOCH,
}  # fmt: skip
CANDLES_EXAMPLE: dict[str, Any] = {
    "symbol": "BTC-USDT", "interval": "1m", "epoch": _EPOCH, "candles": [CANDLE_EXAMPLE],
}  # fmt: skip
