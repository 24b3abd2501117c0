"""The venue for programs: `MarketDataClient` for the feed, `VenueClient` for orders.

async with MarketDataClient("ws://127.0.0.1:8001") as client:
    async for trade in client.trades(["BTC-USDT"]):
        print(trade.seq, trade.price_decimal, trade.quantity_decimal)
"""

from tapewire.client.balance_keeper import Balances
from tapewire.client.book_copy import BookCopy, PriceLevel
from tapewire.client.errors import (
    BookError,
    ContinuityError,
    EpochError,
    FeedRefused,
    FeedUnavailable,
    GapError,
    OrderRefused,
)
from tapewire.client.link import LinkOptions
from tapewire.client.market_data import MarketDataClient
from tapewire.client.order_keeper import KeptOrder, OrderKeeper
from tapewire.client.orders import VenueClient
from tapewire.client.stream import ReportStream, Stream, TrackedStream, TradeStream
from tapewire.client.tracker import Position
from tapewire.wire.account_feed import AssetBalance, OrderReport
from tapewire.wire.feed_messages import CandleState, Quote
from tapewire.wire.orders import OrderFill, PlacedOrder
from tapewire.wire.trade_event import TradeEvent

__all__ = [
    "AssetBalance",
    "Balances",
    "BookCopy",
    "BookError",
    "CandleState",
    "ContinuityError",
    "EpochError",
    "FeedRefused",
    "FeedUnavailable",
    "GapError",
    "KeptOrder",
    "LinkOptions",
    "MarketDataClient",
    "OrderFill",
    "OrderKeeper",
    "OrderRefused",
    "OrderReport",
    "PlacedOrder",
    "Position",
    "PriceLevel",
    "Quote",
    "ReportStream",
    "Stream",
    "TrackedStream",
    "TradeEvent",
    "TradeStream",
    "VenueClient",
]
