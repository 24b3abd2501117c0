"""Both services as processes that know each other's port, for browsers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.running.processes import (
    RICH,
    Service,
    free_port,
    start,
    wait_until_ready,
)

REQUEST_TIMEOUT_S = 10.0


@dataclass(slots=True)
class PageVenue:
    """A gateway with its page, and a feed that may be killed and started again."""

    redis_url: str
    folder: Path
    variables: dict[str, str]
    gateway: Service = field(init=False)
    market_data: Service = field(init=False)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.gateway.url

    def start(self) -> None:
        """Start both and wait until they are ready. Raises ServiceFailed."""
        gateway_port, feed_port = free_port(), free_port()
        self.variables |= {
            "REDIS_URL": self.redis_url,
            "TAPEWIRE_GATEWAY_FEED_URL": f":{feed_port}",
            "TAPEWIRE_MARKET_DATA_PAGE_URL": f":{gateway_port}",
        }
        self.start_gateway(gateway_port)
        self.start_feed(feed_port)

    def start_gateway(self, port: int) -> None:
        """Start the gateway there."""
        self.gateway = start(
            "order_gateway", "TAPEWIRE_GATEWAY_PORT", self.variables, self.folder, port
        )
        wait_until_ready(self.gateway)

    def start_feed(self, port: int) -> None:
        """Start the feed there."""
        self.market_data = start(
            "market_data", "TAPEWIRE_MARKET_DATA_PORT", self.variables, self.folder, port
        )
        wait_until_ready(self.market_data)

    def order(self, account: str, side: str, quantity: str, price: str, **changes: str) -> str:
        """Place a limit order for BTC-USDT over REST; returns its id."""
        body = {
            "symbol": "BTC-USDT", "side": side, "order_type": "limit", "quantity": quantity,
            "price": price,
        } | changes  # fmt: skip
        answer = httpx.post(
            f"{self.url}/v1/orders",
            json=body,
            headers={"X-Account": account},
            timeout=REQUEST_TIMEOUT_S,
        )
        assert answer.status_code in {200, 201}, answer.text
        order_id: str = answer.json()["order_id"]
        return order_id

    def switch(self, symbol: str, state: str) -> None:
        """Switch a market as an administrator does."""
        answer = httpx.put(
            f"{self.url}/v1/admin/markets/{symbol}",
            json={"state": state},
            timeout=REQUEST_TIMEOUT_S,
        )
        assert answer.status_code == 200, answer.text


@contextmanager
def running_page_venue(redis_url: str, folder: Path, **variables: str) -> Iterator[PageVenue]:
    """Run both until the block ends."""
    venue = PageVenue(redis_url, folder, {"TAPEWIRE_PAPER_BALANCES": RICH} | variables)
    try:
        venue.start()
        yield venue
    finally:
        for name in ("gateway", "market_data"):
            service: Service | None = getattr(venue, name, None)
            if service is not None:
                service.stop()
