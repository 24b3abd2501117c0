"""The real feed of a market-data process on a real Redis, with one client of all trades."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from market_data.fanout.hub import Hub
from market_data.feed.account_log import AccountLog
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.feed.poller import Poller
from market_data.feed.replay_log import ReplayLog
from market_data.market.books import Books
from market_data.market.candle_keeper import CandleFeed
from market_data.market.venue_clock import VenueClock
from market_data.topics import EVERY_SYMBOL
from tapewire import keys
from tapewire.market.candle_log import CandleLog
from tapewire.market.market_records import MarketRecords
from tapewire.redis.client import open_async
from tapewire.runtime.supervision import cancel_all
from tapewire.values.types import Side, Symbol
from tests.support.feeds.trades import trade_payload
from tests.support.transport.fake_socket import FakeSocket
from tests.support.venue import BTC, Venue, address_of
from tests.support.wait import wait_until

CANARY_CHANNEL = keys.canary_channel("test")
CHANNELS = (
    keys.TRADE_CHANNEL, keys.BOOK_CHANNEL, keys.MARKET_CHANNEL, keys.ACCOUNT_CHANNEL,
    CANARY_CHANNEL,
)  # fmt: skip


class FeedBench:
    """One running feed; `venue` trades, `socket` is a client of every trade."""

    def __init__(
        self, venue: Venue, feed: Feed, hub: Hub, *, canary: Canary, books: Books, log: ReplayLog
    ) -> None:
        """Made by `running_feed`."""
        self.books = books
        self.hub = hub
        self.log = log
        self.venue = venue
        self.feed = feed
        self.canary = canary
        self.socket = FakeSocket()
        self.socket.session = hub.connect(self.socket, frozenset({("trades", EVERY_SYMBOL)}))

    @property
    def told(self) -> list[dict[str, Any]]:
        """Every message that the client was sent."""
        return self.socket.messages()

    def trades(self, symbol: Symbol = BTC) -> list[dict[str, Any]]:
        """The trades of one symbol that the client was sent."""
        data = (message["data"] for message in self.told if message["type"] == "trade")
        return [trade for trade in data if trade["symbol"] == symbol]

    def told_of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type."""
        return [message for message in self.told if message["type"] == kind]

    async def wait_for_trades(self, count: int, symbol: Symbol = BTC) -> list[int]:
        """Wait until the client has `count` trades; return their sequence numbers."""
        await wait_until(
            lambda: len(self.trades(symbol)) >= count, f"{count} trades of {symbol} were sent"
        )
        return [trade["seq"] for trade in self.trades(symbol)]

    async def wait_for_rounds(self, count: int) -> None:
        """Wait until `count` more rounds of the canary have come back."""
        target = self.canary.rounds + count
        await wait_until(lambda: self.canary.rounds >= target, f"{count} rounds")

    async def wait_for_first_canary(self) -> None:
        """Wait until one round has come back; with a long interval no other round follows soon."""
        await wait_until(lambda: self.canary.silence_s < float("inf"), "a canary came back")


async def trade(venue: Venue, count: int = 1, symbol: Symbol = BTC) -> None:
    """Make trades, each between two new orders."""
    for _ in range(count):
        await asyncio.gather(
            venue.submit(Side.SELL, 1, 100, symbol=symbol),
            venue.submit(Side.BUY, 1, 100, symbol=symbol),
        )


async def trade_unheard(venue: Venue, first: int, last: int, symbol: Symbol = BTC) -> None:
    """Do everything that the matching library does for trades, but do not publish them."""
    await log_unheard(venue, first, last, symbol)
    await set_position(venue, last, symbol)


async def log_unheard(venue: Venue, first: int, last: int, symbol: Symbol = BTC) -> None:
    """Write trades to the replay log that the market record does not count."""
    client: Any = venue.client
    epoch = (await client.get(keys.EPOCH)).decode()
    pipeline = client.pipeline(transaction=False)
    for seq in range(first, last + 1):
        event = trade_payload(seq, symbol, epoch)
        pipeline.xadd(keys.replay_log(symbol), {"event": event}, id=str(seq))
    await pipeline.execute()


async def set_position(venue: Venue, seq: int, symbol: Symbol = BTC) -> None:
    """Overwrite the seq of the last trade in the market record."""
    client: Any = venue.client
    _, *rest = (await client.hget(keys.market(symbol), "state")).decode().split("|")
    await client.hset(keys.market(symbol), "state", "|".join([str(seq), *rest]))


async def drop_subscribers(venue: Venue) -> int:
    """Close every subscription as a network fault would; return how many."""
    client: Any = venue.client
    return int(await client.client_kill_filter(_type="pubsub"))


async def logged(venue: Venue, symbol: Symbol = BTC) -> list[dict[str, Any]]:
    """The replay log, decoded."""
    return [json.loads(event) for event in await venue.log(symbol)]


@asynccontextmanager
async def running_feed(
    venue: Venue,
    url: str,
    *,
    canary_interval_s: float = 0.05,
    canary_timeout_s: float = 60,
    subscription_url: str | None = None,
) -> AsyncIterator[FeedBench]:
    """Run poller, feed and canary until the block ends.

    The subscription uses `subscription_url`, another way to the same Redis, if given.
    """
    address = address_of(url)
    async with AsyncExitStack() as stack:
        client = open_async(address)
        stack.push_async_callback(client.aclose)
        hub, log = Hub(), ReplayLog(client)
        canary = Canary(
            client, log, CANARY_CHANNEL, interval_s=canary_interval_s, timeout_s=canary_timeout_s
        )
        poller = Poller(
            address_of(subscription_url or url),
            CHANNELS,
            poll_timeout_s=0.1,
            batch_messages_max=64,
        )
        stack.callback(poller.close)
        books = Books(MarketRecords(client), hub)
        candles = CandleFeed(CandleLog(client), hub, VenueClock())
        accounts = AccountLog(client)
        feed = Feed(poller, log, hub, canary, books=books, candles=candles, accounts=accounts)
        tasks = [asyncio.create_task(feed.run()), asyncio.create_task(canary.run())]
        stack.push_async_callback(_end, tasks)
        await wait_until(lambda: feed.subscribed, "the feed is subscribed")
        yield FeedBench(venue, feed, hub, canary=canary, books=books, log=log)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        assert not task.done(), "the feed died"
    await cancel_all(tasks)
    assert all(task.cancelled() for task in tasks)
