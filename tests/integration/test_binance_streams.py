"""The Binance streams of a market-data process: what each stream says, for real trades."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from market_data.binance.conversation import STREAMS_MAX
from market_data.clients.client_state import ERRORS_MAX
from tapewire.values.timestamps import parse_timestamp
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.reading import connected, receive, receive_type
from tests.support.feeds.stream_client import streaming
from tests.support.feeds.traffic import make_trades
from tests.support.transport.raw_websocket import TEXT, RawWebSocket
from tests.support.venue import BTC, INSTRUMENTS, Venue, open_venue

BURST = 400

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
        await reader.ask("LIST_SUBSCRIPTIONS")
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
        await reader.ask("LIST_SUBSCRIPTIONS")
        order = await venue.sell(5, 20_000)
        first = await reader.event("depthUpdate")
        await venue.cancel(order)
        second = await reader.event("depthUpdate")
    assert first["a"] == [["200.00", "0.00005"]]
    assert first["b"] == []
    assert (first["U"], second["U"]) == (first["u"], first["u"] + 1)
    assert second["a"] == [["200.00", "0.00000000"]]


async def test_the_streams_have_the_trades_of_the_feed(venue: Venue, feed: FeedProcess) -> None:
    """A client of each, over a burst: the same trades in the same order."""
    async with (
        streaming(feed.url, "/stream?streams=btcusdt@trade") as stream,
        connected(feed.url, f"?symbols={BTC}") as native,
    ):
        await receive(native)
        await stream.ask("LIST_SUBSCRIPTIONS")
        await make_trades(venue, BURST)
        for _ in range(BURST):
            here = (await stream.receive())["data"]
            there = (await receive_type(native, "trade"))["data"]
            assert (here["t"], here["p"], here["q"]) == (
                there["seq"], there["price"], there["quantity"],
            )  # fmt: skip
            assert here["m"] == (there["aggressor_side"] == "sell")
            assert here["T"] == parse_timestamp(there["timestamp"]) // 1_000


async def test_combined_messages_name_their_stream(venue: Venue, feed: FeedProcess) -> None:
    """`/stream` wraps a message, and `timeUnit` gives times in microseconds."""
    async with streaming(feed.url, "/stream?streams=btcusdt@trade&timeUnit=MICROSECOND") as reader:
        await reader.ask("LIST_SUBSCRIPTIONS")
        await trade_once(venue)
        message = await reader.receive()
    assert message["stream"] == "btcusdt@trade"
    assert 10**15 < message["data"]["T"] < 10**16


async def test_streams_come_and_go(venue: Venue, feed: FeedProcess) -> None:
    """Every method is answered with its id, before the first message of a new stream."""
    async with streaming(feed.url, "/ws/0") as reader:
        assert await reader.ask("LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}
        names = ["btcusdt@trade", "odd@depth5@100ms", "!ticker@arr"]
        assert await reader.ask("SUBSCRIBE", *names) == {"result": None, "id": 2}
        listed = await reader.ask("LIST_SUBSCRIPTIONS", id="list")
        assert listed == {"result": sorted(names), "id": "list"}
        assert (await reader.ask("UNSUBSCRIBE", "odd@depth5@100ms", "!ticker@arr"))[
            "result"
        ] is None
        # A stream that the client does not follow, or whose symbol is gone, can be left too.
        assert (await reader.ask("UNSUBSCRIBE", "btcusdt@depth", "gone@trade"))["result"] is None
        assert (await reader.ask("GET_PROPERTY", "combined"))["result"] is False
        assert (await reader.ask("SET_PROPERTY", "combined", True))["result"] is None
        assert (await reader.ask("GET_PROPERTY", "combined", id=None))["result"] is True
        await trade_once(venue)
        message = await reader.receive()
        assert (message["stream"], message["data"]["e"]) == ("btcusdt@trade", "trade")
        assert (await reader.ask("LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@trade"]


async def test_every_stream_starts(venue: Venue, feed: FeedProcess) -> None:
    """One client of every kind of stream is told of one trade and its book by each of them."""
    await trade_once(venue)
    channels = [
        "trade", "aggTrade", "bookTicker", "depth", "depth@100ms", "depth@1000ms", "depth5",
        "depth10@100ms", "depth20@1000ms", "ticker", "ticker_1h", "ticker_4h",
        "ticker_1d", "miniTicker", "avgPrice", "kline_1m", "kline_3m", "kline_1M",
    ]  # fmt: skip
    wanted = {f"btcusdt@{channel}" for channel in channels}
    wanted |= {"!ticker@arr", "!miniTicker@arr", "!miniTicker@arr@1000ms"}
    wanted |= {"!ticker_1h@arr", "!ticker_4h@arr", "!ticker_1d@arr"}
    async with streaming(feed.url, "/stream") as reader:
        await reader.ask("SUBSCRIBE", *wanted)
        await trade_once(venue)
        seen: set[str] = set()
        while seen != wanted:
            seen.add((await reader.receive())["stream"])
    async with streaming(feed.url, "/ws/btcusdt@ticker") as reader:
        ticker = await reader.event("24hrTicker")
    assert (ticker["n"], ticker["c"]) == (len(await venue.trades()), "100.00")


async def test_bad_requests_are_refused(feed: FeedProcess) -> None:
    """Each with the number of its kind; nothing of a request with one bad name is done."""
    async with streaming(feed.url, "/ws") as reader:
        answer = await reader.ask("SUBSCRIBE", "btcusdt@trade", "nosuch@trade")
        assert answer["error"] == {"code": -1121, "msg": "Invalid symbol."}
        answer = await reader.ask("SUBSCRIBE", "btcusdt@trade", "btcusdt@kline_7m")
        assert answer["error"] == {"code": -1120, "msg": "Invalid interval."}
        answer = await reader.ask("SUBSCRIBE", "btcusdt@nosuch")
        assert answer["error"] == {"code": 2, "msg": "Invalid request: invalid stream"}
        answer = await reader.ask("NOSUCH")
        assert answer["error"]["code"] == 2
        assert (await reader.send("{"))["error"]["code"] == 3
        assert (await reader.send("[" * 10_000))["id"] is None
        too_many = [f"btcusdt@{name}" for name in ("trade", "depth")] * STREAMS_MAX
        assert (await reader.ask("SUBSCRIBE", *too_many))["result"] is None
        assert (await reader.ask("LIST_SUBSCRIPTIONS"))["result"] == [
            "btcusdt@depth", "btcusdt@trade",
        ]  # fmt: skip


async def test_a_client_that_is_wrong_too_often_is_closed(feed: FeedProcess) -> None:
    """After ERRORS_MAX refusals; a binary message ends the connection at once."""
    async with streaming(feed.url, "/stream") as reader:
        for _ in range(ERRORS_MAX):
            assert (await reader.send("null"))["error"]["code"] == 2
        with pytest.raises(ConnectionClosed):
            await reader.receive()
        assert reader.connection.close_code == 4500
    async with streaming(feed.url, "/ws") as reader:
        await reader.connection.send(b"{}")
        with pytest.raises(ConnectionClosed):
            await reader.receive()
        assert reader.connection.close_code == 1003


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/ws/nosuch@trade", -1121),
        ("/ws/btcusdt@trade/btcusdt@nosuch", 2),
        ("/ws/%FF@trade", -1121),
        ("/ws/@", 2),
        ("/ws/btcusdt@trade//", 2),
        ("/stream?streams=btcusdt@kline_1s", -1120),
        ("/stream?streams=btcusdt", 2),
        ("/stream?streams=/", 2),
        ("/stream?streams=%FF%00@trade", -1121),
        ("/ws/" + "x" * 5_000 + "@trade", -1121),
        ("/ws/!bookTicker", 2),
        ("/ws/marketdata", 2),
        ("/ws/market-data/", 2),
        ("/ws/btcusdt", 2),
        ("/ws/0/btcusdt@trade", 2),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_connection_for_a_bad_stream_is_told_why(
    feed: FeedProcess, path: str, code: int
) -> None:
    """The error comes as a message, then the connection is closed with 4501."""
    async with streaming(feed.url, path) as reader:
        assert (await reader.receive())["error"]["code"] == code
        with pytest.raises(ConnectionClosed):
            await reader.receive()
        assert reader.connection.close_code == 4501


async def test_a_symbol_in_upper_case_and_its_own_name_are_read(
    venue: Venue, feed: FeedProcess
) -> None:
    """Messages and lists show the one name that the symbol has at Binance."""
    async with streaming(feed.url, "/stream?streams=BTC-USDT@trade/BTCUSDT@aggTrade") as reader:
        assert (await reader.ask("LIST_SUBSCRIPTIONS"))["result"] == [
            "btcusdt@aggTrade", "btcusdt@trade",
        ]  # fmt: skip
        await trade_once(venue)
        assert (await reader.receive())["stream"] == "btcusdt@trade"


async def test_a_connection_may_have_a_number(feed: FeedProcess) -> None:
    """Clients number their connections: only a number, or nothing, stands for no stream."""
    for path in ("/ws/", "/ws/17"):
        async with streaming(feed.url, path) as reader:
            assert await reader.ask("LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}


async def test_requests_without_a_websocket_and_bad_units_are_refused(feed: FeedProcess) -> None:
    """A plain request is not found; an unknown unit and a doubled parameter are a problem."""
    base = feed.url.replace("ws://", "http://")
    async with httpx.AsyncClient(trust_env=False, base_url=base) as client:
        for path in ("/ws", "/ws/btcusdt@trade", "/stream"):
            reply = await client.get(path)
            assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
        document = (await client.get("/asyncapi-streams.json")).json()
    assert document["servers"]["streams"]["host"] == base.removeprefix("http://")
    doubled = "/stream?streams=btcusdt@trade&streams=ethusdt@trade"
    for path in ("/ws?timeUnit=NANOSECOND", doubled, "/ws/0?streams=btcusdt@trade"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(feed.url + path):
                pass
        problem = refused.value.response
        assert (problem.status_code, json.loads(problem.body)["code"]) == (422, "invalid_value")
    assert "ERROR" not in feed.log()


def outlive(port: int) -> str:
    """Wait until a silent client of the feed is closed; returns what a stream answers then."""
    with RawWebSocket(port, "/ws/market-data") as feed, RawWebSocket(port, "/ws") as stream:
        feed.receive_rest()
        stream.send_text('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        while (frame := stream.receive()).opcode != TEXT:
            pass
        return frame.payload.decode()


async def test_a_stop_is_announced(
    venue: Venue, module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A stopping process takes no new client, sends `serverShutdown`, then closes with 1012.

    Before, a client that answers no ping is closed at the feed, but not yet at the streams.
    """
    async with running_feed(
        module_redis_url,
        tmp_path_factory.mktemp("stop"),
        DRAIN_SPREAD_S="1",
        PING_INTERVAL_S="0.1",
        PING_TIMEOUT_S="0.1",
    ) as process:
        assert json.loads(await asyncio.to_thread(outlive, process.port)) == {"result": [], "id": 1}
        async with (
            streaming(process.url, "/ws/btcusdt@trade") as plain,
            streaming(process.url, "/stream?streams=btcusdt@depth") as combined,
        ):
            process.terminate()
            assert await plain.event("serverShutdown")
            told = await combined.receive()
            assert (told["stream"], told["data"]["e"]) == ("!serverShutdown", "serverShutdown")
            for reader in (plain, combined):
                with pytest.raises(ConnectionClosed):
                    await reader.receive()
                assert reader.connection.close_code == 1012
        assert await process.ended() == 0


async def test_a_new_epoch_closes_every_client(venue: Venue, feed: FeedProcess) -> None:
    """All numbers restart in a new epoch, so that a client has to read everything again."""
    async with (
        streaming(feed.url, "/ws/btcusdt@depth@100ms") as depth,
        streaming(feed.url, "/stream?streams=!ticker@arr") as tickers,
    ):
        await depth.ask("LIST_SUBSCRIPTIONS")
        assert (await feed.health())["active_connections"] == 2
        await venue.client.flushall()
        await venue.engine.publish_instruments(INSTRUMENTS)
        for reader in (depth, tickers):
            with pytest.raises(ConnectionClosed):
                await reader.until(lambda _: False)
            assert reader.connection.close_code == 4013
    async with streaming(feed.url, "/ws/btcusdt@trade/btcusdt@ticker") as reader:
        await reader.ask("LIST_SUBSCRIPTIONS")
        await trade_once(venue)
        assert (await reader.event("trade"))["t"] == 1
        assert (await reader.event("24hrTicker"))["n"] == 1
