"""The ticker: one candle of all trades of the last 24 hours, and the price change. Pure."""

from collections.abc import Mapping
from typing import Any

from tapewire.market.candles import DAY_S, MINUTE_S, Candle
from tapewire.market.market_records import MarketRecord
from tapewire.values.decimals import format_units
from tapewire.values.timestamps import format_timestamp

PERCENT_DECIMALS = 2


def window_start_s(now_us: int) -> int:
    """The minute in which the last 24 hours began, in seconds since 1970 UTC."""
    start_s = now_us // 1_000_000 - DAY_S
    return max(0, start_s - start_s % MINUTE_S)


def render_ticker(
    symbol: str,
    market: MarketRecord,
    total: Candle | None,
    quote: Mapping[str, Any],
    now_us: int,
) -> dict[str, Any]:
    """The ticker as clients see it; `total` has all trades since `window_start_s(now_us)`.

    Without a trade in 24 hours, prices and changes are None, and `last` is of the last trade ever.
    """
    last_ticks = market.last_ticks if total is None else total.close
    ticker: dict[str, Any] = {
        "symbol": symbol,
        "open": None,
        "high": None,
        "low": None,
        "last": None if last_ticks is None else market.price_text(last_ticks),
        "change": None,
        "change_percent": None,
        "volume": market.quantity_text(total.volume_lots if total else 0),
        "quote_volume": market.notional_text(total.notional if total else 0),
        "trades": total.trades if total else 0,
        "best_bid": quote["bid"],
        "best_ask": quote["ask"],
        "open_time": format_timestamp(window_start_s(now_us) * 1_000_000),
        "close_time": format_timestamp(now_us),
        "epoch": market.epoch,
    }
    if total is None:
        return ticker
    change = total.close - total.open
    return ticker | {
        "open": market.price_text(total.open),
        "high": market.price_text(total.high),
        "low": market.price_text(total.low),
        "change": _signed(change, market.price_text(abs(change))),
        "change_percent": _percent_text(change, total.open),
    }


def _percent_text(change: int, base: int) -> str:
    """Change in percent of the base, rounded to the nearest hundredth, halves away from zero."""
    scaled = abs(change) * 100 * 10**PERCENT_DECIMALS
    hundredths = (2 * scaled + base) // (2 * base)
    return _signed(change if hundredths else 0, format_units(hundredths, PERCENT_DECIMALS))


def _signed(value: int, text: str) -> str:
    return f"-{text}" if value < 0 else text
