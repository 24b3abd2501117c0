"""Book, best prices, ticker and candles over REST, from the real application on a real Redis."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import redis

from market_data.app import create_app
from market_data.http.state_schemas import (
    AUCTION_EXAMPLE,
    BOOK_EXAMPLE,
    CANDLES_EXAMPLE,
    QUOTE_EXAMPLE,
    TICKER_EXAMPLE,
    AuctionReply,
    CandlesReply,
    TickerReply,
)
from market_data.market.book import Level2Book
from market_data.settings import MarketDataSettings
from tapewire import keys
from tapewire.market.candles import INTERVALS, render_candle
from tapewire.matching.auctions import indicate
from tapewire.redis.server import RedisServer
from tapewire.settings import VenueSettings
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import MarketState, OrderType, Side
from tapewire.web.problem import Problem, ProblemApp
from tapewire.wire.feed_messages import BookState, Quote
from tests.integration.test_candles import START_S, computed, trades_of
from tests.support.structures import read_exactly
from tests.support.transport.fake_socket import FakeSocket
from tests.support.venue import BTC, INSTRUMENTS, Venue, open_venue
from tests.support.wait import wait_until

SECOND_US = 1_000_000


class Api:
    """The application without its server, and a client of it."""

    def __init__(self, app: ProblemApp, client: httpx.AsyncClient) -> None:
        """Use `running_api` instead."""
        self.app = app
        self._client = client

    async def get(self, path: str, **parameters: Any) -> Any:
        """The body of an answer with status 200."""
        reply = await self._client.get(path, params=parameters)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/json"
        return reply.json()

    async def refused(self, path: str, **parameters: Any) -> tuple[int, str, str | None]:
        """Status, code and field of a problem."""
        reply = await self._client.get(path, params=parameters)
        assert reply.headers["content-type"] == "application/problem+json", reply.text
        problem = read_exactly(reply.content, Problem)
        assert problem.status == reply.status_code
        assert (reply.status_code == 503) == ("retry-after" in reply.headers)
        return problem.status, problem.code, problem.field

    async def book_seq(self, seq: int) -> None:
        """Wait until the book of BTC has the number `seq`."""

        async def reached() -> bool:
            reply = await self._client.get(f"/v1/bbo/{BTC}")
            return reply.status_code == 200 and reply.json()["seq"] == seq

        await wait_until(reached, f"book update {seq} arrived")

    async def book_status(self, status: int) -> None:
        """Wait until the book of BTC is answered with a status."""

        async def answered() -> bool:
            return (await self._client.get(f"/v1/book/{BTC}")).status_code == status

        await wait_until(answered, f"the book is answered with {status}")


def make_app(url: str) -> ProblemApp:
    """The application as it is composed in production, with a quick canary."""
    venue = VenueSettings(REDIS_URL=url, startup_timeout_s=5, redis_timeout_s=1)
    app = create_app(MarketDataSettings(canary_interval_s=0.05, poll_timeout_s=0.05, venue=venue))
    assert isinstance(app, ProblemApp)
    return app


@pytest_asyncio.fixture
async def api(venue: Venue, redis_url: str) -> AsyncIterator[Api]:
    """The application on the venue's Redis."""
    app = make_app(redis_url)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        opened = Api(app, client)
        await opened.book_seq(0)
        yield opened


async def test_book_and_quote(api: Api, venue: Venue) -> None:
    """Levels of both sides, best first, as many as `depth` asks for."""
    for ticks in range(60):
        await venue.sell(2, 200 + ticks)
        await venue.buy(3, 199 - ticks)
    await api.book_seq(120)
    whole = await api.get(f"/v1/book/{BTC}", depth="all")
    read_exactly(json.dumps(whole), BookState)
    bids, asks = await venue.depth(Side.BUY), await venue.depth(Side.SELL)
    assert whole["bids"] == [[f"{t // 100}.{t % 100:02}", f"0.{lots:05}"] for t, lots in bids]
    assert whole["asks"] == [[f"{t // 100}.{t % 100:02}", f"0.{lots:05}"] for t, lots in asks]
    assert (whole["depth"], whole["seq"]) == ("all", 120)
    for depth, parameters in ((50, {}), (50, {"depth": "50"}), (10, {"depth": "10"})):
        cut = await api.get(f"/v1/book/{BTC}", **parameters)
        assert cut == whole | {
            "depth": depth,
            "bids": whole["bids"][:depth],
            "asks": whole["asks"][:depth],
        }
    quote = await api.get(f"/v1/bbo/{BTC}")
    read_exactly(json.dumps(quote), Quote)
    assert (quote["bid"], quote["ask"]) == (whole["bids"][0], whole["asks"][0])


