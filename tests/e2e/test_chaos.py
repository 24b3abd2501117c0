"""Fifty bots trade while every process of the venue is killed in turn: all still adds up.

A gateway, market-data and Redis are ended with SIGKILL under load and started again. Afterwards the
audit passes, every acknowledged order is there, and every bot's private feed, replayed from its
beginning, tells exactly the orders that the gateway shows.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tapewire.client import MarketDataClient, OrderKeeper
from tapewire.matching.treasury import Treasury
from tapewire.redis.server import RedisServer
from tapewire.values.types import Account, Symbol
from tests.support.reference.audit import audited
from tests.support.running.bots import MARKETS, Bot
from tests.support.running.processes import Service, start, wait_until_ready
from tests.support.venue import Venue, open_venue
from tests.support.wait import wait_until

pytestmark = [pytest.mark.timeout(300), pytest.mark.serial]

BOTS = 50
ORDERS_BETWEEN_KILLS = 150
PROGRESS_TIMEOUT_S = 60.0
# Poor enough that orders are refused, rich enough that most are not.
DEPOSITS = {"USDT": 20_000 * 10**8, "BTC": 10**7, "ETH": 2 * 10**8, "SOL": 50 * 10**8}
SETTINGS = {
    "TAPEWIRE_PAPER_BALANCES": "",
    "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "0",
    "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "0",
}
FIELDS = (
    "client_order_id", "symbol", "side", "order_type", "price", "quantity", "executed_quantity",
    "remaining_quantity", "cumulative_quote_quantity", "status", "reason",
)  # fmt: skip


class Processes:
    """Two gateways and market-data on ports that they keep over their deaths."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        """Start all three and wait until they are ready."""
        self._settings, self._folder = SETTINGS | {"REDIS_URL": redis_url}, folder
        self.gateways = [self._start("order_gateway") for _ in range(2)]
        self.market_data = self._start("market_data")
        for service in (*self.gateways, self.market_data):
            wait_until_ready(service)

    def kill(self, service: Service) -> None:
        """End it as a crash would."""
        service.process.kill()
        service.process.wait()

    def revive(self, service: Service) -> Service:
        """The same service again, on its port."""
        again = self._start(service.name, service.port)
        wait_until_ready(again)
        return again

    def stop(self) -> None:
        """End what runs."""
        for service in (*self.gateways, self.market_data):
            service.stop()

    def _start(self, name: str, port: int | None = None) -> Service:
        variable = f"TAPEWIRE_{name.upper().removeprefix('ORDER_')}_PORT"
        return start(name, variable, self._settings, self._folder, port)


@asynccontextmanager
async def processes(redis_url: str, folder: Path) -> AsyncIterator[Processes]:
    """The venue's processes, until the block ends."""
    running = await asyncio.to_thread(Processes, redis_url, folder)
    try:
        yield running
    finally:
        await asyncio.to_thread(running.stop)


async def fund(redis_url: str) -> dict[str, int]:
    """Open an account for every bot and set fees; what the venue has of every asset then."""
    async with open_venue(redis_url) as venue:
        treasury = Treasury(venue.engine)
        for number in range(BOTS):
            for asset, units in DEPOSITS.items():
                await treasury.deposit(Account(f"bot-{number:02}"), asset, units)
        for symbol in MARKETS:
            await venue.engine.control_market(Symbol(symbol), maker_fee_ppm=200, taker_fee_ppm=750)
        return await venue.queries.supply()


class Crowd:
    """Every bot at work."""

    def __init__(self, bots: list[Bot]) -> None:
        """Begin at once."""
        self.bots = bots
        self._tasks = [asyncio.create_task(bot.trade()) for bot in bots]

    @property
    def acknowledged(self) -> int:
        """Orders that they were told of, all together."""
        return sum(len(bot.acknowledged) for bot in self.bots)

    async def go_on(self) -> None:
        """Wait for so many orders more."""
        target = self.acknowledged + ORDERS_BETWEEN_KILLS
        await wait_until(
            lambda: self.acknowledged >= target or any(task.done() for task in self._tasks),
            "orders are acknowledged", PROGRESS_TIMEOUT_S,
        )  # fmt: skip
        for task in self._tasks:
            assert not task.done(), task.exception()

    async def stop(self) -> None:
        """Wait until every request that was begun is answered."""
        for bot in self.bots:
            bot.stop()
        await asyncio.gather(*self._tasks)


