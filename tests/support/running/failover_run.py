"""A whole venue under load on servers that fail over, and what must hold afterwards.

Orders come over REST from several senders, trades go to WebSocket clients that are connected all
the time. The servers are killed, frozen, thawed and failed over by the test meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tapewire.journal.replica import open_replica
from tapewire.journal.verification import verify_venue
from tests.support.reference.audit import audited
from tests.support.running.senders import Senders, check_orders, health_of
from tests.support.running.whole_venue import (
    Reader,
    WholeVenue,
    reader,
    rest_client,
    running_venue,
)
from tests.support.venue import Venue, open_venue
from tests.support.wait import wait_until

CLIENTS = 2
# Longer than a failover takes on a busy machine; how long it takes is Redis' affair.
RECOVERY_TIMEOUT_S = 60.0
# Short, so that a server that says nothing is left soon.
SETTINGS = {
    "TAPEWIRE_REDIS_CONNECT_TIMEOUT_S": "1",
    "TAPEWIRE_REDIS_TIMEOUT_S": "1.5",
    "TAPEWIRE_MARKET_DATA_CANARY_INTERVAL_S": "0.25",
    "TAPEWIRE_MARKET_DATA_CANARY_TIMEOUT_S": "1.5",
}


@dataclass(frozen=True, slots=True)
class FailoverRun:
    """Both services, their load and their clients."""

    venue: WholeVenue
    senders: Senders
    readers: Sequence[Reader]

    async def go_on(self) -> None:
        """Wait until orders are acknowledged, and both services are ready."""
        await self.senders.go_on(timeout_s=RECOVERY_TIMEOUT_S)
        await self.until_ready()

    async def until_ready(self) -> None:
        """Wait until both services say that they are ready."""

        async def ready() -> bool:
            return await health_of(self.venue, "/readyz") == [200, 200]

        await wait_until(ready, "both services are ready", RECOVERY_TIMEOUT_S)

    async def finish(self) -> tuple[list[dict[str, Any]], bool]:
        """End the load, and check what holds after every failover.

        Every client has the trades of the log, once and in order, without the trades that the feed
        declared void. The venue is consistent. Returns the log, and whether clients got a notice of
        a loss.
        """
        await self.senders.stop()
        await self.until_ready()
        async with open_venue(self.venue.redis_url) as direct:
            log = await direct.trades()
            await wait_until(
                lambda: all(kept_trades(client)[-1:] == log[-1:] for client in self.readers),
                "every client has the last trade",
                RECOVERY_TIMEOUT_S,
            )
            for client in self.readers:
                assert kept_trades(client) == log
                assert client.closed_with is None
                assert client.of_type("gap") == []
            await check_consistent(direct, self.venue.redis_url)
        told = [client.of_type("epoch") for client in self.readers]
        assert {message["reason"] for messages in told for message in messages} <= {"rewound"}
        return log, any(told)

    async def check_nothing_lost(self) -> None:
        """End the load; each acknowledged order is there once, and nothing else is."""
        log, _ = await self.finish()
        async with open_venue(self.venue.redis_url) as direct:
            await check_orders(direct, self.senders, log)


async def until(predicate: Callable[[], object], description: str) -> None:
    """Wait until a predicate that asks servers is true; the load goes on meanwhile."""
    await wait_until(lambda: asyncio.to_thread(predicate), description, RECOVERY_TIMEOUT_S)


def kept_trades(client: Reader) -> list[dict[str, Any]]:
    """The trades of a client that does as the protocol says when it is told `rewound`."""
    kept: list[dict[str, Any]] = []
    for message in client.messages:
        if message["type"] == "trade":
            kept.append(message["data"])
        elif message["type"] == "epoch":
            last = message["seq"]
            kept = [trade for trade in kept if trade["seq"] <= last.get(trade["symbol"], 0)]
    return kept


async def check_consistent(direct: Venue, url: str) -> None:
    """The audit finds nothing, and the journal run again gives the state that is there."""
    findings = await audited(url)
    assert findings.is_clean, findings.sentences
    async with open_replica() as replica:
        verdict = await verify_venue(direct.client, replica, lambda _: None)
    assert verdict.is_equal, verdict
    assert not verdict.moved


@asynccontextmanager
async def failover_run(
    redis_url: str, folder: Path, **variables: str
) -> AsyncIterator[FailoverRun]:
    """Everything runs, and orders are acknowledged already."""
    with running_venue(redis_url, folder, **(SETTINGS | variables)) as venue:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(reader(venue.feed_url)) for _ in range(CLIENTS)
            ]
            api = await stack.enter_async_context(rest_client(venue.gateway))
            run = FailoverRun(venue, Senders(api), clients)
            stack.push_async_callback(run.senders.give_up)
            await run.go_on()
            yield run
