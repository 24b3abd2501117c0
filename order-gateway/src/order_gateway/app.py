"""The composition root of the order gateway: the only place where its objects meet."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from order_gateway.account_administration import AccountAdministration
from order_gateway.administration import Administration
from order_gateway.authentication import Authentication, Guard
from order_gateway.catalogue import Catalogue
from order_gateway.expiry import Expiry
from order_gateway.health import SERVICE, watch_health
from order_gateway.key_administration import KeyAdministration
from order_gateway.operations import Operations
from order_gateway.page.routes import add_pages
from order_gateway.rate_limit import Buckets, RateLimits
from order_gateway.routes import include_routes
from order_gateway.settings import GatewaySettings
from order_gateway.ws.entry import Entry
from order_gateway.ws.keys import KeyWatch
from tapewire import __version__
from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.matching.engine import Engine, MatchingLimits
from tapewire.matching.queries import Queries
from tapewire.redis.client import RedisAddress, open_async, wait_until_ready
from tapewire.runtime.supervision import Supervisor
from tapewire.settings import VenueSettings
from tapewire.values.instruments import load_instruments
from tapewire.values.paper_money import parse_paper_money
from tapewire.web.body_limit import BodyLimit
from tapewire.web.health import RedisProbe, health_router
from tapewire.web.problem import ProblemApp

logger = logging.getLogger(__name__)

_DESCRIPTION = """Orders in over REST; the market-data service sends every trade out over WebSocket.

Decimals are strings, in and out. Every error answer is `application/problem+json` with a stable
`code`. An answer that was lost can be asked for again with the same `client_order_id`.

A gateway with `TAPEWIRE_AUTH=keys` wants `Authorization: Bearer KEY` with every request but those
for instruments, and the key says whose it is. At an open gateway, which is the default,
an account is named by the header `X-Account`; whoever leaves it out shares the account `demo` with
all others who do. Self-trade prevention is `expire_taker` for a named account and `none` for
`demo`, so that two orders sent without a name trade; what an order says always counts.

What an account or an address sends is limited: `RateLimit-Limit`, `RateLimit-Remaining` and
`RateLimit-Reset` (seconds until nothing is used) say where it stands.
"""


def create_app(settings: GatewaySettings) -> FastAPI:
    """The gateway's application; its lifespan connects it. Raises ConfigurationError."""
    instruments = load_instruments(settings.venue.instruments)
    address = RedisAddress(
        settings.venue.redis_url,
        connect_timeout_s=settings.venue.redis_connect_timeout_s,
        timeout_s=settings.venue.redis_timeout_s,
        client_name=SERVICE,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Raises RedisUnavailable or InstrumentConflict if the gateway cannot start."""
        async with AsyncExitStack() as stack:
            engine = await _open_engine(address, settings.venue, stack)
            queries = Queries(engine.batcher)
            catalogue = Catalogue(engine, queries)
            await catalogue.open(instruments)
            probe = RedisProbe(address)
            stack.push_async_callback(probe.close)
            tasks = await stack.enter_async_context(Supervisor())
            expiry = Expiry(engine, interval_s=settings.expiry_interval_s)
            operations = Operations(engine, queries, catalogue)
            entry = Entry(
                operations,
                app.state.rate_limits,
                drain_timeout_s=settings.graceful_shutdown_timeout_s,
            )
            stack.push_async_callback(entry.close)
            verifier = _open_keys(app, address, engine, stack)
            app.state.entry = app.state.drain = entry
            app.state.catalogue = catalogue
            app.state.operations = operations
            app.state.administration = Administration(engine, queries, catalogue)
            app.state.account_administration = AccountAdministration(engine, queries, catalogue)
            app.state.health = watch_health(
                probe, engine, catalogue, expiry, tasks=tasks, drain=entry.check
            )
            tasks.start("expiry", expiry.run)
            if app.state.needs_keys:
                tasks.start("keys", KeyWatch(verifier, entry.sessions).run)
            logger.info("trading %d instruments on %s", len(instruments), address.shown)
            yield

    app = ProblemApp(
        title="Tapewire order gateway",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
    )
    app.state.rate_limits = _rate_limits(settings)
    app.state.needs_keys = settings.venue.auth == "keys"
    if app.state.needs_keys:
        app.add_middleware(Guard)
    app.add_middleware(BodyLimit, bytes_max=REQUEST_BODY_BYTES_MAX)
    include_routes(app, needs_keys=app.state.needs_keys)
    app.include_router(health_router(SERVICE))
    add_pages(app, settings.feed_url, settings.venue.auth)
    return app


async def _open_engine(
    address: RedisAddress, venue: VenueSettings, stack: AsyncExitStack
) -> Engine:
    """The engine, once Redis answers. With keys an admin opens accounts, and nobody else."""
    await _wait_for_redis(address, venue.startup_timeout_s)
    engine = await Engine.open(
        address,
        MatchingLimits(funds_checked=venue.funds == "checked"),
        None if venue.auth == "keys" else parse_paper_money(venue.paper_balances),
    )
    stack.push_async_callback(engine.close)
    await engine.ready()
    return engine


def _open_keys(
    app: FastAPI, address: RedisAddress, engine: Engine, stack: AsyncExitStack
) -> KeyVerifier:
    """What knows API keys; they are made and revoked at an open gateway too."""
    store = ApiKeyStore.open(address)
    stack.push_async_callback(store.close)
    verifier = KeyVerifier(store)
    app.state.authentication = Authentication(verifier, app.state.rate_limits)
    app.state.key_administration = KeyAdministration(store, engine)
    return verifier


def _rate_limits(settings: GatewaySettings) -> RateLimits:
    def buckets(per_second: int, burst: int) -> Buckets | None:
        if per_second == 0:
            return None
        names_max = settings.rate_limit_names_max
        return Buckets(per_second=per_second, burst=burst, names_max=names_max)

    return RateLimits(
        accounts=buckets(settings.account_orders_per_s, settings.account_burst),
        addresses=buckets(settings.address_orders_per_s, settings.address_burst),
    )


async def _wait_for_redis(address: RedisAddress, timeout_s: float) -> None:
    client = open_async(address)
    try:
        await wait_until_ready(client, address, timeout_s)
    finally:
        await client.aclose()