async def test_nothing_is_lost_and_everything_adds_up(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Every acknowledged order, every unit of money and every execution report survives."""
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    async with processes(redis_server.url, tmp_path) as venue:
        supply = await fund(redis_server.url)
        crowd = Crowd(
            [
                Bot(
                    f"bot-{number:02}", venue.gateways, random.Random(f"{seed} {number}"),
                    over_socket=number % 2 == 0,
                )
                for number in range(BOTS)
            ]
        )  # fmt: skip
        await crowd.go_on()
        await kill_all_in_turn(venue, redis_server, crowd)
        await crowd.stop()
        findings = await audited(redis_server.url)
        assert findings.is_clean, findings.sentences
        assert sum(bot.unanswered for bot in crowd.bots) > 0
        async with open_venue(redis_server.url) as direct:
            assert await direct.queries.supply() == supply
            traded = [await check_bot(bot, venue, direct) for bot in crowd.bots]
        assert sum(traded) > 0


async def kill_all_in_turn(venue: Processes, redis_server: RedisServer, crowd: Crowd) -> None:
    """Kill each process in turn while the others go on; each process comes back."""
    await asyncio.to_thread(venue.kill, venue.gateways[0])
    await crowd.go_on()
    venue.gateways[0] = await asyncio.to_thread(venue.revive, venue.gateways[0])
    await crowd.go_on()
    await asyncio.to_thread(venue.kill, venue.market_data)
    await crowd.go_on()
    venue.market_data = await asyncio.to_thread(venue.revive, venue.market_data)
    await crowd.go_on()
    await asyncio.to_thread(redis_server.kill)
    await asyncio.to_thread(redis_server.start)
    await crowd.go_on()


async def check_bot(bot: Bot, venue: Processes, direct: Venue) -> int:
    """What the gateway shows is what was acknowledged and what the feed tells; trades it had."""
    shown = await orders_of(bot.account, venue.gateways[0])
    names = {order["client_order_id"]: order_id for order_id, order in shown.items()}
    assert names.items() >= bot.acknowledged.items()
    keeper = await replayed(bot.account, venue, direct)
    assert keeper.orders.keys() == shown.keys()
    for order_id, kept in keeper.orders.items():
        told, order = msgspec.to_builtins(kept.state), shown[order_id]
        assert {name: told[name] for name in FIELDS} == {name: order[name] for name in FIELDS}
        fills = [(fill["trade_id"], fill["fee"]) for fill in order["fills"]]
        assert [(trade.trade_id, trade.fee) for trade in kept.trades] == fills
    return sum(len(kept.trades) for kept in keeper.orders.values())


async def replayed(account: str, venue: Processes, direct: Venue) -> OrderKeeper:
    """The orders of an account as its private feed tells them from the beginning."""
    keeper = OrderKeeper()
    newest = (await direct.queries.account(Account(account))).seq
    async with MarketDataClient(venue.market_data.websocket_url, account=account) as client:
        async with asyncio.timeout(PROGRESS_TIMEOUT_S):
            stream = client.orders(since=0)
            while keeper.seq < newest:
                keeper.take(await anext(stream))
    return keeper


async def orders_of(account: str, gateway: Service) -> dict[str, dict[str, Any]]:
    """Every order of an account, page by page, by id."""
    found: dict[str, dict[str, Any]] = {}
    async with httpx.AsyncClient(
        base_url=gateway.url, headers={"X-Account": account}, timeout=10, trust_env=False
    ) as api:
        cursor = None
        while True:
            query = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
            reply = await api.get("/v1/orders", params=query)
            assert reply.status_code == 200, reply.text
            page = reply.json()
            found |= {order["order_id"]: order for order in page["orders"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found
