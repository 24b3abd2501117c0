"""Redis is restarted and killed under load: no acknowledged order and no trade is lost or doubled.

Both services are processes; orders come over REST from several senders that ask again, as clients
should, with the same client order id; trades go out to plain WebSocket clients.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tapewire.redis.server import RedisServer
from tests.support.running.senders import RECOVERY_TIMEOUT_S, Senders, check_orders, health_of
from tests.support.running.whole_venue import WholeVenue, reader, rest_client, running_venue
from tests.support.venue import open_venue
from tests.support.wait import wait_until

ROUNDS = 2
CLIENTS = 3


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
                await restart(redis_server, venue, ending, senders)
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
                    "stale",  # Redis was away for longer than a heartbeat is
                }
                assert client.closed_with is None
            assert [trade["seq"] for trade in trades] == list(range(1, len(trades) + 1))
            await check_orders(direct, senders, trades)
            assert all(
                service.process.poll() is None for service in (venue.gateway, venue.market_data)
            )


async def restart(server: RedisServer, venue: WholeVenue, ending: str, senders: Senders) -> None:
    """Take Redis away until both services say so and a sender is refused, and bring it back.

    Returns when both services are well.
    """
    refused = len(senders.refusals)
    await asyncio.to_thread(server.stop if ending == "stop" else server.kill)

    async def both_ill() -> bool:
        return await health_of(venue, "/health") == [503, 503]

    async def both_ready() -> bool:
        return await health_of(venue, "/readyz") == [200, 200]

    await wait_until(both_ill, "both services say that Redis is away")
    assert await health_of(venue, "/livez") == [200, 200]
    await wait_until(lambda: len(senders.refusals) > refused, "a sender is refused")
    await asyncio.to_thread(server.start)
    await wait_until(both_ready, "both services are ready again", RECOVERY_TIMEOUT_S)
