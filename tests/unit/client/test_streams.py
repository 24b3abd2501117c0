"""Streams over real sockets: reconnect, resume, give up, end."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

import pytest

from tapewire.client import (
    BookError,
    FeedRefused,
    FeedUnavailable,
    GapError,
    LinkOptions,
    MarketDataClient,
    Position,
    Stream,
)
from tapewire.errors import MessageError
from tapewire.runtime.ports import free_port
from tests.support.feeds.samples import heartbeat, subscribed, trade
from tests.support.feeds.scripted_feed import FeedConnection, scripted_feed
from tests.support.wait import wait_until

FAST = LinkOptions(retry_delay_s=0.01, retry_delay_max_s=0.05, silence_timeout_s=2.0)


async def take(stream: Stream[Any], count: int) -> list[Any]:
    """The next items, in bounded time."""
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(count)]


async def seqs(stream: Stream[Any], count: int) -> list[int]:
    return [event.seq for event in await take(stream, count)]


async def test_a_lost_connection_is_resumed() -> None:
    """After a close the position goes to the next connection, and trades go on."""

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        first = 10 * connection.number
        await connection.send(subscribed({"A": 9}), *(trade(seq) for seq in range(10, first + 2)))
        await connection.close(1012, "service restart")

    async with scripted_feed(play) as feed, MarketDataClient(feed.url, options=FAST) as client:
        stream = client.trades()
        assert await seqs(stream, 12) == list(range(10, 22))
        assert feed.requests[0] == {"op": "subscribe", "channels": ["trades"], "id": 1,
                                    "on_lag": "disconnect"}  # fmt: skip
        assert feed.requests[1]["since"] == {"A": 11}
        assert feed.requests[1]["epoch"] == "e1"
        assert set(feed.paths) == {"/ws/market-data?channels="}
        assert stream.duplicates == 2
        assert stream.position == Position("e1", {"A": 21})


async def test_silence_is_a_dead_connection() -> None:
    """A service that says nothing for too long is left for the next one."""

    async def silent(connection: FeedConnection, request: dict[str, Any]) -> None:
        await connection.send(subscribed({"A": 0}))
        await connection.wait_closed()

    async def lively(connection: FeedConnection, request: dict[str, Any]) -> None:
        await connection.send(subscribed({"A": 0}), trade(1))
        await connection.wait_closed()

    options = LinkOptions(retry_delay_s=0.01, silence_timeout_s=0.1)
    async with scripted_feed(silent) as dead, scripted_feed(lively) as live:
        async with MarketDataClient(dead.url, live.url, options=options) as client:
            assert await seqs(client.trades(), 1) == [1]
        assert dead.requests


async def test_a_draining_service_is_left_for_the_next() -> None:
    """An upgrade that is answered 503 is tried elsewhere, one with 404 nowhere."""

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        await connection.send(subscribed({"A": 0}), trade(1))
        await connection.wait_closed()

    async with scripted_feed(play) as first, scripted_feed(play) as second:
        first.refuse = HTTPStatus.SERVICE_UNAVAILABLE
        async with MarketDataClient(first.url, second.url, options=FAST) as client:
            assert await seqs(client.trades(), 1) == [1]
            first.refuse = HTTPStatus.NOT_FOUND
            with pytest.raises(FeedRefused, match="404"):
                await take(client.trades(), 1)


@pytest.mark.parametrize(("code", "error"), [(4501, "invalid_request"), (4500, None)])
async def test_a_final_close_is_not_repeated(code: int, error: str | None) -> None:
    """A close of 4500 to 4999 raises, with the code of the error message before it, if any."""

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        if error:
            await connection.send({"type": "error", "code": error, "message": "no"})
        await connection.close(code, "because")

    async with scripted_feed(play) as feed, MarketDataClient(feed.url, options=FAST) as client:
        with pytest.raises(FeedRefused) as refused:
            await take(client.trades(), 1)
        assert refused.value.code == (error or str(code))
        assert len(feed.requests) == 1


async def test_a_refused_subscription_is_told_or_asked_again() -> None:
    """An error to our request raises, unless it says that it will pass."""
    codes = ["unavailable", "rate_limited", "unknown_symbol"]

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        code = codes[connection.number - 1]
        await connection.send({"type": "error", "code": code, "message": "no", "id": request["id"]})
        await connection.wait_closed()

    async with scripted_feed(play) as feed, MarketDataClient(feed.url, options=FAST) as client:
        with pytest.raises(FeedRefused, match="unknown_symbol"):
            await take(client.trades(["X"]), 1)
        assert len(feed.requests) == 3


async def test_a_gap_is_raised_and_the_stream_goes_on_behind_it() -> None:
    """By default a gap interrupts the iteration, which may be taken up again."""

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        await connection.send(subscribed({"A": 0}), trade(1), trade(4), heartbeat({"A": 4}))
        await connection.wait_closed()

    async with scripted_feed(play) as feed:
        async with MarketDataClient(feed.url, options=FAST) as client:
            stream = client.trades()
            assert await seqs(stream, 1) == [1]
            with pytest.raises(GapError) as gap:
                await take(stream, 1)
            assert gap.value.range == ("A", 2, 3)
            assert await seqs(stream, 1) == [4]
            assert stream.connections == 2
        async with MarketDataClient(feed.url, on_gap="continue", options=FAST) as client:
            stream = client.trades()
            assert await seqs(stream, 2) == [1, 4]
            (told,) = stream.breaks
            assert isinstance(told, GapError)


async def test_it_gives_up_if_it_may() -> None:
    """Without a service for longer than allowed the wait ends with an error."""
    options = LinkOptions(retry_delay_s=0.01, retry_delay_max_s=0.02, give_up_after_s=0.2)
    async with MarketDataClient(f"ws://127.0.0.1:{free_port()}", options=options) as client:
        with pytest.raises(FeedUnavailable):
            await take(client.trades(), 1)


async def test_another_service_is_not_taken_for_the_feed() -> None:
    """Words that are no messages of ours raise instead of being passed over."""

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        await connection.send_text("hello")
        await connection.wait_closed()

    async with scripted_feed(play) as feed, MarketDataClient(feed.url, options=FAST) as client:
        with pytest.raises(MessageError):
            await take(client.trades(), 1)
        with pytest.raises(FeedRefused, match="invalid_url"):
            await take(MarketDataClient("http://127.0.0.1").trades(), 1)
    with pytest.raises(ValueError, match="address"):
        MarketDataClient().trades()


async def test_a_cancelled_wait_loses_nothing() -> None:
    """A timeout around the next trade leaves the stream where it was."""
    go = asyncio.Event()

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        await connection.send(subscribed({"A": 0}), trade(1))
        await go.wait()
        await connection.send(trade(2))
        await connection.wait_closed()

    async with scripted_feed(play) as feed, MarketDataClient(feed.url, options=FAST) as client:
        stream = client.trades()
        assert await seqs(stream, 1) == [1]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await anext(stream)
        go.set()
        assert await seqs(stream, 1) == [2]
        assert stream.connections == 1


async def test_closing_the_client_ends_its_streams() -> None:
    """Leaving the block closes the connections, and iterating further ends at once."""
    gone = asyncio.Event()

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        await connection.send(subscribed({"A": 0}), trade(1))
        await connection.wait_closed()
        gone.set()

    async with scripted_feed(play) as feed:
        async with MarketDataClient(feed.url, options=FAST) as client:
            async with client.trades() as stream:
                assert await seqs(stream, 1) == [1]
            assert [event async for event in stream] == []
        await wait_until(gone.is_set, "the connection is closed")


async def test_a_book_that_stays_wrong_is_told() -> None:
    """After several snapshots that contradict themselves the iteration raises."""

    async def play(connection: FeedConnection, request: dict[str, Any]) -> None:
        data = {"symbol": "A", "seq": 1, "epoch": "e1", "depth": 10, "bids": [], "asks": [],
                "checksum": 1, "timestamp": "2026-01-31T12:00:00.000001Z"}  # fmt: skip
        await connection.send(subscribed({}), {"type": "book_snapshot", "data": data})
        await connection.wait_closed()

    async with scripted_feed(play) as feed, MarketDataClient(feed.url, options=FAST) as client:
        with pytest.raises(BookError):
            await take(client.books(["A"], depth=10), 1)
        assert len(feed.requests) == 3


@pytest.mark.parametrize("name", ["trades", "books", "bbo", "candles"])
async def test_a_text_in_place_of_a_list_of_symbols_is_refused(name: str) -> None:
    """Its letters would be the symbols."""
    async with MarketDataClient("ws://127.0.0.1:1") as client:
        with pytest.raises(TypeError, match=r"write \['BTC-USDT'\]"):
            getattr(client, name)("BTC-USDT")


async def test_a_key_is_sent_with_every_connection(caplog: pytest.LogCaptureFixture) -> None:
    """The log and the texts of the client do not show the key."""

    async def play(connection: FeedConnection, _: dict[str, Any]) -> None:
        await connection.send(subscribed({"A": 0}), trade(connection.number))
        await connection.close(1012, "service restart")

    key = "tw_key_secret"
    caplog.set_level(logging.DEBUG)
    async with scripted_feed(play) as feed:
        async with MarketDataClient(feed.url, api_key=key, options=FAST) as client:
            assert await seqs(client.trades(), 2) == [1, 2]
        assert feed.keys == [f"Bearer {key}"] * 2
    assert key not in repr(LinkOptions(api_key=key))
    client_records = [r for r in caplog.records if "server" not in r.name]
    assert all(key not in record.getMessage() for record in client_records)
