"""The calls for market data: read from Redis in one step, with the sequence number of the state."""

import asyncio
from typing import Any

from order_gateway.binance.context import Context, SymbolNames, read_period
from order_gateway.binance.errors import BinanceError
from order_gateway.binance.fields import read_names
from order_gateway.binance.instruments import symbol_info
from order_gateway.binance.market_shapes import (
    SECOND_US,
    aggregate_trade,
    best_quote,
    depth,
    filled,
    kline,
    last_filled,
    trade,
)
from order_gateway.binance.usage import Usage
from order_gateway.catalogue import Catalogue
from tapewire.binance.statistics import AVERAGE_MINS, average_price, day_ticker
from tapewire.market.candle_log import CandleLog
from tapewire.market.candles import BINANCE_INTERVALS, MINUTE_S, Candle, Interval
from tapewire.market.market_records import BookRecord, MarketRecord, MarketRecords
from tapewire.market.ticker import window_start_s
from tapewire.market.trade_log import TradeLog
from tapewire.matching.queries import Queries
from tapewire.redis.client import AsyncRedis
from tapewire.values.types import Symbol

DEPTH_DEFAULT, DEPTH_MAX = 100, 5_000
LIST_DEFAULT, LIST_MAX = 500, 1_000
EVERY_SYMBOL_MAX = 200
"""Symbols that one call without `symbol` reads at the same time."""


