"""Instruments that are added while market-data runs are known at once on every route."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from tapewire.values.instruments import parse_instruments
from tapewire.values.types import Symbol
from tests.support.feeds.account_feed import ask
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.reading import connected, receive, receive_all, receive_type
from tests.support.venue import BTC, INSTRUMENTS, Venue

PATHS = ("book", "bbo", "ticker", "candles", "trades")


@pytest_asyncio.fixture
async def feed(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[FeedProcess]:
    """A process whose canary is slow: nothing here waits for its next round."""
    async with running_feed(redis_url, tmp_path, CANARY_INTERVAL_S="30") as opened:
        yield opened


async def add(venue: Venue, number: int) -> Symbol:
    """Add an instrument, as the gateway does before it answers 201."""
    symbol = Symbol(f"NEW{number}-USDT")
    text = f"""
[[instrument]]
symbol = "{symbol}"
base = "NEW{number}"
quote = "USDT"
tick_size = "0.01"
lot_size = "0.00001"
min_quantity = "0.00001"
max_quantity = "100"
"""
    await venue.engine.publish_instruments({**INSTRUMENTS, **parse_instruments(text, "the test")})
    return symbol


async def test_a_new_instrument_is_never_refused(feed: FeedProcess, venue: Venue) -> None:
    """A new instrument is served at once over REST, a new connection and an open one."""
    url = f"http://127.0.0.1:{feed.port}"
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        connected(feed.url, f"?symbols={BTC}") as standing,
    ):
        await receive_type(standing, "connected")
        for number in range(20):
            symbol = await add(venue, number)
            path = PATHS[number % len(PATHS)]
            reply = await client.get(f"/v1/{path}/{symbol}")
            assert reply.status_code == 200, reply.text
            symbol = await add(venue, 100 + number)
            async with connected(feed.url, f"?symbols={symbol}&channels=book") as opened:
                assert (await receive(opened))["type"] == "connected"
                snapshot = await receive_type(opened, "book_snapshot")
                assert snapshot["data"]["symbol"] == symbol
            symbol = await add(venue, 200 + number)
            answer = await ask(standing, op="subscribe", symbols=[symbol], channels=["bbo"])
            assert answer["type"] == "subscribed", answer
        assert (await ask(standing, op="ping"))["type"] == "pong"


async def test_an_unknown_symbol_is_refused_after_one_look(feed: FeedProcess, venue: Venue) -> None:
    """Redis is asked once, in bounded time; later requests wait for that answer."""
    async with connected(feed.url, f"?symbols={BTC}") as connection:
        await receive_type(connection, "connected")
        await connection.send('{"op":"subscribe","id":1,"symbols":["NO-SUCH"]}')
        await connection.send('{"op":"ping","id":2}')
        refused = await receive_type(connection, "error")
        assert (refused["id"], refused["code"]) == (1, "unknown_symbol")
        assert (await receive_type(connection, "pong"))["id"] == 2
    async with connected(feed.url, "?symbols=NO-SUCH") as connection:
        messages, code = await receive_all(connection)
        assert (messages[-1]["code"], code) == ("unknown_symbol", 4501)


async def test_many_who_ask_share_a_look(feed: FeedProcess, venue: Venue) -> None:
    """A hundred unknown symbols at once cost a few rounds of the canary."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        url = f"http://127.0.0.1:{feed.port}/v1/book"
        replies = await asyncio.gather(*(client.get(f"{url}/NO-{n}") for n in range(100)))
        assert {reply.status_code for reply in replies} == {404}
