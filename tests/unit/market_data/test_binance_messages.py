"""Events of the feed as Binance writes them: every member of every message."""

import json
from dataclasses import replace
from typing import Any

import pytest

from market_data.binance.messages import (
    aggregate_trade_message,
    book_ticker_message,
    combined_message,
    depth_message,
    partial_book_message,
    shutdown_message,
    trade_message,
)
from market_data.binance.statistic_messages import (
    average_message,
    kline_message,
    mini_ticker_message,
    ticker_message,
    window_ticker_message,
)
from tapewire.binance.statistics import average_price
from tapewire.market.candles import BINANCE_INTERVALS, Candle, flat_candle
from tapewire.market.market_records import MarketRecord
from tapewire.values.types import Side
from tapewire.wire.trade_event import TradeEvent

TIME_US = 1_700_000_000_123_456
TIME_MS = TIME_US // 1_000
DAY_START_S = 1_699_913_580
EVENT = TradeEvent(
    epoch="e1", seq=7, symbol="BTC-USDT", trade_id="7", price="100.25", quantity="0.00300",
    aggressor_side=Side.SELL, maker_order_id="1", taker_order_id="2",
    timestamp="2023-11-14T22:13:20.123456Z",
)  # fmt: skip
# Tick 0.01, lot 0.00001.
MARKET = MarketRecord(
    epoch="e1", tick_units=1, price_decimals=2, lot_units=1, quantity_decimals=5,
    seq=7, book_seq=9, last_ticks=10_025, clock_us=TIME_US,
)  # fmt: skip
# Two trades: 200 lots at 100.00, 300 lots at 100.25.
TOTAL = Candle(
    start_s=1_699_999_980, open=10_000, high=10_025, low=10_000, close=10_025, volume_lots=500,
    notional=200 * 10_000 + 300 * 10_025, trades=2, first_seq=6, last_seq=7,
    taker_buy_lots=200, taker_buy_notional=200 * 10_000,
)  # fmt: skip
BID, ASK = ("100.00", "0.10000"), ("100.50", "0.20000")


def read(payload: bytes) -> Any:
    """A message as a client reads it."""
    return json.loads(payload)


@pytest.mark.parametrize(("unit_us", "time"), [(1_000, TIME_MS), (1, TIME_US)])
def test_a_trade(unit_us: int, time: int) -> None:
    """`m` is true if the buyer is the maker, that is if the taker sells."""
    assert read(trade_message(EVENT, "BTCUSDT", TIME_US, unit_us)) == {
        "e": "trade", "E": time, "s": "BTCUSDT", "t": 7, "p": "100.25", "q": "0.00300",
        "T": time, "m": True, "M": True,
    }  # fmt: skip
    bought = replace(EVENT, aggressor_side=Side.BUY)
    assert read(aggregate_trade_message(bought, "BTCUSDT", TIME_US, unit_us)) == {
        "e": "aggTrade", "E": time, "s": "BTCUSDT", "a": 7, "p": "100.25", "q": "0.00300",
        "f": 7, "l": 7, "T": time, "m": False, "M": True,
    }  # fmt: skip


def test_messages_about_books() -> None:
    """A difference has two update numbers, the others have one; best prices have no time.

    A level that is gone has the quantity that python-binance compares with, in eight decimals.
    """
    assert read(
        depth_message(
            5, 8, [BID], [("101.00", "0.00000")], shown="BTCUSDT", time_us=TIME_US, unit_us=1_000
        )
    ) == {
        "e": "depthUpdate", "E": TIME_MS, "s": "BTCUSDT", "U": 5, "u": 8,
        "b": [["100.00", "0.10000"]], "a": [["101.00", "0.00000000"]],
    }  # fmt: skip
    assert read(book_ticker_message(8, BID, ASK, "BTCUSDT")) == {
        "u": 8, "s": "BTCUSDT", "b": "100.00", "B": "0.10000", "a": "100.50", "A": "0.20000",
    }  # fmt: skip
    assert read(partial_book_message(8, [BID], [ASK])) == {
        "lastUpdateId": 8, "bids": [["100.00", "0.10000"]], "asks": [["100.50", "0.20000"]],
    }  # fmt: skip


