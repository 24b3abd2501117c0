"""The composition root of the market-data service: the only place where its objects meet."""

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from market_data.clients.authentication import Authenticator
from market_data.clients.conversation import Conversations
from market_data.clients.drain import Drain
from market_data.clients.key_checks import KeyChecks
from market_data.clients.protocol import SERVICE
from market_data.clients.resume import Resumer
from market_data.clients.sources import AccountSource, TradeSource
from market_data.fanout.hub import Hub
from market_data.fanout.lag import ACCOUNT_CHANNELS, BALANCES, TRADES
from market_data.fanout.memory_budget import MemoryBudget
from market_data.feed.account_log import AccountLog
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.feed.heartbeat import Heartbeats
from market_data.feed.poller import Poller
from market_data.feed.replay_log import ReplayLog
from market_data.http.asyncapi import router as asyncapi_router
from market_data.http.health import watch_health
from market_data.http.metrics import market_data_metrics
from market_data.http.routes import router
from market_data.http.state_routes import router as state_router
from market_data.http.trade_routes import router as trade_router
from market_data.http.trade_stream import TradeStreams
from market_data.limits import FanoutLimits
from market_data.market.market_state import MarketState
from market_data.market.mending import gap_mender
from market_data.settings import MarketDataSettings
from tapewire import __version__, keys
from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async, wait_until_ready
from tapewire.runtime.loop_lag import LoopLag
from tapewire.runtime.supervision import Supervisor
from tapewire.web.body_limit import BodyLimit
from tapewire.web.health import RedisProbe, health_router
from tapewire.web.metrics import Metrics, metrics_router
from tapewire.web.problem import ProblemApp

logger = logging.getLogger(__name__)

_DESCRIPTION = """Every trade of the venue over WebSocket (`/ws/market-data`), in order, each
exactly once. The messages are described in docs/protocol.md.
"""


def create_app(settings: MarketDataSettings) -> FastAPI:
    """The service's application; its lifespan connects it."""
    app = ProblemApp(
        title="Tapewire market data",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=partial(_run, settings=settings),
    )
    app.state.page = settings.page_address()
    app.add_middleware(BodyLimit, bytes_max=REQUEST_BODY_BYTES_MAX)
    app.include_router(router)
    app.include_router(trade_router)
    app.include_router(state_router)
    app.include_router(asyncapi_router)
    app.include_router(metrics_router())
    app.include_router(health_router(SERVICE, {"active_connections": 0}))
    return app


@dataclass(frozen=True, slots=True)
class _Following:
    """What follows the venue: everything between Redis and the clients."""

    hub: Hub
    log: ReplayLog
    canary: Canary
    market: MarketState
    feed: Feed
    conversations: Conversations
    key_checks: KeyChecks | None


def _follow(
    stack: AsyncExitStack, client: AsyncRedis, address: RedisAddress, settings: MarketDataSettings
) -> _Following:
    limits = FanoutLimits(lag_messages_max=settings.lag_messages_max)
    hub = Hub(limits=limits)
    log = ReplayLog(client)
    channel = keys.canary_channel(uuid.uuid4().hex)
    canary = Canary(
        client,
        log,
        channel,
        interval_s=settings.canary_interval_s,
        timeout_s=settings.canary_timeout_s,
    )
    poller = Poller(
        address,
        (
            keys.TRADE_CHANNEL,
            keys.BOOK_CHANNEL,
            keys.MARKET_CHANNEL,
            keys.ACCOUNT_CHANNEL,
            canary.channel,
        ),
        poll_timeout_s=settings.poll_timeout_s,
        batch_messages_max=settings.batch_messages_max,
    )
    stack.callback(poller.close)
    market = MarketState.follow(client, hub)
    accounts = AccountLog(client)
    feed = Feed(
        poller, log, hub, canary, books=market.books, candles=market.candles, accounts=accounts
    )
    first_frames = {**market.first_frames(), BALANCES: feed.accounts.balances_frame}
    hub.on_gap = gap_mender(first_frames)
    sources = {TRADES: TradeSource(feed.trades, log)} | dict.fromkeys(
        ACCOUNT_CHANNELS, AccountSource(feed.accounts, accounts)
    )
    resumer = Resumer(sources, feed.sequencer)
    stack.push_async_callback(resumer.close)
    verifier = _verifier(stack, address, settings)
    conversations = Conversations(
        hub,
        feed,
        resumer,
        first_frames,
        authenticator=Authenticator(verifier),
        clients_max=settings.clients_max,
    )
    stack.push_async_callback(conversations.logins.close)
    checks = None if verifier is None else KeyChecks(hub, conversations, verifier)
    return _Following(hub, log, canary, market, feed, conversations, checks)


def _verifier(
    stack: AsyncExitStack, address: RedisAddress, settings: MarketDataSettings
) -> KeyVerifier | None:
    if settings.venue.auth == "open":
        return None
    store = ApiKeyStore.open(address)
    stack.push_async_callback(store.close)
    return KeyVerifier(store)


@asynccontextmanager
async def _run(app: FastAPI, settings: MarketDataSettings) -> AsyncIterator[None]:
    """Connect and serve until the block ends. Raises ConfigurationError, RedisUnavailable."""
    address = RedisAddress(
        settings.venue.redis_url,
        connect_timeout_s=settings.venue.redis_connect_timeout_s,
        timeout_s=settings.venue.redis_timeout_s,
        client_name=SERVICE,
    )
    async with AsyncExitStack() as stack:
        client = open_async(address)
        stack.push_async_callback(client.aclose)
        await wait_until_ready(client, address, settings.venue.startup_timeout_s)
        venue = _follow(stack, client, address, settings)
        hub, feed, canary, market = venue.hub, venue.feed, venue.canary, venue.market
        drain = Drain(hub, feed, spread_s=settings.drain_spread_s)
        budget = MemoryBudget(hub, bytes_max=settings.memory_bytes_max)
        timeout_s = settings.canary_timeout_s
        heartbeats = Heartbeats(hub, feed, canary, market.books.mark, canary_timeout_s=timeout_s)
        probe = RedisProbe(address)
        stack.push_async_callback(probe.close)
        supervisor = await stack.enter_async_context(Supervisor())
        supervisor.start("feed", feed.run)
        supervisor.start("canary", canary.run)
        supervisor.start("heartbeats", heartbeats.run)
        supervisor.start("memory-budget", budget.run)
        if venue.key_checks is not None:
            supervisor.start("key-checks", venue.key_checks.run)
        app.state.drain, app.state.feed, app.state.market = drain, feed, market
        app.state.replay_log = venue.log
        app.state.conversations = venue.conversations
        app.state.trade_streams = TradeStreams(feed, venue.log, drain)
        lag = LoopLag()
        supervisor.start("loop-lag", lag.run)
        app.state.metrics = Metrics(
            market_data_metrics(
                feed,
                hub,
                canary,
                conversations=venue.conversations,
                streams=app.state.trade_streams,
                budget=budget,
            ),
            lag,
        )
        await stack.enter_async_context(app.state.metrics.shared(SERVICE, settings))
        app.state.health = watch_health(
            probe,
            supervisor=supervisor,
            feed=feed,
            canary=canary,
            hub=hub,
            drain=drain,
            canary_timeout_s=timeout_s,
        )
        yield
