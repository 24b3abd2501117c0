"""The composition root of the market-data service: the only place where its objects meet."""

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from market_data.asyncapi import router as asyncapi_router
from market_data.books import Books
from market_data.canary import Canary
from market_data.candle_feed import CHANNEL_OF, CandleFeed
from market_data.candle_log import CandleLog
from market_data.conversation import Conversations
from market_data.drain import Drain
from market_data.feed import Feed
from market_data.health import watch_health
from market_data.heartbeat import Heartbeats
from market_data.hub import Hub
from market_data.limits import FanoutLimits
from market_data.market_records import MarketRecords
from market_data.poller import Poller
from market_data.protocol import SERVICE
from market_data.replay_log import ReplayLog
from market_data.resume import Resumer
from market_data.routes import router
from market_data.settings import MarketDataSettings
from market_data.state_routes import router as state_router
from market_data.subscriptions import BOOK_DEPTHS
from market_data.trade_routes import router as trade_router
from market_data.trade_stream import TradeStreams
from market_data.venue_clock import VenueClock
from tapewire import __version__, keys
from tapewire.health import RedisProbe, health_router
from tapewire.problem import ProblemApp
from tapewire.redis_client import RedisAddress, open_async, wait_until_ready
from tapewire.supervision import Supervisor

logger = logging.getLogger(__name__)

_DESCRIPTION = """Every trade of the venue over WebSocket (`/ws/market-data`), in order, each
exactly once. The messages are described in docs/protocol.md.
"""


def create_app(settings: MarketDataSettings) -> FastAPI:
    """The service's application; its lifespan connects it. Raises ConfigurationError."""
    address = RedisAddress(
        settings.venue.redis_url,
        connect_timeout_s=settings.venue.redis_connect_timeout_s,
        timeout_s=settings.venue.redis_timeout_s,
        client_name=SERVICE,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Raises RedisUnavailable if Redis does not answer in time."""
        async with AsyncExitStack() as stack:
            client = open_async(address)
            stack.push_async_callback(client.aclose)
            await wait_until_ready(client, address, settings.venue.startup_timeout_s)
            hub = Hub(limits=FanoutLimits(lag_messages_max=settings.lag_messages_max))
            log = ReplayLog(client)
            canary = Canary(
                client,
                log,
                keys.canary_channel(uuid.uuid4().hex),
                interval_s=settings.canary_interval_s,
            )
            poller = Poller(
                address,
                (keys.TRADE_CHANNEL, keys.BOOK_CHANNEL, canary.channel),
                poll_timeout_s=settings.poll_timeout_s,
                batch_messages_max=settings.batch_messages_max,
            )
            stack.callback(poller.close)
            books = Books(MarketRecords(client), hub)
            clock = VenueClock()
            candle_log = CandleLog(client)
            candles = CandleFeed(candle_log, hub, clock)
            feed = Feed(poller, log, hub, canary, books=books, candles=candles)
            resumer = Resumer(feed, log)
            stack.push_async_callback(resumer.close)
            heartbeats = Heartbeats(
                hub, feed, canary, books.mark, canary_timeout_s=settings.canary_timeout_s
            )
            drain = Drain(hub, feed, spread_s=settings.drain_spread_s)
            probe = RedisProbe(address)
            stack.push_async_callback(probe.close)
            supervisor = await stack.enter_async_context(Supervisor())
            supervisor.start("feed", feed.run)
            supervisor.start("canary", canary.run)
            supervisor.start("heartbeats", heartbeats.run)
            app.state.conversations = Conversations(
                hub,
                feed,
                resumer,
                dict.fromkeys(("bbo", *BOOK_DEPTHS), books.first_frame)
                | dict.fromkeys(CHANNEL_OF.values(), candles.first_frame),
            )
            app.state.drain = drain
            app.state.feed = feed
            app.state.books = books
            app.state.candle_log = candle_log
            app.state.clock = clock
            app.state.replay_log = log
            app.state.trade_streams = TradeStreams(feed, log, drain)
            app.state.health = watch_health(
                probe,
                supervisor=supervisor,
                feed=feed,
                canary=canary,
                hub=hub,
                drain=drain,
                canary_timeout_s=settings.canary_timeout_s,
            )
            yield

    app = ProblemApp(
        title="Tapewire market data",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
    )
    app.include_router(router)
    app.include_router(trade_router)
    app.include_router(state_router)
    app.include_router(asyncapi_router)
    app.include_router(health_router(SERVICE, {"active_connections": 0}))
    return app
