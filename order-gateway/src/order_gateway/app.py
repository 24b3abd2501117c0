"""The composition root of the order gateway: the only place where its objects meet."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from order_gateway.health import SERVICE, watch_health
from order_gateway.routes import router
from order_gateway.settings import GatewaySettings
from tapewire import __version__
from tapewire.body_limit import BodyLimit
from tapewire.health import RedisProbe, health_router
from tapewire.instruments import load_instruments
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.problem import ProblemApp
from tapewire.redis_client import RedisAddress, open_async, wait_until_ready

logger = logging.getLogger(__name__)

_DESCRIPTION = """Orders in over REST; the market-data service sends every trade out over WebSocket.

Decimals are strings, in and out. Every error answer is `application/problem+json` with a stable
`code`. An answer that was lost can be asked for again with the same `client_order_id`.
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
            await _wait_for_redis(address, settings.venue.startup_timeout_s)
            engine = await Engine.open(address)
            stack.push_async_callback(engine.close)
            await engine.ready()
            await engine.publish_instruments(instruments)
            probe = RedisProbe(address)
            stack.push_async_callback(probe.close)
            app.state.engine = engine
            app.state.queries = Queries(engine.batcher)
            app.state.health = watch_health(probe, engine, instruments)
            logger.info("trading %d instruments on %s", len(instruments), address.shown)
            yield

    app = ProblemApp(
        title="Tapewire order gateway",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
    )
    app.state.instruments = instruments
    app.add_middleware(BodyLimit, bytes_max=REQUEST_BODY_BYTES_MAX)
    app.include_router(router)
    app.include_router(health_router(SERVICE))
    return app


async def _wait_for_redis(address: RedisAddress, timeout_s: float) -> None:
    client = open_async(address)
    try:
        await wait_until_ready(client, address, timeout_s)
    finally:
        await client.aclose()
