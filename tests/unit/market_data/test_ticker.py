"""The ticker: changes are exact to a hundredth of a percent."""

from typing import Any

import pytest

from tapewire.market.candles import Candle
from tapewire.market.market_records import MarketRecord
from tapewire.market.ticker import render_ticker, window_start_s

MARKET = MarketRecord(
    epoch="e",
    tick_units=1,
    price_decimals=2,
    lot_units=1,
    quantity_decimals=3,
    seq=9,
    book_seq=9,
    last_ticks=777,
    clock_us=0,
)
QUOTE = {"bid": None, "ask": ("1.00", "0.001")}
NOON_US = 1_767_268_830_000_001


def ticker_of(open_ticks: int, close_ticks: int) -> dict[str, Any]:
    """The ticker of a day that opened and closed at these prices."""
    low, high = sorted((open_ticks, close_ticks))
    total = Candle(0, open_ticks, high, low, close_ticks, 5, 5_000, 2, 8, 9)
    return render_ticker("X", MARKET, total, QUOTE, NOON_US)


@pytest.mark.parametrize(
    ("open_ticks", "close_ticks", "change", "percent"),
    [
        (300, 500, "2.00", "66.67"),
        (300, 100, "-2.00", "-66.67"),
        (300, 400, "1.00", "33.33"),
        (300, 300, "0.00", "0.00"),
        (20_000, 20_001, "0.01", "0.01"),
        (20_000, 19_999, "-0.01", "-0.01"),
        (20_001, 20_002, "0.01", "0.00"),
        (20_001, 20_000, "-0.01", "0.00"),
        (1, 2**53, "90071992547409.91", "900719925474099100.00"),
    ],
)
def test_change(open_ticks: int, close_ticks: int, change: str, percent: str) -> None:
    """Rounded to the nearest hundredth, halves away from zero, and never minus zero."""
    ticker = ticker_of(open_ticks, close_ticks)
    assert (ticker["change"], ticker["change_percent"]) == (change, percent)


def test_a_day_without_a_trade() -> None:
    """Without a trade in 24 hours, only the last price is set."""
    ticker = render_ticker("X", MARKET, None, QUOTE, NOON_US)
    assert ticker["last"] == "7.77"
    assert ticker["open"] is ticker["change"] is ticker["change_percent"] is None
    assert (ticker["volume"], ticker["quote_volume"], ticker["trades"]) == ("0.000", "0.00000", 0)


def test_the_window_begins_with_a_minute() -> None:
    """24 hours before now, to the start of its minute; not before 1970."""
    start_s = window_start_s(NOON_US)
    assert start_s % 60 == 0
    assert 0 <= NOON_US - (start_s + 86_400) * 1_000_000 < 60_000_000
    assert window_start_s(5) == 0
