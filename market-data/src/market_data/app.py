"""The composition root of the market-data service: the only place where its objects meet."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from fastapi import FastAPI

from market_data.binance import asyncapi as stream_asyncapi
from market_data.binance.conversation import StreamConversations
from market_data.binance.routes import StreamState
from market_data.binance.routes import router as stream_router
from market_data.binance.streams import Streams
from market_data.clients.address_limit import AddressLimit
from market_data.clients.authentication import Authenticator
from market_data.clients.client_state import bearers
from market_data.clients.conversation import Conversations, end_for_key
from market_data.clients.drain import Drain, tell_reconnect
from market_data.clients.resume import Resumer
from market_data.clients.sources import AccountSource, Source, TradeSource
from market_data.fanout.audience import Audience
from market_data.fanout.hub import Hub
from market_data.fanout.memory_budget import MemoryBudget
from market_data.feed.account_log import AccountLog
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.feed.heartbeat import Heartbeats
from market_data.feed.poller import Poller
from market_data.feed.replay_log import ReplayLog
from market_data.http import asyncapi
from market_data.http.feed_socket import router as socket_router
from market_data.http.health import watch_health
from market_data.http.metrics import market_data_metrics
from market_data.http.state_routes import router as state_router
from market_data.http.trade_routes import router as trade_router
from market_data.http.trade_stream import TradeStreams
from market_data.limits import FanoutLimits
from market_data.market.books import Books
from market_data.market.candle_keeper import CandleFeed
from market_data.market.venue_clock import VenueClock
from market_data.settings import SERVICE, MarketDataSettings
from market_data.topics import ACCOUNT_CHANNELS, TRADES
from tapewire import __version__, keys
from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.api_keys.watch import KeyWatch
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.market.candle_log import CandleLog
from tapewire.market.market_records import MarketRecords
from tapewire.market.trade_log import TradeLog
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async, wait_until_ready
from tapewire.redis.failovers import FailoverWatch
from tapewire.redis.memory_watch import MemoryWatch
from tapewire.runtime.loop_lag import LoopLag
from tapewire.runtime.supervision import Supervisor
from tapewire.web.body_limit import BodyLimit
from tapewire.web.health import RedisProbe, health_router
from tapewire.web.machine_document import document_router
from tapewire.web.metrics import Metrics, metrics_router
from tapewire.web.problem import ProblemApp

_CHANNELS = (
    keys.TRADE_CHANNEL,
    keys.BOOK_CHANNEL,
    keys.MARKET_CHANNEL,
    keys.ACCOUNT_CHANNEL,
    keys.VENUE_CHANNEL,
)

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
    app.add_middleware(BodyLimit, bytes_max=REQUEST_BODY_BYTES_MAX)
    app.include_router(socket_router)
    # After the feed, whose address begins with theirs.
    app.include_router(stream_router)
    app.include_router(trade_router)
    app.include_router(state_router)
    app.include_router(document_router(asyncapi.PATH, asyncapi.asyncapi_document))
    app.include_router(document_router(stream_asyncapi.PATH, stream_asyncapi.streams_document))
    app.include_router(metrics_router())
    app.include_router(health_router(SERVICE, {"active_connections": 0}))
    return app


@asynccontextmanager
async def _run(app: ProblemApp, settings: MarketDataSettings) -> AsyncIterator[None]:
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
        supervisor = Supervisor()
        state, tasks = _assemble(stack, client, address, settings, supervisor)
        state.metrics.add(app.connections)
        app.state = cast("Any", state)
        await stack.enter_async_context(state.metrics.shared(SERVICE, settings))
        # The last one to enter and the first one to leave: its tasks use all the others.
        await stack.enter_async_context(supervisor)
        for name, run in tasks.items():
            supervisor.start(name, run)
        yield


@dataclass(frozen=True, slots=True)
class _Following:
    """The objects between Redis and the clients."""

    hub: Hub
    streams: Streams
    audience: Audience
    log: ReplayLog
    canary: Canary
    books: Books
    clock: VenueClock
    candle_log: CandleLog
    account_log: AccountLog
    feed: Feed


def _follow(
    stack: AsyncExitStack, client: AsyncRedis, address: RedisAddress, settings: MarketDataSettings
) -> _Following:
    limits = FanoutLimits(lag_messages_max=settings.lag_messages_max)
    hub, log = Hub(limits=limits), ReplayLog(client)
    canary = Canary(
        client,
        log,
        keys.canary_channel(uuid.uuid4().hex),
        interval_s=settings.canary_interval_s,
        timeout_s=settings.canary_timeout_s,
    )
    poller = Poller(
        address,
        (*_CHANNELS, canary.channel),
        poll_timeout_s=settings.poll_timeout_s,
        batch_messages_max=settings.batch_messages_max,
    )
    stack.callback(poller.close)
    clock = VenueClock()
    candle_log, accounts = CandleLog(client), AccountLog(client)
    streams = Streams(
        limits,
        clock,
        candles=candle_log,
        trades=TradeLog(client),
        known_symbols=lambda: feed.sequencer.listed,
    )
    books = Books(MarketRecords(client), hub, streams)
    candles = CandleFeed(candle_log, hub, clock)
    feed = Feed(
        poller, log, hub, canary, books=books, candles=candles, accounts=accounts, listener=streams
    )
    audience = Audience(hub, streams.hub, clients_max=settings.clients_max)
    return _Following(hub, streams, audience, log, canary, books, clock, candle_log, accounts, feed)


def _converse(
    stack: AsyncExitStack,
    venue: _Following,
    trades: TradeSource,
    authenticator: Authenticator,
) -> Conversations:
    feed = venue.feed
    accounts = AccountSource(feed.accounts, venue.account_log)
    sources: dict[str, Source] = {TRADES: trades, **dict.fromkeys(ACCOUNT_CHANNELS, accounts)}
    resumer = Resumer(sources, feed.sequencer)
    stack.push_async_callback(resumer.close)
    conversations = Conversations(venue.hub, feed, resumer, authenticator=authenticator)
    stack.push_async_callback(conversations.errands.close)
    return conversations


def _converse_on_streams(stack: AsyncExitStack, venue: _Following) -> StreamConversations:
    outlet = venue.streams.outlet
    conversations = StreamConversations(outlet.hub, venue.feed, outlet.table)
    stack.push_async_callback(conversations.errands.close)
    return conversations


def _drain(venue: _Following, settings: MarketDataSettings) -> Drain:
    return Drain(
        venue.audience,
        partial(tell_reconnect, venue.hub, venue.feed),
        venue.streams.tell_shutdown,
        spread_s=settings.drain_spread_s,
    )


def _tasks(
    venue: _Following, settings: MarketDataSettings
) -> dict[str, Callable[[], Awaitable[None]]]:
    """The tasks that follow the venue."""
    heartbeats = Heartbeats(
        venue.hub,
        venue.feed,
        venue.canary,
        venue.books.mark,
        canary_timeout_s=venue.canary.timeout_s,
    )
    return {
        "feed": venue.feed.run,
        "canary": venue.canary.run,
        "heartbeats": heartbeats.run,
        "binance-streams": venue.streams.run,
        "binance-statistics": venue.streams.statistics.run,
        "memory-budget": MemoryBudget(venue.audience, bytes_max=settings.memory_bytes_max).run,
    }


def _assemble(
    stack: AsyncExitStack,
    client: AsyncRedis,
    address: RedisAddress,
    settings: MarketDataSettings,
    supervisor: Supervisor,
) -> tuple[StreamState, Mapping[str, Callable[[], Awaitable[None]]]]:
    """Make the objects of the process; returns also its background tasks, by name."""
    probe = RedisProbe(address)
    stack.push_async_callback(probe.close)
    verifier = _verifier(stack, address, settings)
    venue = _follow(stack, client, address, settings)
    limit, trades = AddressLimit.of_settings(settings), TradeSource(venue.feed.trades, venue.log)
    authenticator = Authenticator(verifier, limit)
    conversations = _converse(stack, venue, trades, authenticator)
    hub, feed, canary = venue.hub, venue.feed, venue.canary
    stream_conversations = _converse_on_streams(stack, venue)
    drain = _drain(venue, settings)
    streams, lag = TradeStreams(feed, venue.log, drain), LoopLag()
    memory = MemoryWatch(client)
    tasks = _tasks(venue, settings) | {"loop-lag": lag.run, "redis-memory": memory.run}
    failovers = FailoverWatch(address, on_ended=lambda *_: canary.search_soon())
    if failovers.is_needed:
        tasks["failovers"] = failovers.run
    if verifier is not None:
        tasks["keys"] = KeyWatch(verifier, lambda: bearers(hub.sessions), end_for_key).run
    figures = market_data_metrics(
        feed,
        hub,
        canary,
        audience=venue.audience,
        request_errors=lambda: conversations.errors + stream_conversations.errors,
        streams=streams,
    )
    state = StreamState(
        audience=venue.audience,
        stream_conversations=stream_conversations,
        feed=feed,
        replay_log=venue.log,
        books=venue.books,
        candle_log=venue.candle_log,
        clock=venue.clock,
        conversations=conversations,
        trades=trades,
        trade_streams=streams,
        limit=limit,
        page=settings.page_address(),
        drain=drain,
        health=watch_health(
            probe,
            supervisor=supervisor,
            feed=feed,
            canary=canary,
            audience=venue.audience,
            drain=drain,
            canary_timeout_s=canary.timeout_s,
        ),
        metrics=Metrics(figures, lag, memory),
    )
    return state, tasks


def _verifier(
    stack: AsyncExitStack, address: RedisAddress, settings: MarketDataSettings
) -> KeyVerifier | None:
    """The verifier of keys; None in an open venue."""
    if settings.venue.auth == "open":
        return None
    store = ApiKeyStore.open(address)
    stack.push_async_callback(store.close)
    return KeyVerifier(store)
