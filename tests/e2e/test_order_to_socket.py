"""Two service processes and plain WebSocket clients: orders in, every trade out, to everybody."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tests.support.feeds.reading import receive_type
from tests.support.feeds.traffic import make_trades
from tests.support.running.processes import start
from tests.support.running.whole_venue import (
    Reader,
    WholeVenue,
    order_body,
    reader,
    rest_client,
    running_venue,
)
from tests.support.venue import address_of, open_venue
from tests.support.wait import TIMEOUT_S, wait_for, wait_until

TRADE_MEMBERS = {
    "trade_id",
    "seq",
    "symbol",
    "price",
    "quantity",
    "aggressor_side",
    "maker_order_id",
    "taker_order_id",
    "timestamp",
    "epoch",
}


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeVenue]:
    """One running venue for this module; each test leaves its book empty."""
    folder = tmp_path_factory.mktemp("venue")
    with RedisServer(folder / "redis") as server, running_venue(server.url, folder) as opened:
        yield opened


async def trade(venue: WholeVenue, count: int) -> list[str]:
    """Make trades over REST, several at once; returns the ids that the takers were told."""
    async with rest_client(venue.gateway) as api:

        async def one() -> list[str]:
            ids = []
            for side in ("sell", "buy"):
                reply = await api.post("/v1/orders", json=order_body(side))
                assert reply.status_code == 201, reply.text
                fills = reply.json()["fills"]
                ids += [fill["trade_id"] for fill in fills if fill["liquidity"] == "taker"]
            return ids

        ids = []
        for first in range(0, count, 20):
            for some in await asyncio.gather(*(one() for _ in range(min(20, count - first)))):
                ids += some
        return ids


def last_seq(client: Reader) -> int:
    """The seq of the last trade before the client came."""
    seq: int = client.messages[0]["seq"].get("BTC-USDT", 0)
    return seq


async def test_an_order_in_is_a_trade_out(venue: WholeVenue) -> None:
    """Two orders over REST: the fills they report are the trade that the socket brings."""
    async with reader(venue.feed_url) as client, rest_client(venue.gateway) as api:
        maker = (await api.post("/v1/orders", json=order_body("sell"))).json()
        taker = (await api.post("/v1/orders", json=order_body("buy", price="60100.00"))).json()
        await client.wait_for_trades(1)
        (told,) = client.trades
        assert set(told) == TRADE_MEMBERS
        assert told["seq"] == last_seq(client) + 1
        assert told["epoch"] == client.messages[0]["epoch"]
        assert (told["price"], told["quantity"]) == ("60000.00", "0.00100")
        assert told["aggressor_side"] == "buy"
        assert (told["maker_order_id"], told["taker_order_id"]) == (
            maker["order_id"],
            taker["order_id"],
        )
        (fill,) = taker["fills"]
        assert (fill["trade_id"], fill["timestamp"]) == (told["trade_id"], told["timestamp"])
        maker = (await api.get(f"/v1/orders/{maker['order_id']}")).json()
        assert (maker["status"], maker["fills"][0]["trade_id"]) == ("filled", told["trade_id"])


async def test_every_client_gets_every_trade_in_order(venue: WholeVenue) -> None:
    """Clients that came at different times all see the same run of sequence numbers."""
    async with reader(venue.feed_url) as early:
        ids = await trade(venue, 30)
        async with reader(venue.feed_url) as late:
            ids += await trade(venue, 40)
            await early.wait_for_trades(70)
            await late.wait_for_trades(40)
        for client, count in ((early, 70), (late, 40)):
            first = last_seq(client) + 1
            assert [told["seq"] for told in client.trades] == list(range(first, first + count))
        assert late.trades == early.trades[-40:]
        assert sorted(told["trade_id"] for told in early.trades) == sorted(ids)


async def test_health_answers_while_the_subscriber_waits(venue: WholeVenue) -> None:
    """With no trade at all, start-up is complete and every health answer is quick and exact."""
    async with reader(venue.feed_url), rest_client(venue.market_data) as market_data:

        async def counted() -> bool:
            return bool((await market_data.get("/health")).json()["active_connections"] == 1)

        await wait_until(counted, "earlier clients are gone")
        async with rest_client(venue.gateway) as gateway, asyncio.timeout(TIMEOUT_S):
            for _ in range(20):
                reply = await market_data.get("/health")
                assert reply.status_code == 200
                assert reply.json() == {
                    "status": "healthy",
                    "service": "market-data",
                    "redis": "connected",
                    "active_connections": 1,
                }
                reply = await gateway.get("/health")
                assert reply.status_code == 200
                assert reply.json() == {
                    "status": "healthy",
                    "service": "order-gateway",
                    "redis": "connected",
                }


async def test_a_client_that_never_reads_delays_nobody(venue: WholeVenue) -> None:
    """Beside one that takes no byte, a client gets more trades than any buffer holds, in order."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, ("127.0.0.1", venue.market_data.port))
        await loop.sock_sendall(
            deaf,
            b"GET /ws/market-data HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        )
        async with reader(venue.feed_url) as client, open_venue(venue.redis_url) as direct:
            await make_trades(direct, 4_000)
            await client.wait_for_trades(4_000)
            first = last_seq(client) + 1
            assert [told["seq"] for told in client.trades] == list(range(first, first + 4_000))


@pytest.mark.parametrize(
    "garbage", ["hello", "{", "[]", "null", '{"op":"fly"}', '{"op":1}', "\x00", '"subscribe"']
)
async def test_garbage_of_a_client_is_answered_then_closed(venue: WholeVenue, garbage: str) -> None:
    """The first one is an `error`; who goes on is closed with 4500; the others notice nothing."""
    async with reader(venue.feed_url) as other, connect(venue.feed_url) as wrong:
        await wrong.recv()
        await wrong.send(garbage)
        # A heartbeat may come in between.
        answer = await receive_type(wrong, "error")
        assert answer["code"]
        assert answer["message"]
        await asyncio.wait_for(insist(wrong, garbage), 10)
        assert wrong.close_code == 4500
        await trade(venue, 2)
        await other.wait_for_trades(2)
        assert other.of_type("error") == []


async def insist(connection: ClientConnection, garbage: str) -> None:
    """Send garbage until the service closes the connection."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connection.send(garbage)
            await connection.recv()


@pytest.mark.parametrize("garbage", [b"\x00\x01", b""])
async def test_binary_messages_are_closed(venue: WholeVenue, garbage: bytes) -> None:
    """The feed takes text: a binary message ends its sender with 1003, and no other client."""
    async with reader(venue.feed_url) as other, connect(venue.feed_url) as wrong:
        await wrong.recv()
        await wrong.send(garbage)
        await asyncio.wait_for(wrong.wait_closed(), 10)
        assert wrong.close_code == 1003
        await trade(venue, 1)
        await other.wait_for_trades(1)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("order_gateway", "TAPEWIRE_GATEWAY_PORT"),
        ("market_data", "TAPEWIRE_MARKET_DATA_PORT"),
    ],
)
def test_without_redis_the_start_fails_with_a_sentence(
    tmp_path: Path, name: str, variable: str
) -> None:
    """The start waits for its timeout, says why it ends, and exits with 1, without a traceback."""
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    settings = {"REDIS_URL": url, "TAPEWIRE_STARTUP_TIMEOUT_S": "0.5"}
    service = start(name, variable, settings, tmp_path)
    try:
        assert service.process.wait(15) == 1
    except subprocess.TimeoutExpired:
        service.stop()
        raise
    lines = service.log().splitlines()
    assert f"Redis at {address_of(url).shown} did not answer within 0.5 s" in lines[-1]
    assert "Traceback" not in service.log()
    assert "secret" not in service.log()


async def test_sigterm_ends_both_cleanly(redis_url: str, tmp_path: Path) -> None:
    """With a client connected both exit with 0 in time; the client is told to come again."""
    with running_venue(redis_url, tmp_path) as venue:
        async with reader(venue.feed_url) as client:
            statuses = await asyncio.gather(
                asyncio.to_thread(venue.gateway.stop), asyncio.to_thread(venue.market_data.stop)
            )
            assert list(statuses) == [0, 0]
            await wait_until(lambda: client.closed_with is not None, "the client was closed")
            assert client.closed_with == 1012
        for service in (venue.gateway, venue.market_data):
            wait_for(partial(not_listening, service.port), "the port is free")
            assert "Traceback" not in service.log()


def not_listening(port: int) -> bool:
    """Whether no process accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
