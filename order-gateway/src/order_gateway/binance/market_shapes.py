"""Market data as Binance clients read it: book, trades, candles. Pure."""

from collections.abc import Iterable
from typing import Any

from order_gateway.binance.orders import product
from tapewire.binance.statistics import best_levels
from tapewire.market.candles import Candle, Interval, flat_candle
from tapewire.market.market_records import BookRecord, MarketRecord
from tapewire.values.timestamps import parse_timestamp
from tapewire.values.types import Side
from tapewire.wire.book_event import Level
from tapewire.wire.trade_event import TradeEvent

SECOND_US = 1_000_000
NOTHING = "0"


def best_first(levels: Iterable[Level], side: Side) -> list[Level]:
    """Levels of one side by price; all of them have the same decimals."""
    return sorted(
        levels, key=lambda level: int(level[0].replace(".", "")), reverse=side is Side.BUY
    )


def depth(book: BookRecord, limit: int) -> dict[str, Any]:
    """The best levels, as of the book update `lastUpdateId`."""
    return {
        "lastUpdateId": book.market.book_seq,
        "bids": best_first(book.bids, Side.BUY)[:limit],
        "asks": best_first(book.asks, Side.SELL)[:limit],
    }


def best_quote(book: BookRecord) -> dict[str, str]:
    """The best level of each side; zeros where a side is empty."""
    bid = next(iter(best_first(book.bids, Side.BUY)), None)
    ask = next(iter(best_first(book.asks, Side.SELL)), None)
    return best_levels(bid, ask, book.market)


def trade(event: TradeEvent, us_per_unit: int) -> dict[str, Any]:
    """One trade of `trades`."""
    return {
        "id": event.seq,
        "price": event.price,
        "qty": event.quantity,
        "quoteQty": product(event.price, event.quantity),
        "time": parse_timestamp(event.timestamp) // us_per_unit,
        "isBuyerMaker": event.aggressor_side is Side.SELL,
        "isBestMatch": True,
    }


def aggregate_trade(event: TradeEvent, us_per_unit: int) -> dict[str, Any]:
    """One trade of `aggTrades`: every trade is an aggregate of its own."""
    return {
        "a": event.seq,
        "p": event.price,
        "q": event.quantity,
        "f": event.seq,
        "l": event.seq,
        "T": parse_timestamp(event.timestamp) // us_per_unit,
        "m": event.aggressor_side is Side.SELL,
        "M": True,
    }


def filled(
    candles: list[Candle], interval: Interval, *, before: Candle | None, first_s: int, end_s: int,
    count_max: int,
) -> list[Candle]:  # fmt: skip
    """The first `count_max` candles without holes: a period without trades is a flat candle.

    Periods start at `first_s` or later and before `end_s`. A flat candle has the close of the
    candle before it; the first one has the close of `before`, the last candle before `first_s`.
    Without `before`, periods before the first candle are left out.
    """
    whole: list[Candle] = []
    last, start_s = before, first_s
    for candle in [*candles, None]:
        stop_s = end_s if candle is None else candle.start_s
        while last is not None and start_s < stop_s and len(whole) < count_max:
            whole.append(flat_candle(start_s, last.close, last.last_seq))
            start_s = interval.end_s(start_s)
        if candle is not None:
            whole.append(candle)
            last, start_s = candle, interval.end_s(candle.start_s)
    return whole[:count_max]


def last_filled(candles: list[Candle], interval: Interval, end_s: int, count: int) -> list[Candle]:
    """The last `count` candles before `end_s` without holes."""
    first_s = interval.start_s(max(0, end_s - 1 - (count - 1) * interval.length_s))
    earlier = [candle for candle in candles if candle.start_s < first_s]
    whole = filled(
        candles[len(earlier) :],
        interval,
        before=earlier[-1] if earlier else None,
        first_s=first_s,
        end_s=end_s,
        # Months are shorter than `length_s`, so there may be more of them than `count`.
        count_max=2 * count,
    )
    return whole[-count:]


def kline(candle: Candle, interval: Interval, market: MarketRecord, us_per_unit: int) -> list[Any]:
    """One candle of `klines`."""
    return [
        candle.start_s * SECOND_US // us_per_unit,
        market.price_text(candle.open),
        market.price_text(candle.high),
        market.price_text(candle.low),
        market.price_text(candle.close),
        market.quantity_text(candle.volume_lots),
        interval.end_s(candle.start_s) * SECOND_US // us_per_unit - 1,
        market.notional_text(candle.notional),
        candle.trades,
        market.quantity_text(candle.taker_buy_lots),
        market.notional_text(candle.taker_buy_notional),
        NOTHING,
    ]
