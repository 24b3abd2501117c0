"""The state of a market over plain HTTP: book, best prices, ticker, candles."""

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from msgspec import json
from redis.exceptions import RedisError

from market_data.errors import unknown_symbol
from market_data.http.incoming import (
    SYMBOL,
    TIME,
    admit,
    answered,
    booked_symbol,
    integer,
    parameter,
    read_choice,
    read_integer,
    read_time_s,
    recorded_symbol,
    refused,
    respond,
    traded_symbol,
)
from market_data.http.state import state_of
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
from market_data.topics import Depth
from tapewire.errors import InvalidField, RedisUnavailable
from tapewire.market.auction import render_auction
from tapewire.market.candles import INTERVALS, render_candle
from tapewire.market.ticker import render_ticker, window_start_s
from tapewire.web.direct_route import DirectRoute
from tapewire.wire.feed_messages import BookState, Quote

DEPTHS: Mapping[str, Depth] = {"10": 10, "50": 50, "all": "all"}
DEPTH_DEFAULT = "50"
INTERVAL_DEFAULT = "1m"
LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000

Page = TypeVar("Page")


router = APIRouter(prefix="/v1", route_class=DirectRoute, tags=["market"])


@router.get(
    "/book/{symbol}",
    summary="Price levels",
    responses={
        200: answered("The book", BookState, BOOK_EXAMPLE),
        **refused("unknown_symbol", "invalid_value"),
    },
    openapi_extra={
        "parameters": [
            SYMBOL,
            parameter(
                "depth",
                "Levels of each side",
                {"type": "string", "enum": list(DEPTHS), "default": DEPTH_DEFAULT},
            ),
        ]
    },
)
async def read_book(request: Request) -> Response:
    """The state after book update `seq`; the updates that follow come over WebSocket."""
    headers = admit(request)
    depth = read_choice(request, "depth", DEPTHS, DEPTH_DEFAULT)
    symbol = await booked_symbol(request)
    return respond(request, state_of(request).books.snapshot_json(symbol, depth), headers)


@router.get(
    "/bbo/{symbol}",
    summary="Best bid and ask",
    responses={
        200: answered("The best prices", Quote, QUOTE_EXAMPLE),
        **refused("unknown_symbol"),
    },
    openapi_extra={"parameters": [SYMBOL]},
)
async def read_quote(request: Request) -> Response:
    """The best level of each side, null where there is none."""
    headers = admit(request)
    quote = state_of(request).books.quote(await booked_symbol(request))
    return respond(request, json.encode(quote), headers)


@router.get(
    "/ticker/{symbol}",
    summary="The last 24 hours",
    responses={
        200: answered("The ticker", TickerReply, TICKER_EXAMPLE),
        **refused("unknown_symbol", "redis_unavailable"),
    },
    openapi_extra={"parameters": [SYMBOL]},
)
async def read_ticker(request: Request) -> Response:
    """Exact: all trades since the minute in which the last 24 hours began."""
    headers = admit(request)
    symbol, state = await booked_symbol(request), state_of(request)
    quote = state.books.quote(symbol)
    now_us = state.clock.now_us()
    page = await _read(symbol, state.candle_log.since(symbol, window_start_s(now_us)))
    total = page.candles[0] if page.candles else None
    ticker = render_ticker(symbol, page.market, total, quote, now_us)
    return respond(request, json.encode(ticker), headers)


@router.get(
    "/auction/{symbol}",
    summary="The indicative price of an auction",
    responses={
        200: answered("What an uncross would give", AuctionReply, AUCTION_EXAMPLE),
        **refused("unknown_symbol", "redis_unavailable"),
    },
    openapi_extra={"parameters": [SYMBOL]},
)
async def read_auction(request: Request) -> Response:
    """As new as the last `market` message with `indicative`: at most about a second old."""
    headers = admit(request)
    symbol = await traded_symbol(request)
    record = await _read(symbol, state_of(request).books.records.auction(symbol))
    return respond(request, json.encode(render_auction(symbol, record)), headers)


@router.get(
    "/candles/{symbol}",
    summary="Candles of one interval",
    responses={
        200: answered("The candles", CandlesReply, CANDLES_EXAMPLE),
        **refused("unknown_symbol", "invalid_value", "out_of_range", "redis_unavailable"),
    },
    openapi_extra={
        "parameters": [
            SYMBOL,
            parameter(
                "interval",
                "Length of a candle; days and weeks (from Monday) begin at midnight UTC",
                {"type": "string", "enum": list(INTERVALS), "default": INTERVAL_DEFAULT},
            ),
            parameter("start", "Candles that start at this time or later", TIME),
            parameter("end", "Candles that start before this time", TIME),
            parameter(
                "limit",
                "Candles in the answer: the first ones with `start`, else the last ones",
                integer(1, LIMIT_MAX, LIMIT_DEFAULT),
            ),
        ]
    },
)
async def read_candles(request: Request) -> Response:
    """Oldest first, the present one included; a period without a trade has no candle."""
    headers = admit(request)
    interval = read_choice(request, "interval", INTERVALS, INTERVAL_DEFAULT)
    start_s, end_s = read_time_s(request, "start"), read_time_s(request, "end")
    if start_s is not None and end_s is not None and start_s >= end_s:
        raise InvalidField("start", "out_of_range", "start must be before end.")
    limit = read_integer(request, "limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX)
    symbol, state = await recorded_symbol(request), state_of(request)
    page = await _read(
        symbol,
        state.candle_log.candles(symbol, interval, start_s=start_s, end_s=end_s, limit=limit),
    )
    now_s = state.clock.now_s()
    candles = [
        render_candle(
            candle, symbol, interval, page.market,
            closed=interval.end_s(candle.start_s) <= now_s,
        )
        for candle in page.candles
    ]  # fmt: skip
    answer = {
        "symbol": symbol,
        "interval": interval.name,
        "epoch": page.market.epoch,
        "candles": candles,
    }
    return respond(request, json.encode(answer), headers)


async def _read(symbol: str, reading: Awaitable[Page | None]) -> Page:
    try:
        page = await reading
    except (RedisError, OSError):
        raise RedisUnavailable("The market cannot be read now.") from None
    if page is None:
        raise unknown_symbol(symbol)
    return page
