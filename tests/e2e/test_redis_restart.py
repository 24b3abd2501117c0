"""Redis is restarted and killed under load: no acknowledged order and no trade is lost or doubled.

Both services are processes; orders come over REST from several senders that ask again, as clients
should, with the same client order id; trades go out to plain WebSocket clients.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tapewire.redis.server import RedisServer
from tapewire.values.account_names import DEFAULT_ACCOUNT
from tests.support.running.whole_venue import (
    WholeVenue,
    order_body,
    reader,
    rest_client,
    running_venue,
)
from tests.support.venue import Venue, open_venue
from tests.support.wait import wait_until

SENDERS = 6
ROUNDS = 2
CLIENTS = 3
RECOVERY_TIMEOUT_S = 20.0


class Senders:
    """Concurrent order senders; `acknowledged` holds every order they were told of."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        """Begin at once."""
        self._api = api
        self._stopped = False
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.refusals: list[httpx.Response] = []
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(SENDERS)]

    async def go_on(self, count: int = 40) -> None:
        """Wait until so many more orders were acknowledged."""
        target = len(self.acknowledged) + count
        await wait_until(
            lambda: len(self.acknowledged) >= target or any(task.done() for task in self._tasks),
            "orders are acknowledged",
            RECOVERY_TIMEOUT_S,
        )
        assert not any(task.done() for task in self._tasks), "a sender ended"

    async def stop(self) -> None:
        """Wait until every order that was begun is acknowledged."""
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def _send(self, sender: int) -> None:
        number = 0
        while not self._stopped:
            number += 1
            side = "buy" if (number + sender) % 2 else "sell"
            order = await self._place(order_body(side, client_order_id=f"{sender}-{number}"))
            self.acknowledged[order["client_order_id"]] = order

    async def _place(self, body: dict[str, str]) -> dict[str, Any]:
        """Ask until there is an answer; every refusal must be a 503 that says when to come back."""
        while True:
            reply = await self._api.post("/v1/orders", json=body)
            if reply.is_success:
                order: dict[str, Any] = reply.json()
                return order
            assert reply.status_code == 503, reply.text
            assert int(reply.headers["retry-after"]) >= 0
            assert reply.json()["code"] in {"redis_unavailable", "outcome_unknown", "overloaded"}
            self.refusals.append(reply)


async def health_of(venue: WholeVenue, path: str) -> list[int]:
    """What both services answer."""
    statuses = []
    for service in (venue.gateway, venue.market_data):
        async with rest_client(service) as client:
            statuses.append((await client.get(path)).status_code)
    return statuses


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_nothing_is_lost_or_doubled(
    redis_server: RedisServer, tmp_path: Path, ending: str
) -> None:
    """Over restarts under load every client sees the log, and the log has every fill told of."""
    with running_venue(redis_server.url, tmp_path) as venue:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(reader(venue.feed_url)) for _ in range(CLIENTS)
            ]
            api = await stack.enter_async_context(rest_client(venue.gateway))
            senders = Senders(api)
            await senders.go_on()
            for _ in range(ROUNDS):
                await restart(redis_server, venue, ending)
                await senders.go_on()
            await senders.stop()

            direct = await stack.enter_async_context(open_venue(redis_server.url))
            trades = await direct.trades()
            for client in clients:
                await client.wait_for_trades(len(trades), RECOVERY_TIMEOUT_S)
                assert client.trades == trades
                assert {message["type"] for message in client.messages} <= {
                    "connected",
                    "trade",
                    "heartbeat",
                    "market",
                }
                assert client.closed_with is None
            assert [trade["seq"] for trade in trades] == list(range(1, len(trades) + 1))
            await check_orders(direct, senders, trades)
            assert senders.refusals
            assert all(
                service.process.poll() is None for service in (venue.gateway, venue.market_data)
            )


async def restart(server: RedisServer, venue: WholeVenue, ending: str) -> None:
    """Take Redis away until both services say so, bring it back, and wait until both are well."""
    await asyncio.to_thread(server.stop if ending == "stop" else server.kill)

    async def both_ill() -> bool:
        return await health_of(venue, "/health") == [503, 503]

    async def both_ready() -> bool:
        return await health_of(venue, "/readyz") == [200, 200]

    await wait_until(both_ill, "both services say that Redis is away")
    assert await health_of(venue, "/livez") == [200, 200]
    await asyncio.to_thread(server.start)
    await wait_until(both_ready, "both services are ready again", RECOVERY_TIMEOUT_S)


async def check_orders(venue: Venue, senders: Senders, trades: list[dict[str, Any]]) -> None:
    """Each acknowledged order is there once, with at least the fills it was acknowledged with."""
    ids = [order["order_id"] for order in senders.acknowledged.values()]
    assert len(set(ids)) == len(ids)
    last_order_id = int(await venue.client.get("{tw}:last_order_id") or 0)
    assert last_order_id == len(ids), "an order was placed twice, or without being asked for"
    logged = {trade["trade_id"]: trade for trade in trades}
    for order in senders.acknowledged.values():
        stored = await venue.order(order["order_id"], DEFAULT_ACCOUNT)
        assert stored.client_order_id == order["client_order_id"]
        assert {fill["seq"] for fill in order["fills"]} <= {fill.seq for fill in stored.fills}
        for fill in order["fills"]:
            sides = logged[fill["trade_id"]]
            assert order["order_id"] in {sides["maker_order_id"], sides["taker_order_id"]}
