"""Both services as processes that know each other's port, for browsers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tapewire.runtime.ports import free_port
from tests.support.running.processes import (
    RICH,
    Service,
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
    key: str | None = None

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
        self._begin_gateway(gateway_port)
        self._begin_feed(feed_port)
        wait_until_ready(self.gateway)
        wait_until_ready(self.market_data)

    def start_gateway(self, port: int) -> None:
        """Start the gateway there."""
        self._begin_gateway(port)
        wait_until_ready(self.gateway)

    def start_feed(self, port: int) -> None:
        """Start the feed there."""
        self._begin_feed(port)
        wait_until_ready(self.market_data)

    def kill_feed(self) -> int:
        """Kill the feed without a farewell; returns its port."""
        self.market_data.process.kill()
        self.market_data.process.wait()
        return self.market_data.port

    def mend(self) -> None:
        """Start again what a test has ended, and let every market trade and no order rest."""
        if self.gateway.process.poll() is not None:
            self.start_gateway(self.gateway.port)
        if self.market_data.process.poll() is not None:
            self.start_feed(self.market_data.port)
        self.ask("POST", "/v1/admin/kill")
        self.ask("POST", "/v1/admin/resume")
        for market in self.ask("GET", "/v1/instruments")["instruments"]:
            if market["state"] != "trading":
                self.switch(market["symbol"], "trading")

    def _begin_gateway(self, port: int) -> None:
        self.gateway = start(
            "order_gateway", "TAPEWIRE_GATEWAY_PORT", self.variables, self.folder, port
        )

    def _begin_feed(self, port: int) -> None:
        self.market_data = start(
            "market_data", "TAPEWIRE_MARKET_DATA_PORT", self.variables, self.folder, port
        )

    def ask(self, method: str, path: str, account: str = "demo", body: object = None) -> Any:
        """Ask the gateway; returns the JSON of its answer. Raises AssertionError for a refusal."""
        headers = {"X-Account": account}
        if self.key is not None:
            headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(
            method,
            f"{self.url}{path}",
            json=body,
            headers=headers,
            timeout=REQUEST_TIMEOUT_S,
        )
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def order(self, account: str, side: str, quantity: str, price: str, **changes: str) -> str:
        """Place a limit order for BTC-USDT; returns its id."""
        body = {
            "symbol": "BTC-USDT", "side": side, "order_type": "limit", "quantity": quantity,
            "price": price,
        } | changes  # fmt: skip
        order_id: str = self.ask("POST", "/v1/orders", account, body)["order_id"]
        return order_id

    def open_orders(self, account: str) -> list[dict[str, Any]]:
        """The open orders of an account, newest first."""
        orders: list[dict[str, Any]] = self.ask("GET", "/v1/orders?status=open", account)["orders"]
        return orders

    def cancel_all(self, *accounts: str) -> None:
        """End every order of these accounts."""
        for account in accounts:
            self.ask("DELETE", "/v1/orders", account)

    def fund(self, account: str, **amounts: str) -> None:
        """Give an account exactly these amounts, whatever paper money it was opened with."""
        for balance in self.ask("GET", "/v1/account", account)["balances"]:
            if balance["asset"] in amounts:
                body = {"asset": balance["asset"], "amount": balance["available"]}
                self.ask("POST", f"/v1/admin/accounts/{account}/withdraw", body=body)
        for asset, amount in amounts.items():
            body = {"asset": asset, "amount": amount}
            self.ask("POST", f"/v1/admin/accounts/{account}/deposit", body=body)

    def switch(self, symbol: str, state: str) -> None:
        """Switch a market as an administrator does."""
        self.ask("PUT", f"/v1/admin/markets/{symbol}", body={"state": state})


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