async def test_the_indicative_price_of_an_auction(api: Api, venue: Venue) -> None:
    """What an uncross would give, as long as the auction lasts."""
    await venue.engine.control_market(BTC, state=MarketState.AUCTION)
    await venue.buy(3, 105)
    await venue.sell(5, 105)
    await indicate(venue.engine, BTC, 0)
    auction = await api.get(f"/v1/auction/{BTC}")
    read_exactly(json.dumps(auction), AuctionReply)
    assert (auction["state"], auction["price"], auction["quantity"]) == (
        "auction",
        "1.05",
        "0.00003",
    )
    assert (auction["surplus"], auction["surplus_side"]) == ("0.00002", "sell")
    await venue.engine.control_market(BTC, state=MarketState.TRADING)
    auction = await api.get(f"/v1/auction/{BTC}")
    assert (auction["state"], auction["price"], auction["timestamp"]) == ("trading", None, None)


async def test_an_empty_market(api: Api) -> None:
    """A symbol that never traded has an empty book, an empty ticker and no candles."""
    book = await api.get(f"/v1/book/{BTC}")
    assert (book["bids"], book["asks"], book["seq"]) == ([], [], 0)
    quote = await api.get(f"/v1/bbo/{BTC}")
    assert (quote["bid"], quote["ask"]) == (None, None)
    ticker = await api.get(f"/v1/ticker/{BTC}")
    read_exactly(json.dumps(ticker), TickerReply)
    assert ticker["open"] is ticker["last"] is ticker["change"] is ticker["change_percent"] is None
    assert (ticker["volume"], ticker["quote_volume"], ticker["trades"]) == (
        "0.00000", "0.0000000", 0,
    )  # fmt: skip
    assert (await api.get(f"/v1/candles/{BTC}"))["candles"] == []


async def test_candles_and_their_ranges(api: Api, venue: Venue) -> None:
    """Candles of every interval, with and without bounds, as the replay log has them."""
    for step in range(40):
        venue.engine.clock_us = str((START_S + step * 1_700) * SECOND_US)
        await venue.sell(step + 1, 100 + step)
        await venue.buy(step + 1, 100 + step)
    await api.book_seq(80)
    market = await api.app.state.candle_log.newest(BTC)
    trades = trades_of(await venue.trades(), BTC)
    for name, interval in INTERVALS.items():
        expected = [
            render_candle(candle, BTC, interval, market.market, closed=True)
            for candle in computed(trades, interval)
        ]
        expected[-1]["closed"] = False
        reply = await api.get(f"/v1/candles/{BTC}", interval=name)
        read_exactly(json.dumps(reply), CandlesReply)
        assert reply["candles"] == expected
        start = format_timestamp(trades[9].start_s * SECOND_US)
        end = format_timestamp(trades[30].start_s * SECOND_US)
        assert (await api.get(f"/v1/candles/{BTC}", interval=name, start=start, end=end))[
            "candles"
        ] == [candle for candle in expected if start <= candle["start"] < end]
        last = await api.get(f"/v1/candles/{BTC}", interval=name, limit="1")
        assert last["candles"] == expected[-1:]
    first = trades[0].start_s // 60 * 60
    after = format_timestamp(first * SECOND_US + 1)
    later = await api.get(f"/v1/candles/{BTC}", start=after)
    assert format_timestamp(first * SECOND_US) < later["candles"][0]["start"]
    earlier = await api.get(f"/v1/candles/{BTC}", end=after)
    assert [candle["trades"] for candle in earlier["candles"]] == [1]
    assert (await api.get(f"/v1/candles/{BTC}"))["interval"] == "1m"
    assert (await api.get(f"/v1/candles/{BTC}", end="1970-01-01T00:00:00Z"))["candles"] == []


