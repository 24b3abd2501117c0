"""The composition root of the order gateway: its objects are made and joined here only."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, cast

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer

from order_gateway import (
    account_admin_routes,
    account_routes,
    admin_routes,
    asyncapi,
    binance_routes,
    contest_routes,
    instrument_routes,
    key_routes,
    order_list_routes,
    order_routes,
    socket_routes,
)
from order_gateway.account_administration import AccountAdministration
from order_gateway.administration import Administration
from order_gateway.authentication import Authentication
from order_gateway.binance_routes import BinanceRest, make_connections
from order_gateway.catalogue import Catalogue
from order_gateway.clock import ClockWatch
from order_gateway.contest.auditing import VenueAudit
from order_gateway.contest.contest import Contest
from order_gateway.expiry import Expiry
from order_gateway.guard import Guard, LocalAdministration
from order_gateway.health import SERVICE, watch_health
from order_gateway.key_administration import KeyAdministration
from order_gateway.metrics import Activity, GatewayMetrics
from order_gateway.operations import OPERATION_NAMES, Operations
from order_gateway.page.routes import add_pages
from order_gateway.rate_limit import RateLimits, make_rate_limits
from order_gateway.recorded_clock import RecordedClock
from order_gateway.settings import GatewaySettings
from order_gateway.state import GatewayState
from order_gateway.ws.entry import Connection, Entry
from tapewire import __version__
from tapewire.api_keys.signing import ensure_master
from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.api_keys.watch import KeyWatch
from tapewire.errors import ConfigurationError, Refusal
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.redis.client import RedisAddress, open_async, wait_until_ready
from tapewire.redis.failovers import FailoverGuard, FailoverWatch
from tapewire.redis.replication import warn_of_replication_risk
from tapewire.runtime.loop_lag import LoopLag
from tapewire.runtime.supervision import Supervisor
from tapewire.settings import VenueSettings
from tapewire.values.instruments import load_instruments
from tapewire.values.paper_money import parse_paper_money
from tapewire.values.types import Instrument, Symbol
from tapewire.web.body_limit import BodyLimit
from tapewire.web.health import RedisProbe, health_router
from tapewire.web.machine_document import document_router
from tapewire.web.metrics import Metrics, metrics_router
from tapewire.web.problem import ProblemApp

logger = logging.getLogger(__name__)

PREFIX = "/v1"
KEY_SCHEME = "ApiKey"

_DESCRIPTION = """Orders in over REST and WebSocket; the market-data service sends every trade out.

Decimals are strings, in and out. Every error answer is `application/problem+json` with a stable
`code`. A request whose answer was lost may be sent again with the same `client_order_id`.

A gateway with `TAPEWIRE_AUTH=keys` requires `Authorization: Bearer KEY` with every request except
those for instruments and the time, and the key determines the account. At an open gateway, which is
the default, the header `X-Account` names the account; requests without one share the account
`demo`.
Self-trade prevention is `expire_taker` for a named account and `none` for
`demo`, so that two orders without an account name trade; an order may choose its own mode.

Requests of an account and of an address are limited: `RateLimit-Limit`, `RateLimit-Remaining` and
`RateLimit-Reset` (seconds until nothing is used) show the scarcer of the two limits.

`WS /v1/ws` has the same operations; `/asyncapi.json` describes its messages.
"""


def create_app(settings: GatewaySettings) -> FastAPI:
    """The gateway's application; its lifespan connects it. Raises ConfigurationError."""
    if settings.venue.clock == "recorded" and settings.workers > 1:
        raise ConfigurationError(
            "TAPEWIRE_GATEWAY_WORKERS must be 1 with TAPEWIRE_CLOCK=recorded, "
            "because each worker has a recorded clock of its own"
        )
    instruments = load_instruments(settings.venue.instruments)
    app = ProblemApp(
        title="Tapewire order gateway",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=partial(_run, settings=settings, instruments=instruments),
    )
    needs_keys = settings.venue.auth == "keys"
    if needs_keys:
        app.add_middleware(Guard)
    elif settings.open_admin_from == "loopback":
        app.add_middleware(LocalAdministration)
    app.add_middleware(BodyLimit, bytes_max=REQUEST_BODY_BYTES_MAX)
    app.add_middleware(BinanceRest)
    # Direct routes resolve no dependencies. This dependency only documents the guard.
    key = [Security(HTTPBearer(scheme_name=KEY_SCHEME, auto_error=False))] if needs_keys else []
    for group in (
        # Routes are tried in this order, and most requests place an order.
        order_routes,
        order_list_routes,
        account_routes,
        admin_routes,
        account_admin_routes,
        key_routes,
        contest_routes,
    ):
        app.include_router(group.router, prefix=PREFIX, dependencies=key)
    for public in (instrument_routes, socket_routes):
        app.include_router(public.router, prefix=PREFIX)
    app.include_router(binance_routes.router)
    app.include_router(health_router(SERVICE))
    app.include_router(metrics_router())
    app.include_router(document_router(asyncapi.PATH, asyncapi.asyncapi_document))
    add_pages(app, settings.feed_url, settings.venue.auth)
    return app


