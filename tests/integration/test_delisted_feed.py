"""What clients of the feed see of an instrument that is delisted, and listed again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from tapewire.matching.kill_switch import KillSwitch
from tests.integration.test_trade_stream import Stream
from tests.support.feeds.account_feed import ask
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.reading import connected, receive, receive_all, receive_type
from tests.support.venue import BOB, BTC, INSTRUMENTS, ODD, Venue
from tests.support.wait import wait_until


@pytest_asyncio.fixture
async def feed(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[FeedProcess]:
    """A process whose canary is slow: nothing here waits for its next round."""
    async with running_feed(redis_url, tmp_path, CANARY_INTERVAL_S="30") as opened:
        yield opened


async def trade(venue: Venue, count: int = 1) -> None:
    """Let orders trade in BTC."""
    for _ in range(count):
        await venue.buy(1, 100)
        await venue.sell(1, 100, account=BOB)


async def wait_until_known(feed: FeedProcess, seq: int) -> None:
    """Wait until the feed has trade `seq` of BTC: a trade reaches the feed after its answer."""

    async def is_known() -> bool:
        async with connected(feed.url, f"?symbols={BTC}") as probe:
            return bool((await receive_type(probe, "connected"))["seq"][BTC] == seq)

    await wait_until(is_known, f"the feed has trade {seq}")


async def delist(venue: Venue) -> None:
    """Take BTC off the list, as the gateway does."""
    await KillSwitch(venue.engine, venue.queries).delist(BTC)


async def list_again(venue: Venue) -> None:
    """List BTC again, as the gateway does."""
    await venue.engine.publish_instruments({BTC: INSTRUMENTS[BTC]}, lists_again=True)


async def market_change(connection: Any, change: str) -> dict[str, Any]:
    """The next market message of one kind of change."""
    while True:
        data: dict[str, Any] = (await receive_type(connection, "market"))["data"]
        if data["change"] == change:
            return data


async def test_subscribers_are_told_and_go_on_when_it_is_listed_again(
    feed: FeedProcess, venue: Venue
) -> None:
    """Named and wildcard clients get one message each, and later the next trade, without a gap."""
    await trade(venue, 3)
    await wait_until_known(feed, 3)
    await venue.buy(2, 90)
    async with (
        connected(feed.url, f"?symbols={BTC},{ODD}&channels=trades,book") as named,
        connected(feed.url, "?channels=trades") as everything,
    ):
        assert (await receive_type(named, "connected"))["seq"][BTC] == 3
        await receive_type(everything, "connected")
        await delist(venue)
        update = await receive_type(named, "l2_update")
        if update["data"]["bids"] == [["0.90", "0.00002"]]:  # a slow feed publishes the order now
            update = await receive_type(named, "l2_update")
        assert update["data"]["bids"] == [["0.90", "0.00000"]]
        for client in (named, everything):
            assert (await market_change(client, "delisted"))["symbol"] == BTC
        refused = await ask(everything, op="subscribe", symbols=[BTC], channels=["bbo"])
        assert (refused["type"], refused["code"]) == ("error", "unknown_symbol")
        async with connected(feed.url, f"?symbols={BTC}") as late:
            messages, code = await receive_all(late)
            assert (messages[-1]["code"], code) == ("unknown_symbol", 4501)
        async with connected(feed.url) as newcomer:
            # The number goes on if the symbol is listed again, so that it belongs to the position.
            assert (await receive(newcomer))["seq"][BTC] == 3
            await list_again(venue)
            assert (await market_change(newcomer, "added"))["symbol"] == BTC
            await trade(venue)
            for client in (named, everything, newcomer):
                assert (await receive_type(client, "trade"))["data"]["seq"] == 4
        left = await ask(named, op="unsubscribe", symbols=[BTC], channels=["trades", "book"])
        assert left["type"] == "unsubscribed"


async def test_a_client_may_leave_a_delisted_symbol_and_resume_behind_it(
    feed: FeedProcess, venue: Venue
) -> None:
    """Unsubscribing is not refused; a wildcard client gets the last trades that it missed."""
    await trade(venue, 5)
    await wait_until_known(feed, 5)
    async with connected(feed.url, f"?symbols={BTC},{ODD}&channels=trades") as named:
        await receive_type(named, "connected")
        await delist(venue)
        await market_change(named, "delisted")
        answer = await ask(named, op="unsubscribe", symbols=[BTC])
        assert answer["subscriptions"] == [f"trades:{ODD}"]
    async with connected(feed.url, f"?since={BTC}:3") as resumed:
        assert (await receive_type(resumed, "connected"))["recovered"] is True
        assert [(await receive_type(resumed, "trade"))["data"]["seq"] for _ in range(2)] == [4, 5]


async def test_history_is_served_and_the_book_is_not(feed: FeedProcess, venue: Venue) -> None:
    """Trades and candles stay readable over REST; book, quote, ticker and auction are unknown."""
    await trade(venue, 3)
    await wait_until_known(feed, 3)
    url = f"http://127.0.0.1:{feed.port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        assert (await client.get(f"/v1/book/{BTC}")).status_code == 200
        await delist(venue)

        async def is_unknown() -> bool:
            return (await client.get(f"/v1/book/{BTC}")).status_code == 404

        await wait_until(is_unknown, "the process learns of the delisting")
        for path in ("book", "bbo", "ticker", "auction"):
            reply = await client.get(f"/v1/{path}/{BTC}")
            assert reply.status_code == 404, reply.text
            assert reply.json()["code"] == "unknown_symbol"
        found = (await client.get(f"/v1/trades/{BTC}?since=1")).json()
        assert [item["seq"] for item in found["trades"]] == [2, 3]
        # The minute may end between two of the trades.
        candles = (await client.get(f"/v1/candles/{BTC}")).json()["candles"]
        assert sum(candle["trades"] for candle in candles) == 3
        reply = await client.get(f"/v1/stream?symbols={BTC}")
        assert reply.status_code == 404
        await list_again(venue)
        assert (await client.get(f"/v1/book/{BTC}")).status_code == 200


async def test_event_streams_go_on(feed: FeedProcess, venue: Venue) -> None:
    """Streams of all symbols, opened before or after, repeat no number when it is listed again."""
    await trade(venue, 3)
    await wait_until_known(feed, 3)
    url = f"http://127.0.0.1:{feed.port}/v1/stream"
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        async with client.stream("GET", url) as reply:
            before = Stream(reply)
            assert (await before.next("connected")).data["seq"][BTC] == 3
            await delist(venue)
            told = await before.next("market")
            assert told.data == {"symbol": BTC, "change": "delisted"}
            async with client.stream("GET", url) as second:
                after = Stream(second)
                assert BTC not in (await after.next("connected")).data["seq"]
                await list_again(venue)
                await trade(venue)
                for stream in (before, after):
                    assert (await stream.next("trade")).data["seq"] == 4
        # An id from before the delisting is a position, also while the symbol is delisted.
        await delist(venue)
        headers = {"Last-Event-ID": told.id.replace(f"{BTC}:3", f"{BTC}:2")}
        async with client.stream("GET", url, headers=headers) as reply:
            resumed = Stream(reply)
            assert (await resumed.next("connected")).data["recovered"] is True
            assert [(await resumed.next("trade")).data["seq"] for _ in range(2)] == [3, 4]


async def test_a_process_that_starts_meanwhile_repeats_nothing(
    venue: Venue, redis_url: str, tmp_path: Path
) -> None:
    """It has never seen the symbol listed, and sends its next trade alone."""
    await trade(venue, 3)
    await delist(venue)
    async with (
        running_feed(redis_url, tmp_path) as started,
        connected(started.url) as client,
    ):
        await receive_type(client, "connected")
        await list_again(venue)
        await trade(venue)
        assert (await receive_type(client, "trade"))["data"]["seq"] == 4
        await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{started.port}/v1/book/{BTC}")
