"""The state of a market over plain HTTP: book, best prices, ticker, candles."""

import json
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from redis.exceptions import RedisError

from market_data.http.state import state_of
from market_data.http.state_schemas import (
    BOOK_EXAMPLE,
    CANDLES_EXAMPLE,
    QUOTE_EXAMPLE,
    TICKER_EXAMPLE,
    CandlesReply,
    TickerReply,
)
from market_data.market.candles import INTERVALS, render_candle
from market_data.market.ticker import render_ticker, window_start_s
from market_data.topics import Depth
from tapewire.errors import InvalidField, RedisUnavailable, UnknownSymbol
from tapewire.values.timestamps import parse_timestamp
from tapewire.web.direct_route import DirectRoute
from tapewire.web.problem import problem_examples
from tapewire.web.schemas import SchemaReference
from tapewire.wire.feed_messages import BookState, Quote

JSON = "application/json"

DEPTHS: Mapping[str, Depth] = {"10": 10, "50": 50, "all": "all"}
DEPTH_DEFAULT = "50"
INTERVAL_DEFAULT = "1m"
LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000

Page = TypeVar("Page")


def _parameter(name: str, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


_SYMBOL: dict[str, Any] = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "description": "Which instrument",
    "schema": {"type": "string"},
    "example": "BTC-USDT",
}
_TIME_SCHEMA = {"type": "string", "format": "date-time", "example": "2026-01-31T12:00:00Z"}


def _answer(description: str, model: type, example: object) -> dict[str, Any]:
    content = {"schema": SchemaReference(model), "example": example}
    return {"description": description, "content": {JSON: content}}


router = APIRouter(prefix="/v1", route_class=DirectRoute, tags=["market"])


@router.get(
    "/book/{symbol}",
    summary="Price levels",
    responses={
        200: _answer("The book", BookState, BOOK_EXAMPLE),
        **problem_examples("unknown_symbol", "invalid_value", "stale_data"),
    },
    openapi_extra={
        "parameters": [
            _SYMBOL,
            _parameter(
                "depth",
                "Levels of each side",
                {"type": "string", "enum": list(DEPTHS), "default": DEPTH_DEFAULT},
            ),
        ]
    },
)
async def read_book(request: Request) -> Response:
    """The state after book update `seq`; the updates that follow come over WebSocket."""
    depth = _read_choice(request, "depth", DEPTHS, DEPTH_DEFAULT)
    body = state_of(request).books.snapshot_json(request.path_params["symbol"], depth)
    return Response(body, media_type=JSON)


@router.get(
    "/bbo/{symbol}",
    summary="Best bid and ask",
    responses={
        200: _answer("The best prices", Quote, QUOTE_EXAMPLE),
        **problem_examples("unknown_symbol", "stale_data"),
    },
    openapi_extra={"parameters": [_SYMBOL]},
)
async def read_quote(request: Request) -> Response:
    """The best level of each side, null where there is none."""
    return _respond(state_of(request).books.quote(request.path_params["symbol"]))


@router.get(
    "/ticker/{symbol}",
    summary="The last 24 hours",
    responses={
        200: _answer("The ticker", TickerReply, TICKER_EXAMPLE),
        **problem_examples("unknown_symbol", "stale_data", "redis_unavailable"),
    },
    openapi_extra={"parameters": [_SYMBOL]},
)
async def read_ticker(request: Request) -> Response:
    """Exact: all trades since the minute in which the last 24 hours began."""
    symbol = request.path_params["symbol"]
    state = state_of(request)
    quote = state.books.quote(symbol)
    now_us = state.clock.now_us()
    page = await _read(state.candle_log.since(symbol, window_start_s(now_us)))
    total = page.candles[0] if page.candles else None
    return _respond(render_ticker(symbol, page.market, total, quote, now_us))


@router.get(
    "/candles/{symbol}",
    summary="Candles of one interval",
    responses={
        200: _answer("The candles", CandlesReply, CANDLES_EXAMPLE),
        **problem_examples(
            "unknown_symbol", "invalid_value", "out_of_range", "stale_data", "redis_unavailable"
        ),
    },
    openapi_extra={
        "parameters": [
            _SYMBOL,
            _parameter(
                "interval",
                "Length of a candle; days and weeks (from Monday) begin at midnight UTC",
                {"type": "string", "enum": list(INTERVALS), "default": INTERVAL_DEFAULT},
            ),
            _parameter("start", "Candles that start at this time or later", _TIME_SCHEMA),
            _parameter("end", "Candles that start before this time", _TIME_SCHEMA),
            _parameter(
                "limit",
                "Candles in the answer: the first ones with `start`, else the last ones",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LIMIT_MAX,
                    "default": LIMIT_DEFAULT,
                },
            ),
        ]
    },
)
async def read_candles(request: Request) -> Response:
    """Oldest first, the present one included; a period without a trade has no candle."""
    symbol = request.path_params["symbol"]
    interval = _read_choice(request, "interval", INTERVALS, INTERVAL_DEFAULT)
    start_s, end_s = _read_time_s(request, "start"), _read_time_s(request, "end")
    if start_s is not None and end_s is not None and start_s >= end_s:
        raise InvalidField("start", "out_of_range", "start must be before end.")
    limit = _read_limit(request)
    state = state_of(request)
    state.books.check_venue()
    page = await _read(
        state.candle_log.candles(symbol, interval, start_s=start_s, end_s=end_s, limit=limit)
    )
    now_s = state.clock.now_s()
    candles = [
        render_candle(
            candle, symbol, interval, page.market,
            closed=candle.start_s + interval.length_s <= now_s,
        )
        for candle in page.candles
    ]  # fmt: skip
    return _respond(
        {
            "symbol": symbol,
            "interval": interval.name,
            "epoch": page.market.epoch,
            "candles": candles,
        }
    )


def _respond(body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), media_type=JSON)


async def _read(reading: Awaitable[Page | None]) -> Page:
    try:
        page = await reading
    except (RedisError, OSError):
        raise RedisUnavailable("The candles cannot be read now.") from None
    if page is None:
        raise UnknownSymbol("symbol is not traded here.")
    return page


Choice = TypeVar("Choice")


def _read_choice(
    request: Request, name: str, choices: Mapping[str, Choice], default: str
) -> Choice:
    text = request.query_params.get(name, default)
    if text not in choices:
        raise InvalidField(name, "invalid_value", f"{name} must be one of {', '.join(choices)}.")
    return choices[text]


def _read_limit(request: Request) -> int:
    text = request.query_params.get("limit", str(LIMIT_DEFAULT))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidField("limit", "invalid_value", "limit must be a whole number.")
    if not 1 <= int(text) <= LIMIT_MAX:
        raise InvalidField("limit", "out_of_range", f"limit must be 1 to {LIMIT_MAX}.")
    return int(text)


def _read_time_s(request: Request, name: str) -> int | None:
    """The first whole second that is not before the time."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        time_us = parse_timestamp(text)
    except ValueError:
        raise InvalidField(
            name, "invalid_value", f"{name} must be a time such as 2026-01-31T12:00:00Z."
        ) from None
    if time_us < 0:
        raise InvalidField(name, "out_of_range", f"{name} must not be before 1970.")
    return -(-time_us // 1_000_000)
