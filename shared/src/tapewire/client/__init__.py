"""The venue for programs (docs/client.md): orders, market data, streams, administration.

May import: `errors`, `limits`, `runtime`, `values`, `wire`, `web`.

async with VenueClient(account="alice") as venue:
    order = await venue.place("BTC-USDT", "buy", "0.5", "55000.00")
    async for trade in venue.feed().trades(["BTC-USDT"]):
        print(trade.seq, trade.price_decimal, trade.quantity_decimal)
"""

from tapewire.client.admin_replies import (
    ApiKey,
    DelistedInstrument,
    KilledAccount,
    KilledVenue,
    NewApiKey,
    Transfer,
)
from tapewire.client.balance_keeper import Balances
from tapewire.client.book_copy import BookCopy
from tapewire.client.calls import UNCHANGED, Call
from tapewire.client.errors import (
    BookError,
    ContinuityError,
    EpochError,
    FeedRefused,
    FeedUnavailable,
    GapError,
    RequestRefused,
    Unreachable,
)
from tapewire.client.link import LinkOptions
from tapewire.client.market_data import MarketDataClient
from tapewire.client.order_entry import OrderEntry
from tapewire.client.order_keeper import KeptOrder, OrderKeeper
from tapewire.client.order_requests import Amend, Cancel, ListOrder, Place
from tapewire.client.pair_calls import Replaced
from tapewire.client.pair_replies import OrderList
from tapewire.client.replies import (
    AccountBalance,
    AccountBounds,
    AccountInfo,
    Auction,
    BestPrices,
    BookLevels,
    DeadManTimer,
    HistoryFill,
    InstrumentInfo,
    PastCandle,
    PriceLevel,
    ServiceHealth,
    ServiceReadiness,
    Ticker,
    VenueTime,
)
from tapewire.client.rest import RestOptions
from tapewire.client.stream import ReportStream, Stream, TrackedStream, TradeStream
from tapewire.client.sync import SyncAdmin, SyncVenueClient
from tapewire.client.sync_streams import (
    SyncMarketDataClient,
    SyncOrderEntry,
    SyncStream,
    SyncTrackedStream,
)
from tapewire.client.tables import to_pandas
from tapewire.client.tracker import Position
from tapewire.client.venue import Admin, VenueClient
from tapewire.errors import (
    ConfigurationError,
    MessageError,
    OutcomeUnknown,
    TapewireError,
    Unavailable,
)
from tapewire.wire.account_feed import AssetBalance, OrderReport
from tapewire.wire.feed_messages import CandleState, Quote
from tapewire.wire.orders import OrderFill, PlacedOrder
from tapewire.wire.trade_event import TradeEvent

__all__ = [
    "UNCHANGED",
    "AccountBalance",
    "AccountBounds",
    "AccountInfo",
    "Admin",
    "Amend",
    "ApiKey",
    "AssetBalance",
    "Auction",
    "Balances",
    "BestPrices",
    "BookCopy",
    "BookError",
    "BookLevels",
    "Call",
    "Cancel",
    "CandleState",
    "ConfigurationError",
    "ContinuityError",
    "DeadManTimer",
    "DelistedInstrument",
    "EpochError",
    "FeedRefused",
    "FeedUnavailable",
    "GapError",
    "HistoryFill",
    "InstrumentInfo",
    "KeptOrder",
    "KilledAccount",
    "KilledVenue",
    "LinkOptions",
    "ListOrder",
    "MarketDataClient",
    "MessageError",
    "NewApiKey",
    "OrderEntry",
    "OrderFill",
    "OrderKeeper",
    "OrderList",
    "OrderReport",
    "OutcomeUnknown",
    "PastCandle",
    "Place",
    "PlacedOrder",
    "Position",
    "PriceLevel",
    "Quote",
    "Replaced",
    "ReportStream",
    "RequestRefused",
    "RestOptions",
    "ServiceHealth",
    "ServiceReadiness",
    "Stream",
    "SyncAdmin",
    "SyncMarketDataClient",
    "SyncOrderEntry",
    "SyncStream",
    "SyncTrackedStream",
    "SyncVenueClient",
    "TapewireError",
    "Ticker",
    "TrackedStream",
    "TradeEvent",
    "TradeStream",
    "Transfer",
    "Unavailable",
    "Unreachable",
    "VenueClient",
    "VenueTime",
    "to_pandas",
]
