"""Books that Binance clients keep from a stream and REST: equal under trading, over crashes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tapewire.redis.server import RedisServer
from tapewire.values.types import Side
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.stream_client import BinanceBook, Resync, streaming
from tests.support.feeds.traffic import Load
from tests.support.profile import NIGHTLY
from tests.support.running.processes import Service, running_gateway
from tests.support.venue import Venue, open_venue
from tests.support.wait import wait_until

pytestmark = pytest.mark.timeout(120)

TICKS = range(9_980, 10_020)
# Each of both channels, with each of three ways to begin.
NEWCOMERS = 60 if NIGHTLY else 6


@pytest.fixture
def gateway(redis_server: RedisServer, tmp_path: Path) -> Iterator[Service]:
    """A gateway, whose REST depth clients start from."""
    with running_gateway(redis_server.url, tmp_path) as service:
        yield service


def ordering(venue: Venue) -> Load:
    """A load of orders that change the book."""
    chance = random.Random(1)

    async def five_orders() -> None:
        sides = [chance.choice(list(Side)) for _ in range(5)]
        await asyncio.gather(
            *(venue.submit(side, chance.randint(1, 9), chance.choice(TICKS)) for side in sides)
        )

    return Load(five_orders)


async def snapshot(http: httpx.AsyncClient) -> tuple[int, dict[str, str], dict[str, str]]:
    """The book over REST, as soon as the gateway has Redis."""
    while True:
        reply = await http.get("/api/v3/depth", params={"symbol": "BTCUSDT", "limit": 5_000})
        if reply.status_code == 200:
            book: Any = reply.json()
            return book["lastUpdateId"], dict(book["bids"]), dict(book["asks"])
        await asyncio.sleep(0)


class Keeper:
    """A client that keeps a book, and starts again whenever Binance's rules say so."""

    def __init__(self, feed: FeedProcess, http: httpx.AsyncClient) -> None:
        self._feed = feed
        self._http = http
        self.book = BinanceBook()
        self.connections = 0
        self.holes: list[str] = []

    async def run(self) -> None:
        """Keep the book until the task is cancelled."""
        while True:
            try:
                await self._follow()
            except Resync as error:
                self.holes.append(str(error))
            except (ConnectionClosed, InvalidHandshake, OSError):
                await asyncio.sleep(0)

    async def _follow(self) -> None:
        async with streaming(self._feed.url, "/ws") as reader:
            answer = await reader.ask("SUBSCRIBE", "btcusdt@depth@100ms")
            assert answer["result"] is None
            self.connections += 1
            book = BinanceBook()
            book.take(await reader.event("depthUpdate"))
            book.take_snapshot(*await snapshot(self._http))
            self.book = book
            while True:
                book.take(await reader.event("depthUpdate"))


@asynccontextmanager
async def keeping(feed: FeedProcess, gateway: Service) -> AsyncIterator[Keeper]:
    """A keeper that runs until the block ends."""
    async with httpx.AsyncClient(trust_env=False, base_url=gateway.url) as http:
        keeper = Keeper(feed, http)
        task = asyncio.create_task(keeper.run())
        try:
            await wait_until(lambda: keeper.book.seq is not None or task.done(), "a book is kept")
            yield keeper
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def assert_equal(keeper: Keeper, gateway: Service) -> None:
    """The copy becomes the book, once no order comes any more."""
    async with httpx.AsyncClient(trust_env=False, base_url=gateway.url) as http:
        seq, bids, asks = await snapshot(http)
    await wait_until(lambda: keeper.book.seq == seq, f"the copy is at update {seq}", 30)
    assert (keeper.book.bids, keeper.book.asks) == (bids, asks)


async def test_a_book_is_never_older_than_the_first_difference(
    redis_server: RedisServer, gateway: Service, tmp_path: Path
) -> None:
    """Clients that come under trading start at once: no hole, whatever the moment."""
    async with (
        open_venue(redis_server.url) as venue,
        running_feed(redis_server.url, tmp_path) as feed,
        httpx.AsyncClient(trust_env=False, base_url=gateway.url) as http,
    ):
        orders = ordering(venue)
        for number in range(NEWCOMERS):
            channel = ("depth@100ms", "depth")[number % 2]
            async with streaming(feed.url, f"/ws/btcusdt@{channel}") as reader:
                copy = BinanceBook()
                if number % 3:
                    # A book before the first event, as soon as the subscription stands.
                    await reader.ask("LIST_SUBSCRIPTIONS")
                    copy.take_snapshot(*await snapshot(http))
                    copy.take(await reader.event("depthUpdate"))
                else:
                    copy.take(await reader.event("depthUpdate"))
                    copy.take_snapshot(*await snapshot(http))
                copy.take(await reader.event("depthUpdate"))
        await orders.stop()


@pytest.mark.parametrize("what", ["redis", "market_data", "both"])
async def test_a_book_is_kept_over_a_crash(
    redis_server: RedisServer, gateway: Service, tmp_path: Path, what: str
) -> None:
    """SIGKILL of Redis, of market data, or of both under load: the copy is the book again."""
    async with (
        open_venue(redis_server.url) as venue,
        running_feed(redis_server.url, tmp_path) as feed,
    ):
        orders = ordering(venue)
        async with keeping(feed, gateway) as keeper:
            await orders.go_on(20)
            if what != "redis":
                await feed.kill()
            if what != "market_data":
                await asyncio.to_thread(redis_server.kill)
                await asyncio.to_thread(redis_server.start)
            if what != "redis":
                await orders.go_on(20)
                await feed.start()
            await orders.go_on(20)
            await orders.stop()
            await assert_equal(keeper, gateway)
            assert keeper.holes == []
            # A Redis that comes back with all its data costs a client nothing.
            assert keeper.connections == (1 if what == "redis" else 2)
