"""The streams as an AsyncAPI 3 document; the examples are made by the code that makes messages."""

from typing import Any

import msgspec

from market_data.binance import messages, statistic_messages
from market_data.binance.conversation import STREAMS_MAX
from market_data.binance.requests import METHODS
from market_data.errors import CLOSE_MEANINGS
from tapewire import __version__
from tapewire.market.candles import BINANCE_INTERVALS, Candle
from tapewire.market.market_records import MarketRecord
from tapewire.values.types import Side
from tapewire.web.schemas import SchemaReference, schema_components
from tapewire.wire.book_event import Level
from tapewire.wire.trade_event import TradeEvent

PATH = "/asyncapi-streams.json"

_SHOWN, _TIME_US, _UNIT_US = "BTCUSDT", 1_769_860_800_000_001, 1_000
_EVENT = TradeEvent(
    epoch="5b6d736e4f49",
    seq=7,
    symbol="BTC-USDT",
    trade_id="BTC-USDT-7",
    price="60000.00",
    quantity="0.50000",
    aggressor_side=Side.BUY,
    maker_order_id="1",
    taker_order_id="2",
    timestamp="2026-01-31T12:00:00.000001Z",
)
_MARKET = MarketRecord(
    epoch=_EVENT.epoch,
    tick_units=1,
    price_decimals=2,
    lot_units=1,
    quantity_decimals=5,
    seq=7,
    book_seq=42,
    last_ticks=6_000_000,
    clock_us=_TIME_US,
)
_CANDLE = Candle(
    start_s=1_769_860_800,
    open=6_000_000,
    high=6_000_000,
    low=6_000_000,
    close=6_000_000,
    volume_lots=50_000,
    notional=6_000_000 * 50_000,
    trades=1,
    first_seq=7,
    last_seq=7,
    taker_buy_lots=50_000,
    taker_buy_notional=6_000_000 * 50_000,
)
_BID: Level = ("59999.00", "1.00000")
_ASK: Level = ("60000.00", "0.25000")

MESSAGES: dict[type[msgspec.Struct], bytes] = {
    messages.Trade: messages.trade_message(_EVENT, _SHOWN, _TIME_US, _UNIT_US),
    messages.AggregateTrade: messages.aggregate_trade_message(_EVENT, _SHOWN, _TIME_US, _UNIT_US),
    messages.BookTicker: messages.book_ticker_message(42, _BID, _ASK, _SHOWN),
    messages.DepthUpdate: messages.depth_message(
        41, 42, [_BID], [("60001.00", "0.00000")], shown=_SHOWN, time_us=_TIME_US, unit_us=_UNIT_US
    ),
    messages.PartialBook: messages.partial_book_message(42, [_BID], [_ASK]),
    messages.ServerShutdown: messages.shutdown_message(_TIME_US, _UNIT_US),
    statistic_messages.MiniTicker: statistic_messages.mini_ticker_message(
        _MARKET, _CANDLE, shown=_SHOWN, time_us=_TIME_US, unit_us=_UNIT_US
    ),
    statistic_messages.Ticker: statistic_messages.ticker_message(
        _MARKET, _CANDLE, _EVENT, best=(_BID, _ASK), start_s=1_769_774_400, shown=_SHOWN,
        time_us=_TIME_US, unit_us=_UNIT_US,
    ),
    statistic_messages.WindowTicker: statistic_messages.window_ticker_message(
        _MARKET, _CANDLE, channel="ticker_1h", start_s=1_769_857_200, shown=_SHOWN,
        time_us=_TIME_US, unit_us=_UNIT_US,
    ),
    statistic_messages.AveragePrice: statistic_messages.average_message(
        _MARKET, _CANDLE, _EVENT, shown=_SHOWN, time_us=_TIME_US, unit_us=_UNIT_US
    ),
    statistic_messages.KlineEvent: statistic_messages.kline_message(
        _CANDLE, BINANCE_INTERVALS["1m"], _MARKET, is_closed=False, shown=_SHOWN,
        time_us=_TIME_US, unit_us=_UNIT_US,
    ),
}  # fmt: skip
"""An example of each message, plain, as JSON."""

_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["method"],
    "properties": {
        "method": {"enum": list(METHODS)},
        "params": {"type": "array", "maxItems": STREAMS_MAX},
        "id": {"type": ["integer", "string", "null"]},
    },
}
_ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "result": {"description": "null, a list of streams, or the value of a property"},
        "error": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "msg": {"type": "string"}},
        },
        "id": {"type": ["integer", "string", "null"]},
    },
}


def streams_document(host: str, scheme: str = "ws") -> dict[str, Any]:
    """The document of a service at `host`, which clients reach with `scheme`."""
    names = [model.__name__ for model in MESSAGES]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tapewire market data: Binance streams",
            "version": __version__,
            "description": "Market streams as clients of Binance Spot expect them.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"streams": {"host": host, "protocol": scheme}},
        "channels": {
            "raw": _channel(
                "/ws/{streams}",
                "Plain messages. Without streams, at `/ws`, the client subscribes later.",
                names,
                parameters={"streams": {"description": "Names of streams, joined by `/`"}},
            ),
            "combined": _channel(
                "/stream",
                'Every message as `{"stream":NAME,"data":MESSAGE}`.',
                names,
                query={"streams": "Names of streams, joined by `/`"},
            ),
        },
        "operations": {
            f"{action}-{channel}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [
                    {"$ref": f"#/channels/{channel}/messages/{name}"} for name in exchanged
                ],
            }
            for channel in ("raw", "combined")
            for action, exchanged in (("send", [*names, "answer"]), ("receive", ["request"]))
        },
        "components": _components(),
    }


def _channel(
    address: str,
    description: str,
    names: list[str],
    *,
    parameters: dict[str, Any] | None = None,
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    unit = {"timeUnit": "MILLISECOND (default) or MICROSECOND: the unit of all times"}
    properties = {
        name: {"type": "string", "description": text}
        for name, text in ((query or {}) | unit).items()
    }
    return {
        "address": address,
        "description": description,
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"}
            for name in [*names, "request", "answer"]
        },
        "bindings": {
            "ws": {"method": "GET", "query": {"type": "object", "properties": properties}}
        },
        "x-close-codes": {str(int(code)): text for code, text in CLOSE_MEANINGS.items()},
    } | ({"parameters": parameters} if parameters else {})


def _components() -> dict[str, Any]:
    described: dict[str, Any] = {
        model.__name__: {
            "name": model.__name__,
            "summary": (model.__doc__ or "").partition("\n")[0],
            "payload": SchemaReference(model),
            "examples": [{"payload": msgspec.json.decode(example)}],
        }
        for model, example in MESSAGES.items()
    }
    described["request"] = {
        "name": "request",
        "summary": "A request of a client.",
        "payload": _REQUEST,
        "examples": [{"payload": {"method": METHODS[0], "params": ["btcusdt@trade"], "id": 1}}],
    }
    described["answer"] = {
        "name": "answer",
        "summary": "The answer to a request: a result or an error.",
        "payload": _ANSWER,
        "examples": [{"payload": {"result": None, "id": 1}}],
    }
    return {"messages": described, "schemas": schema_components(MESSAGES)}
