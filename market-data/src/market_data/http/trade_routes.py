"""Trades over plain HTTP: pages of history, and a live stream as server-sent events."""

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from redis.exceptions import RedisError

from market_data.clients.protocol import read_since
from market_data.errors import RequestError, StaleData
from market_data.feed.feed import Feed
from market_data.feed.replay_log import READ_TRADES_MAX
from market_data.http.state import state_of
from market_data.http.trade_stream import EventStreamResponse
from tapewire.errors import InvalidField, RedisUnavailable, UnknownSymbol
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.web.direct_route import DirectRoute
from tapewire.web.problem import problem_examples

LIMIT_DEFAULT = 100
# Every event carries the position of every symbol of its stream.
STREAM_SYMBOLS_MAX = 50

_TRADE = {
    "trade_id": "BTC-USDT-1",
    "seq": 1,
    "symbol": "BTC-USDT",
    "price": "60000.00",
    "quantity": "1.50000",
    "aggressor_side": "buy",
    "maker_order_id": "1",
    "taker_order_id": "2",
    "timestamp": "2026-01-31T12:00:00.000001Z",
    "epoch": "4b647e01df66",
}
_TRADES = {"symbol": "BTC-USDT", "epoch": "4b647e01df66", "trades": [_TRADE], "last_seq": 1}


def _parameter(name: str, where: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "description": text,
        "schema": schema,
    }


router = APIRouter(prefix="/v1", route_class=DirectRoute, tags=["trades"])


@router.get(
    "/trades/{symbol}",
    summary="Trades of a symbol, paged by seq",
    responses={
        200: {"content": {"application/json": {"example": _TRADES}}},
        **problem_examples("unknown_symbol", "invalid_value", "stale_data", "redis_unavailable"),
    },
    openapi_extra={
        "parameters": [
            _parameter("symbol", "path", "Which instrument", {"type": "string"}),
            _parameter(
                "since",
                "query",
                "Trades after this seq; without it the newest",
                {"type": "integer"},
            ),
            _parameter(
                "limit",
                "query",
                "Trades in the answer",
                {"type": "integer", "default": LIMIT_DEFAULT, "maximum": READ_TRADES_MAX},
            ),
        ]
    },
)
async def trades(request: Request) -> Response:
    """Oldest first. Ask again with `since` = the last seq of the page, until a page is empty."""
    state = state_of(request)
    feed = state.feed
    symbol = request.path_params["symbol"]
    _check_symbol(feed, symbol)
    limit = _read_integer(request, "limit", LIMIT_DEFAULT, READ_TRADES_MAX)
    last_seq = feed.sequencer.seqs[symbol]
    since = _read_integer(request, "since", max(0, last_seq - limit), EXACT_INTEGER_MAX)
    try:
        page, _ = await state.replay_log.read(symbol, since)
    except (RedisError, OSError):
        raise RedisUnavailable("The replay log cannot be read now.") from None
    head = json.dumps(
        {"symbol": symbol, "epoch": feed.sequencer.epoch, "last_seq": last_seq},
        separators=(",", ":"),
    )
    body = b'%b,"trades":[%b]}' % (
        head[:-1].encode(),
        b",".join(message.payload for message in page[:limit]),
    )
    return Response(body, media_type="application/json")


@router.get(
    "/stream",
    summary="Live trades as server-sent events",
    responses={
        200: {
            "description": "Events `connected`, `trade`, `gap`, `epoch`, `heartbeat`, `reconnect`; "
            "the id of an event is the position to resume from",
            "content": {"text/event-stream": {"example": "event: trade\nid: BTC-USDT:1\ndata: {}"}},
        },
        **problem_examples("unknown_symbol", "invalid_value", "out_of_range", "stale_data"),
    },
    openapi_extra={
        "parameters": [
            _parameter(
                "symbols", "query", "Comma-separated; without it all of them", {"type": "string"}
            ),
            _parameter("since", "query", "As `BTC-USDT:123,ETH-USDT:45`", {"type": "string"}),
            _parameter("Last-Event-ID", "header", "As `since`; it wins", {"type": "string"}),
        ]
    },
)
async def stream(request: Request) -> Response:
    """`curl -N` shows them. With `Last-Event-ID` or `since`, what was missed comes first."""
    state = state_of(request)
    streams, feed = state.trade_streams, state.feed
    named = [part for part in request.query_params.get("symbols", "").split(",") if part]
    for symbol in named:
        _check_symbol(feed, symbol)
    symbols = named or sorted(feed.sequencer.seqs)
    if len(symbols) > STREAM_SYMBOLS_MAX:
        raise InvalidField(
            "symbols",
            "invalid_value",
            f"symbols must name at most {STREAM_SYMBOLS_MAX} of the instruments.",
        )
    cursors = streams.positions(symbols)
    cursors |= _read_position(request, cursors)
    return EventStreamResponse(streams.events(cursors), on_stalled=streams.stalled)


def _check_symbol(feed: Feed, symbol: str) -> None:
    if not feed.has_venue:
        raise StaleData("Redis holds no venue now; ask again shortly.")
    if symbol not in feed.sequencer.seqs:
        raise UnknownSymbol("symbol is not traded here.")


def _read_integer(request: Request, name: str, default: int, highest: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= highest):
        raise InvalidField(
            name, "invalid_value", f"{name} must be a whole number of at most {highest}."
        )
    return int(text)


def _read_position(request: Request, heads: dict[str, int]) -> dict[str, int]:
    """Where the client says it is, of the symbols that it wants."""
    text = request.headers.get("Last-Event-ID") or request.query_params.get("since")
    if not text:
        return {}
    try:
        since = read_since(text)
    except RequestError as error:
        raise InvalidField("since", "invalid_value", f"{error}.") from None
    for symbol, seq in since.items():
        if seq > heads.get(symbol, seq):
            raise InvalidField(
                "since", "out_of_range", f"since: the last trade of {symbol} is {heads[symbol]}."
            )
    return {symbol: seq for symbol, seq in since.items() if symbol in heads}
