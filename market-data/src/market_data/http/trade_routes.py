"""Trades over plain HTTP: pages of history, and a live stream as server-sent events."""

from typing import Any

from fastapi import APIRouter, Request, Response
from msgspec import json
from redis.exceptions import RedisError

from market_data.clients.protocol import repeated, shown
from market_data.clients.sources import reach
from market_data.errors import RequestError, StaleData
from market_data.feed.replay_log import READ_TRADES_MAX
from market_data.http.incoming import (
    SYMBOL,
    admit,
    answered,
    check_traded,
    integer,
    parameter,
    read_integer,
    recorded_symbol,
    refused,
    respond,
)
from market_data.http.state import FeedState, state_of
from market_data.http.state_schemas import TradesReply
from market_data.http.trade_stream import EventStreamResponse, StreamPosition, read_event_id
from market_data.topics import TRADES
from tapewire.errors import InvalidField, RedisUnavailable
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.web.direct_route import DirectRoute

LIMIT_DEFAULT = 100

STREAM_SYMBOLS_MAX = 50
"""Symbols of a stream when it is opened, because every event has the positions of all of them."""

EVENT_ID = "Last-Event-ID"

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
_TEXT: dict[str, Any] = {"type": "string"}
_EVENT = "event: trade\nid: 4b647e01df66/BTC-USDT:1\ndata: {}"

router = APIRouter(prefix="/v1", route_class=DirectRoute, tags=["trades"])


@router.get(
    "/trades/{symbol}",
    summary="Trades of a symbol, paged by seq",
    responses={
        200: answered("The trades", TradesReply, _TRADES),
        **refused("unknown_symbol", "invalid_value", "out_of_range", "redis_unavailable"),
    },
    openapi_extra={
        "parameters": [
            SYMBOL,
            parameter(
                "since", "Trades after this seq; without it the newest",
                integer(0, EXACT_INTEGER_MAX),
            ),
            parameter("limit", "Trades in the answer", integer(1, READ_TRADES_MAX, LIMIT_DEFAULT)),
        ]
    },
)  # fmt: skip
async def trades(request: Request) -> Response:
    """Oldest first. Ask again with `since` = the last seq of the page, until a page is empty."""
    headers, state = admit(request), state_of(request)
    limit = read_integer(request, "limit", LIMIT_DEFAULT, low=1, high=READ_TRADES_MAX)
    since = read_integer(request, "since", -1, low=0, high=EXACT_INTEGER_MAX)
    symbol = await recorded_symbol(request)
    if since > 0:
        await _reach(state, symbol, since)
    last_seq = state.feed.sequencer.seqs[symbol]
    if since < 0:
        since = max(0, last_seq - limit)
    head = json.encode(
        {"symbol": symbol, "epoch": state.feed.sequencer.epoch, "last_seq": last_seq}
    )
    page = b",".join(await _page(state, symbol, since, limit))
    return respond(request, b'%b,"trades":[%b]}' % (head[:-1], page), headers)


