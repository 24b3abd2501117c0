"""The messages of every second, as Binance writes them: tickers, mean prices, candles. Pure.

`unit_us` is the unit of times in microseconds: 1,000 or 1. The names of the members are Binance's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, json

from market_data.binance.messages import Time
from tapewire.binance.statistics import (
    AVERAGE_MINS,
    NO_TRADE_ID,
    average_price,
    best_levels,
    day_ticker,
)
from tapewire.market.candles import Candle, Interval, flat_candle
from tapewire.market.market_records import MarketRecord
from tapewire.values.timestamps import parse_timestamp
from tapewire.wire.book_event import Level
from tapewire.wire.trade_event import TradeEvent

TICKER_LETTERS: Mapping[str, str] = MappingProxyType(
    {
        "symbol": "s",
        "priceChange": "p",
        "priceChangePercent": "P",
        "weightedAvgPrice": "w",
        "prevClosePrice": "x",
        "lastPrice": "c",
        "lastQty": "Q",
        "bidPrice": "b",
        "bidQty": "B",
        "askPrice": "a",
        "askQty": "A",
        "openPrice": "o",
        "highPrice": "h",
        "lowPrice": "l",
        "volume": "v",
        "quoteVolume": "q",
        "openTime": "O",
        "closeTime": "C",
        "firstId": "F",
        "lastId": "L",
        "count": "n",
    }
)
"""The letter in `@ticker` of each member of `ticker/24hr`."""


class MiniTicker(Struct, frozen=True, gc=False, kw_only=True):
    """The last 24 hours: close, open, high, low, volume, quote volume."""

    e: str = "24hrMiniTicker"
    E: Time
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 (Binance's name)
    v: str
    q: str


class Ticker(Struct, frozen=True, gc=False, kw_only=True):
    """The last 24 hours, with changes, best prices, times and numbers of trades."""

    e: str = "24hrTicker"
    E: Time
    s: str
    p: str
    P: str
    w: str
    x: str
    c: str
    Q: str
    b: str
    B: str
    a: str
    A: str
    o: str
    h: str
    l: str  # noqa: E741 (Binance's name)
    v: str
    q: str
    O: Time  # noqa: E741 (Binance's name)
    C: Time
    F: int
    L: int
    n: int


class WindowTicker(Struct, frozen=True, gc=False, kw_only=True):
    """The last hour, four hours, or day; `e` is `1hTicker`, `4hTicker` or `1dTicker`."""

    e: str
    E: Time
    s: str
    p: str
    P: str
    o: str
    h: str
    l: str  # noqa: E741 (Binance's name)
    c: str
    w: str
    v: str
    q: str
    O: Time  # noqa: E741 (Binance's name)
    C: Time
    F: int
    L: int
    n: int


class AveragePrice(Struct, frozen=True, gc=False, kw_only=True):
    """The mean price of the last five minutes; `T` is the time of the last trade."""

    e: str = "avgPrice"
    E: Time
    s: str
    i: str = f"{AVERAGE_MINS}m"
    w: str
    T: Time


class Kline(Struct, frozen=True, gc=False, kw_only=True):
    """A candle; `x`: its period has ended. `V` and `Q` are bought by takers."""

    t: Time
    T: Time
    s: str
    i: str
    f: int
    L: int
    o: str
    c: str
    h: str
    l: str  # noqa: E741 (Binance's name)
    v: str
    n: int
    x: bool
    q: str
    V: str
    Q: str
    B: str = "0"


class KlineEvent(Struct, frozen=True, gc=False, kw_only=True):
    """The newest candle of an interval."""

    e: str = "kline"
    E: Time
    s: str
    k: Kline


def mini_ticker_message(
    market: MarketRecord, total: Candle | None, *, shown: str, time_us: int, unit_us: int
) -> bytes:
    """One message of `@miniTicker`; `total` has all trades of the last 24 hours."""
    day = total or flat_candle(0, market.last_ticks or 0, 0)
    return json.encode(
        MiniTicker(
            E=time_us // unit_us,
            s=shown,
            c=market.price_text(day.close),
            o=market.price_text(day.open),
            h=market.price_text(day.high),
            l=market.price_text(day.low),
            v=market.quantity_text(day.volume_lots),
            q=market.notional_text(day.notional),
        )
    )


def ticker_message(
    market: MarketRecord,
    total: Candle | None,
    last: TradeEvent | None,
    *,
    best: tuple[Level | None, Level | None],
    start_s: int,
    shown: str,
    time_us: int,
    unit_us: int,
) -> bytes:
    """One message of `@ticker`: the members of `ticker/24hr` under their letters."""
    ticker = day_ticker(
        shown,
        market,
        total=total,
        quote=best_levels(*best, market),
        last=last,
        window=(start_s * 1_000_000 // unit_us, time_us // unit_us),
    )
    return json.encode(Ticker(E=time_us // unit_us, **_lettered(ticker, Ticker)))


def window_ticker_message(
    market: MarketRecord,
    total: Candle | None,
    *,
    channel: str,
    start_s: int,
    shown: str,
    time_us: int,
    unit_us: int,
) -> bytes:
    """One message of `@ticker_1h`, `@ticker_4h` or `@ticker_1d`."""
    ticker = day_ticker(
        shown,
        market,
        total=total,
        quote={},
        last=None,
        window=(start_s * 1_000_000 // unit_us, time_us // unit_us),
    )
    kind = channel.partition("_")[2] + "Ticker"
    return json.encode(
        WindowTicker(e=kind, E=time_us // unit_us, **_lettered(ticker, WindowTicker))
    )


def _lettered(ticker: Mapping[str, Any], model: type[Struct]) -> dict[str, Any]:
    """The members of `ticker/24hr` that a message has, under their letters."""
    return {
        TICKER_LETTERS[name]: value
        for name, value in ticker.items()
        if TICKER_LETTERS[name] in model.__struct_fields__
    }


def average_message(
    market: MarketRecord,
    total: Candle | None,
    last: TradeEvent | None,
    *,
    shown: str,
    time_us: int,
    unit_us: int,
) -> bytes:
    """One message of `@avgPrice`; `total` has all trades of the last five minutes."""
    last_us = 0 if last is None else parse_timestamp(last.timestamp)
    return json.encode(
        AveragePrice(
            E=time_us // unit_us, s=shown, w=average_price(market, total), T=last_us // unit_us
        )
    )


def kline_message(
    candle: Candle,
    interval: Interval,
    market: MarketRecord,
    *,
    is_closed: bool,
    shown: str,
    time_us: int,
    unit_us: int,
) -> bytes:
    """One message of `@kline_<interval>`."""
    kline = Kline(
        t=candle.start_s * 1_000_000 // unit_us,
        T=interval.end_s(candle.start_s) * 1_000_000 // unit_us - 1,
        s=shown,
        i=interval.name,
        f=candle.first_seq if candle.trades else NO_TRADE_ID,
        L=candle.last_seq if candle.trades else NO_TRADE_ID,
        o=market.price_text(candle.open),
        c=market.price_text(candle.close),
        h=market.price_text(candle.high),
        l=market.price_text(candle.low),
        v=market.quantity_text(candle.volume_lots),
        n=candle.trades,
        x=is_closed,
        q=market.notional_text(candle.notional),
        V=market.quantity_text(candle.taker_buy_lots),
        Q=market.notional_text(candle.taker_buy_notional),
    )
    return json.encode(KlineEvent(E=time_us // unit_us, s=shown, k=kline))
