"""The venue for programs: `MarketDataClient` for the feed, `VenueClient` for orders.

async with MarketDataClient("ws://127.0.0.1:8001") as client:
    async for trade in client.trades(["BTC-USDT"]):
        print(trade.seq, trade.price_decimal, trade.quantity_decimal)
"""

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
from tapewire.client.orders import Fill, PlacedOrder, VenueClient
from tapewire.client.stream import Stream, TradeStream
from tapewire.client.tracker import Position
from tapewire.feed_messages import CandleState, Quote
from tapewire.messages import TradeEvent

__all__ = [
    "BookCopy",
    "BookError",
    "CandleState",
    "ContinuityError",
    "EpochError",
    "FeedRefused",
    "FeedUnavailable",
    "Fill",
    "GapError",
    "LinkOptions",
    "MarketDataClient",
    "OrderRefused",
    "PlacedOrder",
    "Position",
    "PriceLevel",
    "Quote",
    "Stream",
    "TradeEvent",
    "TradeStream",
    "VenueClient",
]