async def test_ticker(api: Api, venue: Venue) -> None:
    """The ticker covers the trades of the last 24 hours only; the change is exact."""
    for hours, ticks, lots in ((0, 900, 7), (6, 300, 1), (7, 500, 2), (23, 100, 3), (29, 200, 4)):
        venue.engine.clock_us = str((START_S + hours * 3_600) * SECOND_US)
        await venue.sell(lots, ticks)
        await venue.buy(lots, ticks)
    await venue.sell(9, 201)
    await api.book_seq(11)
    ticker = await api.get(f"/v1/ticker/{BTC}")
    read_exactly(json.dumps(ticker), TickerReply)
    assert ticker == ticker | {
        "open": "3.00",
        "high": "5.00",
        "low": "1.00",
        "last": "2.00",
        "change": "-1.00",
        "change_percent": "-33.33",
        "volume": "0.00010",
        "quote_volume": "0.0002400",
        "trades": 4,
        "best_bid": None,
        "best_ask": ["2.01", "0.00009"],
    }
    span = START_S + 5 * 3_600
    assert ticker["open_time"] == format_timestamp(span // 60 * 60 * SECOND_US)


@pytest.mark.parametrize(
    ("path", "parameters", "problem"),
    [
        ("book/NO-SUCH", {}, (404, "unknown_symbol", None)),
        ("bbo/NO-SUCH", {}, (404, "unknown_symbol", None)),
        ("ticker/NO-SUCH", {}, (404, "unknown_symbol", None)),
        ("candles/NO-SUCH", {}, (404, "unknown_symbol", None)),
        (f"book/{BTC}", {"depth": "11"}, (422, "invalid_value", "depth")),
        (f"book/{BTC}", {"depth": ""}, (422, "invalid_value", "depth")),
        (f"candles/{BTC}", {"interval": "2m"}, (422, "invalid_value", "interval")),
        (f"candles/{BTC}", {"limit": "0"}, (422, "out_of_range", "limit")),
        (f"candles/{BTC}", {"limit": "1001"}, (422, "out_of_range", "limit")),
        (f"candles/{BTC}", {"limit": "-1"}, (422, "invalid_value", "limit")),
        (f"candles/{BTC}", {"limit": "1.5"}, (422, "invalid_value", "limit")),
        (f"candles/{BTC}", {"limit": "9" * 5_000}, (422, "out_of_range", "limit")),
        (f"candles/{BTC}", {"start": "yesterday"}, (422, "invalid_value", "start")),
        (f"candles/{BTC}", {"end": "2026-01-31T12:00:00"}, (422, "invalid_value", "end")),
        (f"candles/{BTC}", {"end": "1969-12-31T23:59:59Z"}, (422, "out_of_range", "end")),
        (
            f"candles/{BTC}",
            {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
            (422, "out_of_range", "start"),
        ),
    ],
)
async def test_wrong_requests(
    api: Api, path: str, parameters: dict[str, str], problem: tuple[int, str, str | None]
) -> None:
    """Each wrong request is refused with a code and the name of the field."""
    assert await api.refused(f"/v1/{path}", **parameters) == problem


async def test_a_lost_update_without_a_successor_is_found(api: Api, venue: Venue) -> None:
    """The canary's positions show the lost update, and the book is read again."""
    await venue.sell(5, 100)
    await api.book_seq(1)
    # The matching script's step, but for the message: nobody ever hears of update 2.
    client: Any = venue.client
    fields = (await client.hget("{tw}:market:BTC-USDT", "state")).decode().split("|")
    fields[1] = "2"
    transaction = client.pipeline(transaction=True)
    transaction.hset("{tw}:levels:BTC-USDT:sell", "101", "7")
    transaction.hset("{tw}:market:BTC-USDT", "state", "|".join(fields))
    await transaction.execute()
    await api.book_seq(2)
    book = await api.get(f"/v1/book/{BTC}")
    assert book["asks"] == [["1.00", "0.00005"], ["1.01", "0.00007"]]


async def test_flushall_begins_a_new_book(api: Api, venue: Venue) -> None:
    """Without a venue the book is unavailable; afterwards it has none of the old levels."""
    for ticks in (100, 101):
        await venue.sell(5, ticks)
    await api.book_seq(2)
    await venue.client.flushall()

    await api.book_status(503)
    await venue.engine.publish_instruments(INSTRUMENTS)
    await venue.buy(5, 90)
    await api.book_seq(1)
    book = await api.get(f"/v1/book/{BTC}")
    assert (book["bids"], book["asks"]) == ([["0.90", "0.00005"]], [])


async def test_books_survive_cut_subscriptions(api: Api, venue: Venue, redis_url: str) -> None:
    """Updates published while the subscription was cut are in the book afterwards."""
    with redis.Redis.from_url(redis_url) as control:
        for round_number in range(1, 6):
            for number in range(10):
                await venue.sell(1, 100 + number, OrderType.LIMIT)
                if number == 5:
                    control.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await api.book_seq(round_number * 10)
            asks = (await api.get(f"/v1/book/{BTC}"))["asks"]
            assert [quantity for _, quantity in asks] == [f"0.{round_number:05}"] * 10


async def test_live_candles_of_a_venue_set_back(api: Api, venue: Venue, redis_url: str) -> None:
    """After Redis lost its last trades, the candles do not include them."""
    socket = FakeSocket()
    socket.session = api.app.state.feed._hub.connect(socket, frozenset({("candles:1w", BTC)}))

    def newest_trades() -> list[int]:
        return [message["data"]["trades"] for message in socket.messages() if "data" in message]

    client: Any = venue.client
    market, now = keys.market(BTC), keys.candle_now(BTC)
    venue.engine.clock_us = str(START_S * SECOND_US)
    await venue.sell(3, 100)
    await venue.buy(1, 100)
    saved = await client.hgetall(market), await client.hgetall(now)
    await venue.buy(1, 100)
    await wait_until(lambda: newest_trades()[-1:] == [2], "both trades are in the candle")
    transaction = client.pipeline(transaction=True)
    transaction.hset(market, mapping=saved[0])
    transaction.hset(now, mapping=saved[1])
    await transaction.execute()
    with redis.Redis.from_url(redis_url) as control:
        control.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await wait_until(lambda: newest_trades()[-1:] == [1], "the candle has one trade again")


async def test_without_redis_nothing_old_is_shown(redis_server: RedisServer) -> None:
    """Without Redis the book, quote, ticker and candles answer 503; later they are right again."""
    app = make_app(redis_server.url)
    async with (
        open_venue(redis_server.url) as venue,
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        api = Api(app, client)
        await venue.sell(5, 100)
        await api.book_seq(1)
        redis_server.kill()

        await api.book_status(503)
        for path, code in (
            ("book", "stale_data"),
            ("bbo", "stale_data"),
            ("ticker", "stale_data"),
            ("candles", "redis_unavailable"),
        ):
            assert await api.refused(f"/v1/{path}/{BTC}") == (503, code, None)
        redis_server.start()
        await api.book_seq(1)
        assert (await api.get(f"/v1/book/{BTC}"))["asks"] == [["1.00", "0.00005"]]


def test_the_examples_are_answers() -> None:
    """The examples in the OpenAPI document fit the models of the four routes."""
    for model, example in (
        (BookState, BOOK_EXAMPLE),
        (Quote, QUOTE_EXAMPLE),
        (TickerReply, TICKER_EXAMPLE),
        (AuctionReply, AUCTION_EXAMPLE),
        (CandlesReply, CANDLES_EXAMPLE),
    ):
        read_exactly(json.dumps(example), model)
        assert set(model.__struct_fields__) == set(example)
    book = Level2Book(2, 5, bids=BOOK_EXAMPLE["bids"], asks=BOOK_EXAMPLE["asks"])
    assert book.checksum() == BOOK_EXAMPLE["checksum"]
    document = make_app("redis://localhost:1").openapi()
    for name in ("book", "bbo", "ticker", "candles", "auction", "trades"):
        responses = document["paths"][f"/v1/{name}/{{symbol}}"]["get"]["responses"]
        assert {"200", "404"} <= set(responses)
        answer = responses["200"]["content"]["application/json"]
        schema = document["components"]["schemas"][answer["schema"]["$ref"].rpartition("/")[2]]
        assert set(schema["properties"]) == set(answer["example"])
