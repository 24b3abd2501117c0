"""Two gateways of one venue, for tests whose results are the same at both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import redis

from tests.support.running.processes import Service, running_gateway
from tests.support.transport.rest import JSON

# Tests send more orders a second than the default limit of one client.
UNLIMITED = {
    "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "0",
    "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "0",
}
INSTRUMENT: dict[str, Any] = {
    "base": "ACME",
    "quote": "USD",
    "tick_size": "0.01",
    "lot_size": "1",
    "min_quantity": "1",
    "max_quantity": "1000",
}


@dataclass(frozen=True, slots=True)
class GatewayPair:
    """Two gateways on one Redis."""

    first: Service
    second: Service


@dataclass(frozen=True, slots=True)
class Desk:
    """Clients of both gateways and of their Redis, which is empty at the start of a test."""

    here: httpx.Client
    there: httpx.Client
    redis: redis.Redis

    def add_instrument(self, symbol: str, **changes: Any) -> dict[str, Any]:
        """Add an instrument that no other test uses, through the first gateway."""
        reply = self.here.post(
            "/v1/admin/instruments", json=INSTRUMENT | {"symbol": symbol} | changes
        )
        assert reply.status_code == 201, reply.text
        added: dict[str, Any] = reply.json()
        return added

    def journal(self, op: str) -> list[dict[bytes, bytes]]:
        """Entries of the journal with this operation."""
        entries: Any = self.redis.xrange("{tw}:journal")
        return [fields for _, fields in entries if fields[b"op"] == op.encode()]


@contextmanager
def running_pair(redis_url: str, log_dir: Path) -> Iterator[GatewayPair]:
    """Run two gateways until the block ends."""
    with (
        running_gateway(redis_url, log_dir, UNLIMITED) as first,
        running_gateway(redis_url, log_dir, UNLIMITED) as second,
    ):
        yield GatewayPair(first, second)


@contextmanager
def opened_desk(pair: GatewayPair, redis_url: str) -> Iterator[Desk]:
    """Clients for one test."""
    with (
        httpx.Client(base_url=pair.first.url, headers=JSON, timeout=30) as here,
        httpx.Client(base_url=pair.second.url, headers=JSON, timeout=30) as there,
        redis.Redis.from_url(redis_url) as client,
    ):
        yield Desk(here, there, client)
