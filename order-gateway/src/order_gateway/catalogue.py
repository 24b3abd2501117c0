"""The instruments of the venue as this gateway knows them; any gateway may change them in Redis.

Nothing is polled. An unknown symbol is looked up with one read, and so is an instrument whose
revision Redis calls old. A change by another gateway therefore counts at once, and a request costs
at most one more read. A command on an instrument that was delisted is refused by Redis, and the
gateway then forgets the instrument.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tapewire.errors import TapewireError, Unavailable, UnknownSymbol
from tapewire.limits import SYMBOL_CHARACTERS_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.matching.refusals import refuse
from tapewire.values.instrument_entry import SYMBOL_PATTERN
from tapewire.values.json_text import shown_name
from tapewire.values.types import Instrument, MarketState, Symbol

logger = logging.getLogger(__name__)

_SYMBOL = re.compile(SYMBOL_PATTERN)


@dataclass(frozen=True, slots=True)
class Market:
    """An instrument and the state of its market."""

    instrument: Instrument
    state: MarketState


class Catalogue:
    """Symbol -> instrument, as new as the newest answer of Redis to this gateway."""

    def __init__(self, engine: Engine, queries: Queries) -> None:
        self._engine = engine
        self._queries = queries
        self._markets: dict[Symbol, Market] = {}
        # Instruments that were taken off the list: their orders and fills stay readable.
        self._delisted: dict[Symbol, Instrument] = {}
        self.version = 0
        """Grows whenever an instrument is listed or delisted."""

    async def open(self, instruments: Mapping[Symbol, Instrument]) -> None:
        """Add the new instruments of a file, then read all. Raises InstrumentConflict.

        A known instrument keeps the limits that Redis has, because an administrator may have
        changed them since the file was written. An instrument that was delisted stays so.
        """
        await self._read_markets()
        missing = {}
        unreadable = await self._queries.symbols() - self._markets.keys()
        delisted = await self._queries.delisted()
        for symbol, instrument in instruments.items():
            market = self._markets.get(symbol)
            if symbol in delisted:
                logger.warning(
                    "%s stays delisted, although the file names it; list it again with: "
                    "tapewire instrument add",
                    symbol,
                )
            elif symbol in unreadable:
                logger.error("%s is not traded: its record cannot be read (tapewire audit)", symbol)
            elif market is None or market.instrument.identity != instrument.identity:
                missing[symbol] = instrument
            elif market.instrument.limits != instrument.limits:
                logger.warning("%s keeps the limits that Redis has, not those of the file", symbol)
        if missing:
            await self._engine.publish_instruments(missing)
            await self._read_markets()

    @property
    def known(self) -> Mapping[Symbol, Market]:
        """Every listed market that this gateway knows now, by symbol."""
        return self._markets

    @property
    def delisted(self) -> Mapping[Symbol, Instrument]:
        """Every instrument that this gateway knows to be delisted, by symbol."""
        return self._delisted

    def get(self, symbol: str) -> Instrument | None:
        """The instrument if this gateway knows it, and no answer of Redis said it is delisted."""
        market = self._markets.get(Symbol(symbol))
        return None if market is None else market.instrument

    async def find(self, symbol: str) -> Instrument:
        """The instrument; read from Redis if it is not known. Raises UnknownSymbol, Unavailable."""
        return self.get(symbol) or (await self.read(symbol)).instrument

    async def find_recorded(self, symbol: str) -> Instrument:
        """The instrument of a symbol that is listed or was listed before.

        Raises UnknownSymbol, Unavailable.
        """
        known = self.get(symbol) or self._delisted.get(Symbol(symbol))
        if known is not None:
            return known
        try:
            return (await self.read(symbol)).instrument
        except UnknownSymbol:
            if symbol not in self._delisted:
                raise
            return self._delisted[Symbol(symbol)]

    async def read(self, symbol: str) -> Market:
        """The market as Redis has it. Raises UnknownSymbol, Unavailable."""
        found = None
        # A text that cannot be a symbol must not become a Redis key.
        if len(symbol) <= SYMBOL_CHARACTERS_MAX and _SYMBOL.fullmatch(symbol):
            found = await self._queries.recorded_instrument(Symbol(symbol))
            if found is None and symbol in self._markets:
                await self.restore()
                found = await self._queries.recorded_instrument(Symbol(symbol))
            if found is None and symbol in await self._queries.symbols():
                refuse(f"MARKET_BROKEN {symbol}")
        if found is None:
            raise unknown_symbol(symbol)
        instrument, state = found
        if state is None:
            self._retire(instrument)
            raise unknown_symbol(symbol)
        market = Market(instrument, state)
        self._list(market)
        return market

    async def read_all(self) -> list[Market]:
        """Every market by symbol; the last known ones while Redis is away."""
        try:
            await self._read_markets()
        except Unavailable as error:
            logger.warning("answering with the instruments as last seen: %s", error)
        return [market for _, market in sorted(self._markets.items())]

    async def restore(self) -> None:
        """Publish the instruments to a Redis that returned without its data. Raises Unavailable.

        Instruments that were delisted are forgotten.
        """
        known = await self._queries.symbols()
        for symbol in await self._queries.delisted():
            if symbol in self._markets:
                self._retire(self._markets[symbol].instrument)
        missing = {
            symbol: market.instrument
            for symbol, market in self._markets.items()
            if symbol not in known
        }
        if missing:
            await self._engine.publish_instruments(missing)

    async def check_markets(self) -> None:
        """Raises TapewireError with the symbols of broken markets, or Unavailable."""
        broken = await self._queries.broken_markets()
        if broken:
            raise TapewireError(
                f"{', '.join(broken)} halted, because data contradict each other: run "
                "tapewire doctor"
            )

    async def _read_markets(self) -> None:
        for found in (await self._queries.instruments()).values():
            self._list(Market(*found))
        for instrument in (await self._queries.delisted_instruments()).values():
            self._retire(instrument)

    def _list(self, market: Market) -> None:
        symbol = market.instrument.symbol
        self._delisted.pop(symbol, None)
        self.version += symbol not in self._markets
        self._markets[symbol] = market

    def _retire(self, instrument: Instrument) -> None:
        """Forget a market whose instrument was delisted; its record stays for history."""
        self.version += self._markets.pop(instrument.symbol, None) is not None
        self._delisted[instrument.symbol] = instrument


def unknown_symbol(symbol: str) -> UnknownSymbol:
    """The refusal, naming the field."""
    error = UnknownSymbol(
        f"symbol {shown_name(symbol)} is not traded here; GET /v1/instruments lists all."
    )
    error.field = "symbol"
    return error
