"""Orders over REST, private feeds over WebSocket: an account is told what happened to it."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tapewire.client import Balances, MarketDataClient, OrderKeeper, ReportStream, Stream
from tapewire.redis.server import RedisServer
from tapewire.wire.account_feed import OrderReport
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.running.processes import Service, running_gateway
from tests.support.wait import wait_until

pytestmark = pytest.mark.timeout(120)

ACCOUNTS = ("ann", "ben", "cleo")
STEPS = 40
# Of the same account in the same name and value.
SHOWN = (
    "client_order_id",
    "symbol",
    "side",
    "order_type",
    "time_in_force",
    "price",
    "stop_price",
    "quantity",
    "executed_quantity",
    "remaining_quantity",
    "cumulative_quote_quantity",
    "status",
    "reason",
)


class Trader:
    """One account: its orders over REST, and what it is told meanwhile."""

    def __init__(self, account: str, gateway: Service, feed: FeedProcess, seed: int) -> None:
        """Use `traders` instead."""
        self.account = account
        self.reports: list[OrderReport] = []
        self.balances: Balances = {}
        self._chance = random.Random(f"{seed} {account}")
        self._url = feed.url
        self.api = httpx.AsyncClient(
            base_url=gateway.url, headers={"X-Account": account}, timeout=10, trust_env=False
        )
        self.client = MarketDataClient(feed.url, account=account)
        self._open: list[str] = []
        self.placed: list[str] = []

    async def follow_orders(self, stream: ReportStream) -> None:
        """Keep every report."""
        async for report in stream:
            self.reports.append(report)

    async def follow_balances(self, stream: Stream[Balances]) -> None:
        """Keep the newest balances."""
        async for balances in stream:
            self.balances = balances

    async def trade(self, steps: int) -> None:
        """Place, change and cancel at random."""
        for _ in range(steps):
            await self._step()

    async def _step(self) -> None:
        chance = self._chance
        price = f"{60_000 + chance.randint(-3, 3)}.00"
        if self._open and chance.random() < 0.3:
            name = chance.choice(self._open)
            if chance.random() < 0.5:
                self._open.remove(name)
                await self.api.delete(f"/v1/orders/{name}")
            else:
                await self.api.patch(f"/v1/orders/{name}", json={"price": price})
            return
        kind = chance.choice(["limit", "limit", "limit", "market", "ioc", "stop_limit", "iceberg"])
        body = {
            "symbol": "BTC-USDT",
            "side": chance.choice(["buy", "sell"]),
            "order_type": "limit" if kind == "iceberg" else kind,
            "quantity": f"0.00{chance.randint(1, 9)}",
        }
        if kind != "market":
            body["price"] = price
        if kind == "stop_limit":
            body["stop_price"] = f"{60_000 + chance.randint(-2, 2)}.00"
        if kind == "iceberg":
            body["display_quantity"] = "0.001"
        reply = await self.api.post("/v1/orders", json=body)
        if reply.status_code == 201:
            self.placed.append(reply.json()["order_id"])
            self._open.append(self.placed[-1])

    async def replayed(self, count: int) -> list[OrderReport]:
        """The whole life of the account, from the log."""
        async with MarketDataClient(self._url, account=self.account) as client:
            stream = client.orders(since=0)
            return [await anext(stream) for _ in range(count)]

    async def truth(self) -> dict[str, dict[str, Any]]:
        """The account's orders as the gateway has them."""
        replies = [await self.api.get(f"/v1/orders/{name}") for name in self.placed]
        return {reply.json()["order_id"]: reply.json() for reply in replies}


@asynccontextmanager
async def traders(gateway: Service, feed: FeedProcess, seed: int) -> AsyncIterator[list[Trader]]:
    """Accounts that listen, from before their first order."""
    async with contextlib.AsyncExitStack() as stack:
        everyone = [Trader(account, gateway, feed, seed) for account in ACCOUNTS]
        tasks = []
        for trader in everyone:
            await stack.enter_async_context(trader.api)
            await stack.enter_async_context(trader.client)
            reports, balances = trader.client.orders(since=0), trader.client.balances()
            tasks.append(asyncio.create_task(trader.follow_orders(reports)))
            tasks.append(asyncio.create_task(trader.follow_balances(balances)))
        yield everyone
        for trader in everyone:
            await trader.client.aclose()
        await asyncio.gather(*tasks)


async def check(trader: Trader) -> None:
    """The private feed, live and replayed, tells exactly what the gateway shows."""
    truth = await trader.truth()
    keeper = OrderKeeper()

    def is_told() -> bool:
        return (
            bool(trader.reports)
            and {report.data.order_id for report in trader.reports} >= truth.keys()
        )

    await wait_until(is_told, f"{trader.account} is told of every order", 20)
    money = (await trader.api.get("/v1/account")).json()["balances"]
    await wait_until(
        lambda: (
            [msgspec.to_builtins(item) for _, item in sorted(trader.balances.items())]
            == sorted(money, key=lambda item: item["asset"])
        ),
        f"{trader.account} is told its balances",
        20,
    )
    replayed = await trader.replayed(len(trader.reports))
    assert replayed == trader.reports
    assert [report.seq for report in replayed] == list(range(1, len(replayed) + 1))
    assert {report.account for report in replayed} == {trader.account}
    for report in replayed:
        keeper.take(report)
    assert keeper.orders.keys() == truth.keys()
    for name, kept in keeper.orders.items():
        told, shown = msgspec.to_builtins(kept.state), truth[name]
        assert {item: told[item] for item in SHOWN} == {item: shown[item] for item in SHOWN}
        trades = [
            (item.trade_id, item.last_price, item.last_quantity, item.liquidity, item.fee)
            for item in kept.trades
        ]
        fills = [
            (fill["trade_id"], fill["price"], fill["quantity"], fill["liquidity"], fill["fee"])
            for fill in shown["fills"]
        ]
        assert trades == fills


async def test_private_feeds_tell_what_happened(tmp_path: Path) -> None:
    """Three accounts trade at random while market-data is killed: nothing is missing or foreign."""
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    with (
        RedisServer(tmp_path / "redis") as server,
        running_gateway(server.url, tmp_path) as gateway,
    ):
        async with (
            running_feed(server.url, tmp_path) as feed,
            traders(gateway, feed, seed) as everyone,
        ):
            await asyncio.gather(*(trader.trade(STEPS) for trader in everyone))
            await feed.kill()
            await asyncio.gather(*(trader.trade(STEPS) for trader in everyone))
            await feed.start()
            await asyncio.gather(*(trader.trade(STEPS) for trader in everyone))
            for trader in everyone:
                await check(trader)
            assert all(any(item.data.report == "trade" for item in one.reports) for one in everyone)
