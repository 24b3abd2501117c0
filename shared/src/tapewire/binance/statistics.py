"""Statistics of the trades of a window, as Binance clients read them. Pure."""

from collections.abc import Mapping
from typing import Any

from tapewire.market.candles import Candle, flat_candle
from tapewire.market.market_records import MarketRecord
from tapewire.values.decimals import format_units
from tapewire.wire.book_event import Level
from tapewire.wire.trade_event import TradeEvent

AVERAGE_DECIMALS = 8
"""Decimals of a mean price, or those of the instrument if it has more."""
AVERAGE_MINS = 5
NO_TRADE_ID = -1


def average_price(market: MarketRecord, total: Candle | None) -> str:
    """The mean price of all trades of a candle, else the price of the last trade, else zero."""
    if total is None or not total.volume_lots:
        return market.price_text(market.last_ticks or 0)
    decimals = max(AVERAGE_DECIMALS, market.price_decimals)
    scale = 10 ** (decimals - market.price_decimals)
    units = total.notional * market.tick_units * scale // total.volume_lots
    return format_units(units, decimals)


def best_levels(bid: Level | None, ask: Level | None, market: MarketRecord) -> dict[str, str]:
    """The best level of each side; zeros where a side is empty."""
    empty = (market.price_text(0), market.quantity_text(0))
    (bid_price, bid_quantity), (ask_price, ask_quantity) = bid or empty, ask or empty
    return {
        "bidPrice": bid_price,
        "bidQty": bid_quantity,
        "askPrice": ask_price,
        "askQty": ask_quantity,
    }


def day_ticker(
    shown: str,
    market: MarketRecord,
    *,
    total: Candle | None,
    quote: Mapping[str, str],
    last: TradeEvent | None,
    window: tuple[int, int],
) -> dict[str, Any]:
    """`ticker/24hr`; `total` has all trades of the `window`, whose ends are in the wanted unit.

    Without a trade in the window the prices are that of the last trade ever, or zero.
    """
    day = total or flat_candle(0, market.last_ticks or 0, 0)
    change = day.close - day.open
    # Percent to the nearest hundredth, halves away from zero.
    hundredths = (2 * abs(change) * 10_000 + day.open) // (2 * day.open) if day.open else 0
    sign = "-" if change < 0 else ""
    return {
        "symbol": shown,
        "priceChange": sign + market.price_text(abs(change)),
        "priceChangePercent": (sign if hundredths else "") + format_units(hundredths, 2),
        "weightedAvgPrice": average_price(market, total),
        "prevClosePrice": market.price_text(day.open),
        "lastPrice": market.price_text(day.close),
        "lastQty": market.quantity_text(0) if last is None else last.quantity,
        **quote,
        "openPrice": market.price_text(day.open),
        "highPrice": market.price_text(day.high),
        "lowPrice": market.price_text(day.low),
        "volume": market.quantity_text(day.volume_lots),
        "quoteVolume": market.notional_text(day.notional),
        "openTime": window[0],
        "closeTime": window[1],
        "firstId": day.first_seq if day.trades else NO_TRADE_ID,
        "lastId": day.last_seq if day.trades else NO_TRADE_ID,
        "count": day.trades,
    }
