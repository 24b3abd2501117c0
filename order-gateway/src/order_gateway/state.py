"""The objects of a running gateway, as routes and middleware reach them: `app.state`."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from starlette.requests import HTTPConnection
from starlette.types import Scope

from order_gateway.account_administration import AccountAdministration
from order_gateway.administration import Administration
from order_gateway.authentication import Authentication
from order_gateway.binance.connections import BinanceConnections
from order_gateway.catalogue import Catalogue
from order_gateway.contest.contest import Contest
from order_gateway.key_administration import KeyAdministration
from order_gateway.operations import Operations
from order_gateway.page.routes import Pages
from order_gateway.rate_limit import RateLimits
from order_gateway.recorded_clock import RecordedClock
from order_gateway.ws.entry import Connection, Entry
from tapewire.api_keys.text import Identity
from tapewire.matching.queries import Queries
from tapewire.web.health import Health
from tapewire.web.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """Set once the gateway has started. The server itself uses `health`, `metrics` and `drain`."""

    operations: Operations
    catalogue: Catalogue
    queries: Queries
    administration: Administration
    account_administration: AccountAdministration
    key_administration: KeyAdministration
    contest: Contest
    authentication: Authentication
    needs_keys: bool
    rate_limits: RateLimits
    entry: Entry
    binance: BinanceConnections
    health: Health
    metrics: Metrics
    pages: Pages

    @property
    def clock(self) -> RecordedClock | None:
        """The clock of a venue on recorded time; None at a venue with a clock of its own."""
        return self.operations.clock

    def bearers(self) -> Iterator[tuple[Identity, Connection]]:
        """The identities of open connections with a key, of both interfaces."""
        return chain(self.entry.bearers(), self.binance.bearers())

    @property
    def drain(self) -> "Drain":
        """Answers and closes all connections before the server stops."""
        return Drain(self.entry, self.binance)


@dataclass(frozen=True, slots=True)
class Drain:
    """The end of all WebSocket connections of a gateway."""

    entry: Entry
    binance: BinanceConnections

    async def run(self) -> None:
        """Answer all read requests, then close every connection of both interfaces."""
        await asyncio.gather(self.entry.run(), self.binance.drain())


def state_of(connection: HTTPConnection) -> GatewayState:
    """The state of the application that a request or WebSocket reached."""
    return state_of_scope(connection.scope)


def state_of_scope(scope: Scope) -> GatewayState:
    """The state of the application of an ASGI scope."""
    state: GatewayState = scope["app"].state
    return state
