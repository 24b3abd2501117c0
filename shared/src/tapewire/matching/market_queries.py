"""Reads of instruments, markets and prices: plain Redis reads, queued as the commands are."""

import asyncio
from typing import Any

from redis.exceptions import ResponseError

from tapewire import keys
from tapewire.matching.batcher import Batcher
from tapewire.packed.layout import BROKEN, Broken
from tapewire.packed.records import (
    read_instrument,
    read_market_state,
    read_pairs,
    read_standing,
)
from tapewire.values.types import Instrument, MarketState, Side, Symbol


class MarketQueries:
    """The reads of markets; answers include every command that was acknowledged before."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher

    async def delisted(self) -> set[Symbol]:
        """The symbol of every instrument that was taken off the list. Raises Unavailable."""
        found = await self._batcher.submit("SMEMBERS", keys.DELISTED)
        return {Symbol(symbol.decode()) for symbol in found}

    async def delisted_instruments(self) -> dict[Symbol, Instrument]:
        """Every instrument that was taken off the list, by symbol. Raises Unavailable."""
        symbols = sorted(await self.delisted())
        found = await asyncio.gather(*(self.recorded_instrument(symbol) for symbol in symbols))
        return {
            symbol: recorded[0]
            for symbol, recorded in zip(symbols, found, strict=True)
            if recorded is not None
        }

    async def instruments(self) -> dict[Symbol, tuple[Instrument, MarketState]]:
        """Every instrument of the venue with its market state, by symbol. Raises Unavailable."""
        symbols = sorted(await self.symbols())
        found = await asyncio.gather(*(self.instrument(symbol) for symbol in symbols))
        return {symbol: market for symbol, market in zip(symbols, found, strict=True) if market}

    async def symbols(self) -> set[Symbol]:
        """The symbol of every instrument. Raises Unavailable."""
        found = await self._batcher.submit("SMEMBERS", keys.INSTRUMENTS)
        return {Symbol(symbol.decode()) for symbol in found}

    async def instrument(self, symbol: Symbol) -> tuple[Instrument, MarketState] | None:
        """One instrument with its market state; None if it is not listed. Raises Unavailable."""
        found = await self.recorded_instrument(symbol)
        if found is None or found[1] is None:
            return None
        return found[0], found[1]

    async def recorded_instrument(
        self, symbol: Symbol
    ) -> tuple[Instrument, MarketState | None] | None:
        """One instrument, also if it was delisted: then without a market state.

        None if it is not known, or if its record cannot be read. Raises Unavailable.
        """
        try:
            record: list[Any] = await self._batcher.submit(
                "HMGET", keys.market(symbol), "identity", "limits", "controls"
            )
            if not all(record):
                return None
            identity, limits, controls = (item.decode() for item in record)
            instrument = read_instrument(symbol, identity, limits, controls)
            return instrument, read_market_state(controls)
        except (ResponseError, ValueError):
            return None

    async def broken_markets(self) -> dict[Symbol, Broken]:
        """The markets that are halted because their data contradict each other, and why.

        Raises Unavailable.
        """
        pairs = read_pairs(await self._batcher.submit("HGETALL", keys.BROKEN))
        return {Symbol(symbol): BROKEN.read(text) for symbol, text in sorted(pairs.items())}

    async def prices(self, symbols: list[Symbol], *, mid: bool) -> dict[Symbol, int]:
        """The price of each symbol in half ticks, so that a middle is whole; without one: no entry.

        It is that of the last trade; with `mid` the middle of best bid and ask, if there are both.
        Raises Unavailable.
        """
        states = await asyncio.gather(
            *(self._batcher.submit("HGET", keys.market(symbol), "state") for symbol in symbols)
        )
        found = {}
        for symbol, state in zip(symbols, states, strict=True):
            standing = read_standing(state)
            if standing is not None and standing.last_price:
                found[symbol] = 2 * int(standing.last_price)
        if mid:
            best = await asyncio.gather(*(self._best_prices(symbol) for symbol in symbols))
            found |= {symbol: sum(pair) for symbol, pair in zip(symbols, best, strict=True) if pair}
        return found

    async def _best_prices(self, symbol: Symbol) -> tuple[int, int] | None:
        """Best bid and ask in ticks; None if a side is empty."""
        sides = await asyncio.gather(
            *(
                self._batcher.submit("ZRANGE", keys.queue(symbol, side), 0, 0, "WITHSCORES")
                for side in (Side.BUY, Side.SELL)
            )
        )
        if not all(sides):
            return None
        # Scores are whole numbers below 2^53, of bids the negated prices.
        bid, ask = (abs(int(side[0][1])) for side in sides)
        return bid, ask

    async def newest_time_us(self) -> int:
        """The latest time that a market has reached; 0 in an empty venue. Raises Unavailable.

        Delisted instruments count, because they may be listed again.
        """
        symbols = await self.symbols() | await self.delisted()
        states = await asyncio.gather(
            *(self._batcher.submit("HGET", keys.market(symbol), "state") for symbol in symbols)
        )
        return max(
            (int(standing.clock_us) for state in states if (standing := read_standing(state))),
            default=0,
        )
