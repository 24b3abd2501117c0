"""Trades as server-sent events of a real process: complete positions, new symbols, siblings."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio

from tapewire.values.instruments import parse_instruments
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.traffic import make_trades
from tests.support.venue import BTC, HUGE, INSTRUMENTS, ODD, Venue
from tests.support.wait import wait_until

TIMEOUT_S = 20.0
NEW = """
[[instrument]]
symbol = "NEW-USDT"
base = "NEW"
quote = "USDT"
tick_size = "0.01"
lot_size = "0.00001"
min_quantity = "0.00001"
max_quantity = "100"
"""


class Event(NamedTuple):
    """One event; heartbeats have no id."""

    kind: str
    id: str
    data: dict[str, Any]


class Stream:
    """An open stream of events."""

    def __init__(self, reply: httpx.Response) -> None:
        """Read nothing yet."""
        self._lines = reply.aiter_lines()

    async def next(self, *kinds: str) -> Event:
        """The next event of one of these kinds, of any kind without an argument."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                fields: dict[str, str] = {}
                async for line in self._lines:
                    if not line:
                        break
                    name, _, value = line.partition(": ")
                    fields[name] = value
                event = Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
                if not kinds or event.kind in kinds:
                    return event

    async def trades(self, count: int) -> list[tuple[str, int]]:
        """Symbol and number of the next trades."""
        events = [await self.next("trade", "gap") for _ in range(count)]
        return [(event.data["symbol"], event.data["seq"]) for event in events]