class MarketCalls:
    """Answers calls for market data. Every method raises BinanceError, RedisError, OSError."""

    def __init__(
        self,
        client: AsyncRedis,
        queries: Queries,
        catalogue: Catalogue,
        names: SymbolNames,
        usage: Usage,
    ) -> None:
        """`client` is for reads only."""
        self._records = MarketRecords(client)
        self._trades = TradeLog(client)
        self._candles = CandleLog(client)
        self._queries = queries
        self._catalogue = catalogue
        self._names = names
        self._usage = usage

    async def ping(self, _: Context) -> dict[str, Any]:
        """`ping`."""
        return {}

    async def time(self, context: Context) -> dict[str, Any]:
        """`time`: the clock of the venue."""
        return {"serverTime": await self._queries.time_us() // context.us_per_unit}

    async def exchange_info(self, context: Context) -> dict[str, Any]:
        """`exchangeInfo`."""
        markets = {market.instrument.symbol: market for market in await self._catalogue.read_all()}
        wanted = await self._wanted(context) or list(markets)
        return {
            "timezone": "UTC",
            **await self.time(context),
            "rateLimits": self._usage.described(),
            "exchangeFilters": [],
            "symbols": [symbol_info(markets[symbol], self._names.names) for symbol in wanted],
        }

    async def depth(self, context: Context) -> dict[str, Any]:
        """`depth`: the book, with the number of its last update."""
        limit = context.fields.limit(DEPTH_DEFAULT, DEPTH_MAX)
        symbol = await self._names.named_in(context)
        return depth(await self._book(symbol), limit)

    async def trades(self, context: Context) -> list[dict[str, Any]]:
        """`trades` and `historicalTrades`."""
        limit, first = context.fields.limit(LIST_DEFAULT, LIST_MAX), context.fields.whole("fromId")
        symbol = await self._names.named_in(context)
        if first is None:
            events = await self._trades.newest(symbol, limit)
        else:
            events = await self._trades.since(symbol, first, limit)
        return [trade(event, context.us_per_unit) for event in events]

    async def aggregate_trades(self, context: Context) -> list[dict[str, Any]]:
        """`aggTrades`: from a number, from a time, or the last ones."""
        limit, first = context.fields.limit(LIST_DEFAULT, LIST_MAX), context.fields.whole("fromId")
        start_us, end_us = read_period(context)
        symbol = await self._names.named_in(context)
        last = None if end_us is None else await self._trades.first_at(symbol, end_us + 1)
        if first is None and start_us is not None:
            first = await self._trades.first_at(symbol, start_us)
        if first is None and last is not None:
            first = max(1, last - limit)
        if first is None:
            events = await self._trades.newest(symbol, limit)
        else:
            events = await self._trades.since(symbol, first, limit)
        return [
            aggregate_trade(event, context.us_per_unit)
            for event in events
            if last is None or event.seq < last
        ]

    async def klines(self, context: Context) -> list[list[Any]]:
        """`klines` and `uiKlines`: without holes, the present candle included."""
        interval = BINANCE_INTERVALS.get(context.fields.required("interval"))
        if interval is None:
            raise BinanceError(-1120, "Invalid interval.")
        limit = context.fields.limit(LIST_DEFAULT, LIST_MAX)
        start_us, end_us = read_period(context)
        symbol = await self._names.named_in(context)
        now_s = await self._queries.time_us() // SECOND_US
        end_s = now_s + 1 if end_us is None else min(now_s, end_us // SECOND_US) + 1
        start_s = None if start_us is None else -(-start_us // SECOND_US)
        page = await self._candles.candles(
            symbol, interval, start_s=start_s, end_s=end_s, limit=limit
        )
        if page is None:
            return []
        if start_s is None:
            whole = last_filled(page.candles, interval, end_s, limit)
        else:
            whole = filled(
                page.candles,
                interval,
                before=await self._before(symbol, interval, start_s),
                first_s=interval.next_start_s(start_s),
                end_s=end_s,
                count_max=limit,
            )
        return [kline(candle, interval, page.market, context.us_per_unit) for candle in whole]

    async def average_price(self, context: Context) -> dict[str, Any]:
        """`avgPrice`: of the trades of the last five minutes."""
        symbol = await self._names.named_in(context)
        now_us = await self._queries.time_us()
        start_s = now_us // SECOND_US - AVERAGE_MINS * MINUTE_S
        page = await self._candles.since(symbol, start_s - start_s % MINUTE_S)
        if page is None:
            raise BinanceError(-1121, "Invalid symbol.")
        total = page.candles[0] if page.candles else None
        return {
            "mins": AVERAGE_MINS,
            "price": average_price(page.market, total),
            "closeTime": now_us // context.us_per_unit,
        }

    async def day_ticker(self, context: Context) -> Any:  # noqa: ANN401 (one or a list)
        """`ticker/24hr`."""
        now_us = await self._queries.time_us()

        async def one(symbol: Symbol) -> dict[str, Any]:
            page, book, last = await asyncio.gather(
                self._candles.since(symbol, window_start_s(now_us)),
                self._book(symbol),
                self._trades.newest(symbol, 1),
            )
            total = page.candles[0] if page is not None and page.candles else None
            window_us = (window_start_s(now_us) * SECOND_US, now_us)
            return day_ticker(
                self._names.names.shown[symbol],
                book.market if page is None else page.market,
                total=total,
                quote=best_quote(book),
                last=last[0] if last else None,
                window=(window_us[0] // context.us_per_unit, window_us[1] // context.us_per_unit),
            )

        return await self._each(context, one)

    async def prices(self, context: Context) -> Any:  # noqa: ANN401 (one or a list)
        """`ticker/price`: of the last trade."""

        async def one(symbol: Symbol) -> dict[str, Any]:
            market = await self._market(symbol)
            return {
                "symbol": self._names.names.shown[symbol],
                "price": market.price_text(market.last_ticks or 0),
            }

        return await self._each(context, one)

    async def book_tickers(self, context: Context) -> Any:  # noqa: ANN401 (one or a list)
        """`ticker/bookTicker`: the best level of each side."""

        async def one(symbol: Symbol) -> dict[str, Any]:
            book = await self._book(symbol)
            return {"symbol": self._names.names.shown[symbol], **best_quote(book)}

        return await self._each(context, one)

    async def _each(self, context: Context, one: Any) -> Any:  # noqa: ANN401
        """The answer for one symbol, or a list for several and for all."""
        wanted = await self._wanted(context)
        if context.fields.optional("symbol") is not None and wanted:
            return await one(wanted[0])
        symbols = wanted or list(self._names.names.listed)
        found: list[Any] = []
        for first in range(0, len(symbols), EVERY_SYMBOL_MAX):
            found += await asyncio.gather(*map(one, symbols[first : first + EVERY_SYMBOL_MAX]))
        return found

    async def _wanted(self, context: Context) -> list[Symbol]:
        """The symbols of `symbol` or `symbols`; none without both. Raises BinanceError."""
        one, many = context.fields.optional("symbol"), context.fields.optional("symbols")
        if one is not None and many is not None:
            raise BinanceError(
                -1128, "Combination of optional parameters invalid: 'symbol' and 'symbols'."
            )
        if many is not None:
            return [await self._names.find(name) for name in read_names(many)]
        return [] if one is None else [await self._names.named_in(context)]

    async def _before(self, symbol: Symbol, interval: Interval, start_s: int) -> Candle | None:
        """The last candle that starts before a time."""
        page = await self._candles.candles(symbol, interval, start_s=None, end_s=start_s, limit=1)
        return page.candles[-1] if page is not None and page.candles else None

    async def _book(self, symbol: Symbol) -> BookRecord:
        book = await self._records.book(symbol)
        if book is None:
            raise BinanceError(-1121, "Invalid symbol.")
        return book

    async def _market(self, symbol: Symbol) -> MarketRecord:
        market = await self._records.market(symbol)
        if market is None:
            raise BinanceError(-1121, "Invalid symbol.")
        return market