@router.get(
    "/stream",
    summary="Live trades as server-sent events",
    responses={
        200: answered(
            "Events `connected`, `trade`, `market`, `gap`, `epoch`, `heartbeat`, `reconnect`; the "
            "id of an event is the position to resume from",
            None,
            _EVENT,
            "text/event-stream",
        ),
        **refused("unknown_symbol", "invalid_value", "out_of_range", "redis_unavailable"),
    },
    openapi_extra={
        "parameters": [
            parameter(
                "symbols", "Separated by commas; without it all, also those added later", _TEXT
            ),
            parameter("since", "As `BTC-USDT:123,ETH-USDT:45`, or an event id", _TEXT),
            parameter(EVENT_ID, "The id of the last event; overrides `since`", _TEXT, "header"),
        ]
    },
)
async def stream(request: Request) -> Response:
    """`curl -N` shows the trades. With `Last-Event-ID` or `since`, missed trades come first."""
    headers, state = admit(request), state_of(request)
    text = request.query_params.get("symbols")
    named = [] if text is None else text.split(",")
    if "" in named:
        raise InvalidField("symbols", "invalid_value", "symbols: a name is empty.")
    if twice := repeated(named):
        raise InvalidField("symbols", "invalid_value", f"symbols: {shown(twice)} stands twice.")
    for symbol in named:
        await check_traded(request, symbol)
    symbols = dict.fromkeys(named or sorted(state.feed.sequencer.listed))
    if len(symbols) > STREAM_SYMBOLS_MAX:
        raise InvalidField(
            "symbols",
            "invalid_value",
            f"symbols must name at most {STREAM_SYMBOLS_MAX} of the instruments.",
        )
    position = await _start(request, StreamPosition.of(symbols, is_wildcard=not named))
    return EventStreamResponse(
        state.trade_streams.events(position),
        headers,
        on_stalled=state.trade_streams.stalled,
    )


async def _start(request: Request, start: StreamPosition) -> StreamPosition:
    """The position at which a stream begins: after the client's last trade, or the newest trades.

    Raises InvalidField, Unavailable.
    """
    state = state_of(request)
    sequencer = state.feed.sequencer
    seqs = sequencer.seqs
    event_ids = request.headers.getlist(EVENT_ID)
    if len(event_ids) > 1:
        raise InvalidField(EVENT_ID, "duplicate_field", f"{EVENT_ID} stands twice in the headers.")
    # A browser sends an empty id if no event had one.
    resumed = "".join(event_ids)
    text, field = (resumed, EVENT_ID) if resumed else (request.query_params.get("since"), "since")
    if text is None:
        return start.at(seqs)
    known = read_event_id(text, field)
    if known.epoch is not None and known.epoch != state.feed.sequencer.epoch:
        return start.at({}, recovered=False)
    if start.is_wildcard:
        # The client may have missed the last trades of an instrument that was delisted.
        start = start.joined_by(known.seqs.keys() & sequencer.delisted)
    for symbol, seq in known.seqs.items():
        if symbol not in start.seqs and not (resumed and symbol not in seqs):
            raise InvalidField(
                field, "invalid_value", f"{field}: {symbol} is not a symbol of this stream."
            )
        try:
            await _reach(state, symbol, seq)
        except InvalidField:
            # A browser cannot correct its position: the venue has lost trades that it had.
            if not resumed:
                raise
            return start.at(seqs, recovered=False)
    rest = dict(seqs)
    if known.is_wildcard:
        rest = {symbol: sequencer.bases.get(symbol, 0) for symbol in start.seqs}
    return start.at({**rest, **known.seqs}, recovered=True)


async def _reach(state: FeedState, symbol: str, seq: int) -> None:
    """Wait until this process has published the trades that a client saw at a sibling.

    Raises InvalidField out_of_range if the venue has no such trade; StaleData, RedisUnavailable.
    """
    try:
        await reach(state.trades, (TRADES, symbol), seq)
    except RequestError as error:
        if error.code == "unavailable":
            raise StaleData(f"{error}.") from None
        raise InvalidField("since", "out_of_range", f"since: {error}.") from None
    except (RedisError, OSError):
        raise RedisUnavailable("The replay log cannot be read now.") from None


async def _page(state: FeedState, symbol: str, since: int, limit: int) -> list[bytes]:
    """Trades after `since` as they were published, from memory or from the log."""
    last = min(state.feed.sequencer.seqs[symbol], since + limit)
    recent = state.feed.trades.recent.after(symbol, since, last)
    if recent is not None:
        return [trade.payload for trade in recent]
    try:
        messages, _ = await state.replay_log.read(symbol, since)
    except (RedisError, OSError):
        raise RedisUnavailable("The replay log cannot be read now.") from None
    return [message.payload for message in messages[:limit]]
