"""Resume against a real process: within the log, before it, after it, and in another epoch."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tapewire.client import EpochError, GapError, MarketDataClient, Position
from tapewire.redis.server import RedisServer
from tests.support.feeds.reading import connected, receive, receive_all, receive_type
from tests.support.feeds.traffic import make_short_log, make_trades
from tests.support.running.processes import running_market_data
from tests.support.venue import BTC, HUGE, ODD, open_venue

pytestmark = pytest.mark.timeout(120)

TRADES = 30
TRIMMED = 10


@dataclass(frozen=True, slots=True)
class RunningFeed:
    """A process that saw no trade itself; the replay log has trades 11 to 30 of BTC."""

    url: str
    redis_url: str


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFeed]:
    """One for all tests here: none of them changes what another one looks at."""
    folder = tmp_path_factory.mktemp("resume")
    with RedisServer(folder / "redis", fsync="everysec") as server:

        async def trade() -> None:
            async with open_venue(server.url) as venue:
                await make_short_log(venue, TRADES, TRIMMED)

        asyncio.run(trade())
        with running_market_data(server.url, folder) as service:
            yield RunningFeed(service.websocket_url, server.url)


async def test_resume_replays_what_the_log_has(feed: RunningFeed) -> None:
    """From within the log every trade follows; from before it the missing trades are named."""
    async with connected(feed.url, f"?since={BTC}:12") as connection:
        hello = await receive(connection)
        assert hello["recovered"] is True
        assert hello["seq"] == {BTC: TRADES, ODD: 3, HUGE: 0}
        seqs = [(await receive_type(connection, "trade"))["data"]["seq"] for _ in range(18)]
        assert seqs == list(range(13, TRADES + 1))
    async with connected(feed.url, f"?since={BTC}:4,{ODD}:0") as connection:
        hello = await receive(connection)
        assert hello["recovered"] is False
        assert hello["missed"] == {BTC: {"from": 5, "to": TRIMMED}}
        trades = [await receive_type(connection, "trade") for _ in range(TRADES - TRIMMED + 3)]
        seqs = [trade["data"]["seq"] for trade in trades if trade["data"]["symbol"] == BTC]
        assert seqs == list(range(TRIMMED + 1, TRADES + 1))


async def test_the_client_raises_exactly_what_is_missing(feed: RunningFeed) -> None:
    """A position before the log is a GapError, after which the rest follows."""
    async with MarketDataClient(feed.url) as client:
        stream = client.trades([BTC], since={BTC: 4})
        async with asyncio.timeout(10):
            with pytest.raises(GapError) as gap:
                await anext(stream)
            assert gap.value.range == (BTC, 5, TRIMMED)
            assert (await anext(stream)).seq == TRIMMED + 1


async def test_a_position_of_another_epoch(feed: RunningFeed) -> None:
    """Nothing is replayed, the client library raises an error, then reads the new epoch."""
    async with connected(feed.url, f"?since={BTC}:12&epoch=gone") as connection:
        hello = await receive(connection)
        assert hello["recovered"] is False
        assert "missed" not in hello
        async with open_venue(feed.redis_url) as venue:
            await make_trades(venue, 1, HUGE)
        data = (await receive_type(connection, "trade"))["data"]
        assert (data["symbol"], data["seq"]) == (HUGE, 1)
    async with MarketDataClient(feed.url, on_gap="continue") as client:
        stream = client.trades([BTC], since=Position("gone", {BTC: 12}))
        async with asyncio.timeout(10):
            assert (await anext(stream)).seq == TRIMMED + 1
        epoch, gap = stream.breaks
        assert isinstance(epoch, EpochError)
        assert isinstance(gap, GapError)
        assert gap.range == (BTC, 1, TRIMMED)


async def test_a_position_in_the_future(feed: RunningFeed) -> None:
    """The position is refused, and the client library reports that the venue lost trades."""
    async with connected(feed.url, f"?since={BTC}:99") as connection:
        messages, code = await receive_all(connection)
        assert code == 4501
        assert [message.get("code") for message in messages][-1] == "since_in_future"
    async with MarketDataClient(feed.url) as client, asyncio.timeout(10):
        with pytest.raises(EpochError) as rewound:
            await anext(client.trades(since={BTC: 99}))
        assert rewound.value.reason == "rewound"