@asynccontextmanager
async def _run(
    app: ProblemApp, settings: GatewaySettings, instruments: dict[Symbol, Instrument]
) -> AsyncIterator[None]:
    """Connect and serve until the block ends. Raises RedisUnavailable, InstrumentConflict."""
    address, master = _address(settings.venue), _signing_master(settings)
    async with AsyncExitStack() as stack:
        guard = FailoverGuard(settings.replicas_min)
        engine, clock = await _open_engine(address, settings.venue, stack, guard)
        queries = Queries(engine.batcher)
        catalogue = Catalogue(engine, queries)
        await catalogue.open(instruments)
        jumps = await _watch_clock(engine, queries)
        probe, store = RedisProbe(address), ApiKeyStore.open(address, guard)
        for opened in (probe, store):
            stack.push_async_callback(opened.close)
        tasks = await stack.enter_async_context(Supervisor())
        expiry, lag = Expiry(engine, interval_s=settings.expiry_interval_s), LoopLag()
        activity, rate_limits = Activity(OPERATION_NAMES), make_rate_limits(settings)
        operations = Operations(engine, queries, catalogue, activity, clock)
        entry = _entry(operations, rate_limits, activity, settings)
        stack.push_async_callback(entry.close)
        verifier, reader = KeyVerifier(store), open_async(address)
        stack.push_async_callback(reader.aclose)
        binance = make_connections(
            settings, reader, operations=operations, queries=queries, catalogue=catalogue,
            verifier=verifier, limits=rate_limits, refusals=activity.refusals, master=master,
        )  # fmt: skip
        figures = _figures(
            app, activity, engine, expiry, lambda: entry.open_count + binance.open_count
        )
        contest = Contest(engine, queries, catalogue, VenueAudit(address), settings.venue.auth)
        state = GatewayState(
            operations=operations,
            catalogue=catalogue,
            queries=queries,
            administration=Administration(engine, queries, catalogue),
            account_administration=AccountAdministration(engine, queries, catalogue),
            key_administration=KeyAdministration(store, engine, master),
            contest=contest,
            authentication=Authentication(verifier, rate_limits),
            needs_keys=settings.venue.auth == "keys",
            rate_limits=rate_limits,
            entry=entry,
            binance=binance,
            health=watch_health(
                probe, engine, catalogue, expiry, jumps, tasks=tasks, drain=entry.check
            ),
            metrics=Metrics(figures, app.connections, lag),
            pages=app.state.pages,
        )
        await stack.enter_async_context(state.metrics.shared(SERVICE, settings))
        own = {"expiry": expiry.run, "clock": jumps.run, "loop-lag": lag.run}
        own["user-streams"] = binance.streams.run
        for name, run in {**own, **contest.tasks}.items():
            tasks.start(name, run)
        _follow_failovers(address, guard, tasks)
        _watch_keys(state, tasks)
        app.state = cast("Any", state)
        logger.info("trading %d instruments on %s", len(instruments), address.shown)
        yield


def _signing_master(settings: GatewaySettings) -> bytes | None:
    """The master secret of signed calls, if a file is named. Raises ConfigurationError."""
    path = settings.signing_master_file
    return None if path is None else ensure_master(path)


def _figures(
    app: ProblemApp,
    activity: Activity,
    engine: Engine,
    expiry: Expiry,
    sockets: Callable[[], int],
) -> GatewayMetrics:
    return GatewayMetrics(
        activity,
        engine.batcher,
        expired=lambda: expiry.ended,
        sockets=sockets,
        problems=app.problems,
    )


def _address(venue: VenueSettings) -> RedisAddress:
    return RedisAddress(
        venue.redis_url,
        connect_timeout_s=venue.redis_connect_timeout_s,
        timeout_s=venue.redis_timeout_s,
        client_name=SERVICE,
    )


async def _open_engine(
    address: RedisAddress, venue: VenueSettings, stack: AsyncExitStack, guard: FailoverGuard
) -> tuple[Engine, RecordedClock | None]:
    """The engine once Redis answers, and its clock at a venue on recorded time.

    At a venue with keys only administrators open accounts.
    """
    await _wait_for_redis(address, venue.startup_timeout_s)
    engine = await Engine.open(
        address,
        MatchingLimits(funds_checked=venue.funds == "checked"),
        None if venue.auth == "keys" else parse_paper_money(venue.paper_balances),
        guard=guard,
    )
    stack.push_async_callback(engine.close)
    clock = RecordedClock(engine) if venue.clock == "recorded" else None
    await engine.ready()
    await warn_of_replication_risk(engine.client)
    return engine, clock


def _entry(
    operations: Operations, rate_limits: RateLimits, activity: Activity, settings: GatewaySettings
) -> Entry:
    return Entry(
        operations,
        rate_limits,
        activity.refusals,
        drain_timeout_s=settings.graceful_shutdown_timeout_s,
    )


async def _watch_clock(engine: Engine, queries: Queries) -> ClockWatch:
    """Have the engine refuse commands while the clock of Redis is off. Raises Unavailable.

    A command with a recorded time is not refused, because it does not use the clock of Redis.
    """
    watch = ClockWatch(queries)
    await watch.start()
    engine.expected_clock = watch.expected
    return watch


def _follow_failovers(address: RedisAddress, guard: FailoverGuard, tasks: Supervisor) -> None:
    """Tell the batchers about failovers that Sentinels announce."""
    watch = FailoverWatch(address, on_begun=guard.begin, on_ended=guard.end)
    if watch.is_needed:
        guard.is_told = True
        tasks.start("failovers", watch.run)


async def _wait_for_redis(address: RedisAddress, timeout_s: float) -> None:
    client = open_async(address)
    try:
        await wait_until_ready(client, address, timeout_s)
    finally:
        await client.aclose()


def _watch_keys(state: GatewayState, tasks: Supervisor) -> None:
    """At a venue with keys, end the connections whose key is no longer valid."""
    if state.needs_keys:

        def end(connection: Connection, fault: Refusal) -> None:
            connection.end_for_key(fault)

        watch = KeyWatch(state.authentication.verifier, state.bearers, end)
        tasks.start("keys", watch.run)
