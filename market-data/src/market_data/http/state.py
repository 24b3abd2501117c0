"""The objects that the routes of a running process use: the typed `app.state`."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from market_data.clients.address_limit import AddressLimit
from market_data.clients.conversation import Conversations
from market_data.clients.drain import Drain
from market_data.clients.sources import TradeSource
from market_data.fanout.audience import Audience
from market_data.feed.feed import Feed
from market_data.feed.replay_log import ReplayLog
from market_data.http.trade_stream import TradeStreams
from market_data.market.books import Books
from market_data.market.venue_clock import VenueClock
from tapewire.market.candle_log import CandleLog
from tapewire.values.service_address import ServiceAddress
from tapewire.web.health import Health
from tapewire.web.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The objects of one process; `app.py` makes them."""

    feed: Feed
    replay_log: ReplayLog
    books: Books
    candle_log: CandleLog
    clock: VenueClock
    audience: Audience
    conversations: Conversations
    trades: TradeSource
    trade_streams: TradeStreams
    limit: AddressLimit
    page: ServiceAddress | None
    # The routes that both services share, and the server, find these by their names.
    drain: Drain
    health: Health
    metrics: Metrics


def state_of(connection: HTTPConnection) -> FeedState:
    """The state of the process that answers a request or a WebSocket."""
    state: FeedState = connection.app.state
    return state
