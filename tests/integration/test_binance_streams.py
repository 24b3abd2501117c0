"""The Binance streams of a market-data process: what each stream says, for real trades."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.stream_client import streaming
from tests.support.venue import Venue, open_venue

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def venue(module_redis_url: str) -> AsyncIterator[Venue]:
    """A venue that all tests of the module share."""
    async with open_venue(module_redis_url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def feed(
    venue: Venue, module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FeedProcess]:
    """A process that all tests of the module share."""
    async with running_feed(module_redis_url, tmp_path_factory.mktemp("feed")) as process:
        yield process


async def trade_once(venue: Venue, lots: int = 3, ticks: int = 10_000) -> None:
    """A maker sells, a taker buys all of it."""
    await venue.sell(lots, ticks)
    await venue.buy(lots, ticks)


async def test_a_trade_reaches_both_streams_of_trades(venue: Venue, feed: FeedProcess) -> None:
    """`@trade` and `@aggTrade` say the same of one trade, under their own letters."""
    async with streaming(feed.url, "/ws/btcusdt@trade/btcusdt@aggTrade") as reader:
        await trade_once(venue)
        trade, aggregate = await reader.event("trade"), await reader.event("aggTrade")
    expected = (await venue.trades())[-1]
    time = trade["T"]
    assert expected["timestamp"].startswith("20")
    assert trade == {
        "e": "trade", "E": time, "s": "BTCUSDT", "t": expected["seq"], "p": "100.00",
        "q": "0.00003", "T": time, "m": False, "M": True,
    }  # fmt: skip
    seq = expected["seq"]
    assert aggregate == {
        "e": "aggTrade", "E": time, "s": "BTCUSDT", "a": seq, "p": "100.00", "q": "0.00003",
        "f": seq, "l": seq, "T": time, "m": False, "M": True,
    }  # fmt: skip


async def test_differences_follow_each_other(venue: Venue, feed: FeedProcess) -> None:
    """`U` of a difference is one more than `u` of the one before; quantity zero removes."""
    async with streaming(feed.url, "/ws/btcusdt@depth@100ms") as reader:
        order = await venue.sell(5, 20_000)
        first = await reader.event("depthUpdate")
        await venue.cancel(order)
        second = await reader.event("depthUpdate")
    assert first["a"] == [["200.00", "0.00005"]]
    assert first["b"] == []
    assert (first["U"], second["U"]) == (first["u"], first["u"] + 1)
    assert second["a"] == [["200.00", "0.00000"]]


async def test_combined_messages_name_their_stream(venue: Venue, feed: FeedProcess) -> None:
    """`/stream` wraps a message, and `timeUnit` gives times in microseconds."""
    async with streaming(feed.url, "/stream?streams=btcusdt@trade&timeUnit=MICROSECOND") as reader:
        await trade_once(venue)
        message = await reader.receive()
    assert message["stream"] == "btcusdt@trade"
    assert 10**15 < message["data"]["T"] < 10**16