class Streams:
    """A market-data process, and streams of it."""

    def __init__(self, feed: FeedProcess, client: httpx.AsyncClient) -> None:
        """Use the fixture instead."""
        self.feed = feed
        self._client = client

    @asynccontextmanager
    async def open(self, last_event_id: str | None = None, **query: str) -> AsyncIterator[Stream]:
        """A stream; its first event is `connected`."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        url = f"http://127.0.0.1:{self.feed.port}/v1/stream"
        async with self._client.stream("GET", url, params=query, headers=headers) as reply:
            assert reply.status_code == 200, await reply.aread()
            yield Stream(reply)

    async def refused(self, *last_event_ids: str, **query: str) -> tuple[int, str, str | None]:
        """Status, code and field of a refusal."""
        url = f"http://127.0.0.1:{self.feed.port}/v1/stream"
        headers = [("Last-Event-ID", last_event_id) for last_event_id in last_event_ids]
        reply = await self._client.get(url, params=query, headers=headers)
        problem = reply.json()
        return reply.status_code, problem["code"], problem.get("field")


@pytest_asyncio.fixture
async def streams(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[Streams]:
    """One process; its canary is slow, so that nothing here depends on its interval."""
    async with (
        running_feed(redis_url, tmp_path, CANARY_INTERVAL_S="30", POLL_TIMEOUT_S="0.05") as feed,
        httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as client,
    ):
        yield Streams(feed, client)


async def test_an_id_is_a_complete_position(streams: Streams, venue: Venue) -> None:
    """The id of any event resumes with all later trades of every symbol."""
    async with streams.open() as stream:
        hello = await stream.next()
        assert (hello.kind, hello.data["seq"]) == ("connected", {BTC: 0, HUGE: 0, ODD: 0})
        assert "recovered" not in hello.data
        assert hello.id == f"{hello.data['epoch']}/*:0"
        await make_trades(venue, 3)
        await make_trades(venue, 2, ODD)
        events = [await stream.next("trade") for _ in range(5)]
    seen = [(event.data["symbol"], event.data["seq"]) for event in events]
    assert sorted(seen) == [(BTC, 1), (BTC, 2), (BTC, 3), (ODD, 1), (ODD, 2)]
    for index, event in enumerate(events):
        async with streams.open(event.id) as again:
            assert (await again.next("connected")).data["recovered"] is True
            rest = await again.trades(4 - index) if index < 4 else []
            assert sorted(rest) == sorted(seen[index + 1 :])


async def test_a_stream_of_all_symbols_follows_new_ones(streams: Streams, venue: Venue) -> None:
    """A new symbol is sent from its first trade on, live and after a resume."""
    (symbol,) = new = parse_instruments(NEW, "the test")
    async with streams.open() as stream:
        hello = await stream.next("connected")
        await venue.engine.publish_instruments({**INSTRUMENTS, **new})
        await make_trades_of(venue, symbol)
        trade = await stream.next("trade")
        assert (trade.data["symbol"], trade.data["seq"]) == (symbol, 1)
    async with streams.open(hello.id) as again:
        assert await again.trades(1) == [(symbol, 1)]
    async with streams.open(trade.id) as again:
        await again.next("connected")
        await make_trades_of(venue, symbol)
        assert await again.trades(1) == [(symbol, 2)]


async def make_trades_of(venue: Venue, symbol: Any) -> None:
    """One trade."""
    await venue.sell(1, 100, symbol=symbol)
    await venue.buy(1, 100, symbol=symbol)


async def test_a_position_of_a_sibling_is_waited_for(streams: Streams, venue: Venue) -> None:
    """A position that another process has reached is accepted; an impossible one is refused."""
    await make_trades(venue, 2)
    async with streams.open(symbols=BTC) as stream:
        await stream.next("connected")

    async def resume() -> list[tuple[str, int]]:
        async with streams.open(since=f"{BTC}:4", symbols=BTC) as ahead:
            await ahead.next("connected")
            await make_trades(venue, 1)
            return await ahead.trades(1)

    resuming = asyncio.create_task(resume())
    await make_trades(venue, 2)
    assert await resuming == [(BTC, 5)]
    assert await streams.refused(since=f"{BTC}:99") == (422, "out_of_range", "since")


async def test_a_browser_goes_on_after_the_venue_lost_data(streams: Streams, venue: Venue) -> None:
    """EventSource cannot correct its position, so the stream names the lost trades and goes on."""
    await make_trades(venue, 3)
    async with streams.open(symbols=BTC) as stream:
        position = (await stream.next("connected")).id
    epoch = position.partition("/")[0]
    async with streams.open(f"{epoch}/{BTC}:99", symbols=BTC) as stream:
        hello = await stream.next("connected")
        assert (hello.data["recovered"], hello.data["seq"]) == (False, {BTC: 3})
    async with streams.open(f"other/{BTC}:1", symbols=BTC) as stream:
        hello = await stream.next("connected")
        assert (hello.data["recovered"], hello.data["seq"]) == (False, {BTC: 0})
        assert await stream.trades(3) == [(BTC, 1), (BTC, 2), (BTC, 3)]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"symbols": "NO-SUCH"}, (404, "unknown_symbol", None)),
        ({"symbols": ""}, (422, "invalid_value", "symbols")),
        ({"symbols": f"{BTC},"}, (422, "invalid_value", "symbols")),
        ({"since": "NO-SUCH:1"}, (422, "invalid_value", "since")),
        ({"since": f"{ODD}:0", "symbols": BTC}, (422, "invalid_value", "since")),
        ({"symbols": f"{BTC},{HUGE},{BTC}"}, (422, "invalid_value", "symbols")),
        ({"since": "nonsense"}, (422, "invalid_value", "since")),
        ({"since": ""}, (422, "invalid_value", "since")),
        ({"since": f"{BTC}:0,*:5"}, (422, "invalid_value", "since")),
    ],
)
async def test_wrong_streams_are_refused(
    streams: Streams, query: dict[str, str], problem: tuple[int, str, str | None]
) -> None:
    """Every unknown or invalid query parameter is refused."""
    assert await streams.refused(**query) == problem
    if query.get("since"):
        symbols = {"symbols": query["symbols"]} if "symbols" in query else {}
        if query["since"] != "NO-SUCH:1":
            status, code, field = await streams.refused(query["since"], **symbols)
            assert (status, code, field) == (*problem[:2], "Last-Event-ID")


async def test_a_second_last_event_id_is_refused(streams: Streams) -> None:
    """Proxies disagree on which of two counts."""
    for ids in ((f"{BTC}:0", f"{BTC}:1"), (f"{BTC}:0",) * 2, ("", "")):
        assert await streams.refused(*ids) == (422, "duplicate_field", "Last-Event-ID")


async def test_without_a_venue_there_is_no_stream(
    venue: Venue, redis_url: str, tmp_path: Path
) -> None:
    """A stream never begins with an empty epoch: the answer is 503 with `Retry-After`."""
    client: Any = venue.client
    async with (
        running_feed(redis_url, tmp_path, CANARY_INTERVAL_S="0.1") as feed,
        httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as http,
    ):
        streams, url = Streams(feed, http), f"http://127.0.0.1:{feed.port}/v1/bbo/{BTC}"
        await client.flushall()

        async def is_gone() -> bool:
            return (await http.get(url)).status_code == 503

        await wait_until(is_gone, "the venue is gone")
        assert await streams.refused() == (503, "stale_data", None)
        await venue.engine.publish_instruments(INSTRUMENTS)

        async def is_there() -> bool:
            return (await http.get(url)).status_code == 200

        await wait_until(is_there, "the venue is known")
        async with streams.open() as stream:
            assert (await stream.next("connected")).data["epoch"]
