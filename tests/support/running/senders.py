"""Orders over REST from senders that ask again, as clients should, and what became of them."""

import asyncio
from typing import Any

import httpx

from tapewire.runtime.supervision import cancel_all
from tapewire.values.account_names import DEFAULT_ACCOUNT
from tests.support.running.whole_venue import WholeVenue, order_body, rest_client
from tests.support.venue import Venue
from tests.support.wait import leave_processor, wait_until

SENDERS = 6
# All together send at most 30 requests a second: a failover takes seconds, whatever the load.
PAUSE_S = 0.2
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

    async def go_on(self, count: int = 20, timeout_s: float = RECOVERY_TIMEOUT_S) -> None:
        """Wait until so many more orders were acknowledged."""
        target = len(self.acknowledged) + count
        await wait_until(
            lambda: len(self.acknowledged) >= target or any(task.done() for task in self._tasks),
            "orders are acknowledged",
            timeout_s,
        )
        assert not any(task.done() for task in self._tasks), "a sender ended"

    async def stop(self) -> None:
        """Wait until every order that was begun is acknowledged."""
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def give_up(self) -> None:
        """End at once, whatever is on its way."""
        await cancel_all(self._tasks)

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
            await leave_processor(PAUSE_S)
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