def test_a_ticker() -> None:
    """Changes are from the first trade of the window to the last; `w` has eight decimals."""
    ticker = read(
        ticker_message(
            MARKET, TOTAL, EVENT, best=(BID, None), start_s=DAY_START_S, shown="BTCUSDT",
            time_us=TIME_US, unit_us=1_000,
        )
    )  # fmt: skip
    assert ticker == {
        "e": "24hrTicker", "E": TIME_MS, "s": "BTCUSDT", "p": "0.25", "P": "0.25",
        "w": "100.15000000", "x": "100.00", "c": "100.25", "Q": "0.00300", "b": "100.00",
        "B": "0.10000", "a": "0.00", "A": "0.00000", "o": "100.00", "h": "100.25", "l": "100.00",
        "v": "0.00500", "q": "0.5007500", "O": DAY_START_S * 1_000, "C": TIME_MS, "F": 6, "L": 7,
        "n": 2,
    }  # fmt: skip
    window = window_ticker_message(
        MARKET, TOTAL, channel="ticker_4h", start_s=DAY_START_S, shown="BTCUSDT",
        time_us=TIME_US, unit_us=1_000,
    )  # fmt: skip
    others = {"x", "Q", "b", "B", "a", "A"}
    members = {name: value for name, value in ticker.items() if name not in others}
    assert read(window) == members | {"e": "4hTicker"}
    assert read(
        mini_ticker_message(MARKET, TOTAL, shown="BTCUSDT", time_us=TIME_US, unit_us=1)
    ) == {
        "e": "24hrMiniTicker", "E": TIME_US, "s": "BTCUSDT", "c": "100.25", "o": "100.00",
        "h": "100.25", "l": "100.00", "v": "0.00500", "q": "0.5007500",
    }  # fmt: skip


def test_statistics_of_a_market_without_trades() -> None:
    """Prices are those of the last trade ever, or zero; there is no number of a trade."""
    quiet = read(
        ticker_message(
            replace(MARKET, last_ticks=None), None, None, best=(None, None), start_s=0,
            shown="BTCUSDT", time_us=TIME_US, unit_us=1_000,
        )
    )  # fmt: skip
    assert (quiet["c"], quiet["P"], quiet["F"], quiet["L"], quiet["n"]) == (
        "0.00",
        "0.00",
        -1,
        -1,
        0,
    )
    average = average_message(MARKET, None, None, shown="BTCUSDT", time_us=TIME_US, unit_us=1_000)
    assert read(average) == {
        "e": "avgPrice", "E": TIME_MS, "s": "BTCUSDT", "i": "5m", "w": "100.25", "T": 0,
    }  # fmt: skip


def test_a_mean_price() -> None:
    """The mean is weighted with the quantities, `T` is the time of the last trade."""
    message = average_message(MARKET, TOTAL, EVENT, shown="BTCUSDT", time_us=TIME_US, unit_us=1_000)
    assert (read(message)["w"], read(message)["T"]) == ("100.15000000", TIME_MS)


def test_a_mean_price_of_small_ticks() -> None:
    """An instrument with more than eight decimals keeps them."""
    tiny = replace(MARKET, price_decimals=10)
    assert average_price(tiny, TOTAL) == "0.0000010015"


def test_a_candle() -> None:
    """The close time is one unit before the next candle; a flat candle has no trade."""
    interval = BINANCE_INTERVALS["3m"]

    def told(candle: Candle, *, is_closed: bool) -> Any:
        return read(
            kline_message(
                candle, interval, MARKET, is_closed=is_closed, shown="BTCUSDT",
                time_us=TIME_US, unit_us=1_000,
            )
        )  # fmt: skip

    start_ms = TOTAL.start_s * 1_000
    assert told(TOTAL, is_closed=True) == {
        "e": "kline", "E": TIME_MS, "s": "BTCUSDT", "k": {
            "t": start_ms, "T": start_ms + 179_999, "s": "BTCUSDT", "i": "3m", "f": 6, "L": 7,
            "o": "100.00", "c": "100.25", "h": "100.25", "l": "100.00", "v": "0.00500", "n": 2,
            "x": True, "q": "0.5007500", "V": "0.00200", "Q": "0.2000000", "B": "0",
        },
    }  # fmt: skip
    flat = told(flat_candle(TOTAL.start_s + 180, 10_025, 7), is_closed=False)["k"]
    assert (flat["o"], flat["c"], flat["n"], flat["f"], flat["L"]) == (
        "100.25",
        "100.25",
        0,
        -1,
        -1,
    )


def test_a_combined_message_has_the_name_of_its_stream() -> None:
    """The message itself is unchanged."""
    payload = shutdown_message(TIME_US, 1_000)
    assert read(payload) == {"e": "serverShutdown", "E": TIME_MS}
    assert read(combined_message("!serverShutdown", payload)) == {
        "stream": "!serverShutdown",
        "data": {"e": "serverShutdown", "E": TIME_MS},
    }
