"""Indicative prices of auctions: any gateway has them published, about once a second."""

from contextlib import suppress

from tapewire import keys
from tapewire.errors import UnknownSymbol
from tapewire.limits import INDICATIVE_INTERVAL_S
from tapewire.matching.engine import Engine
from tapewire.values.types import Symbol

_INTERVAL_US = int(INDICATIVE_INTERVAL_S * 1_000_000)


async def auction_symbols(engine: Engine) -> list[Symbol]:
    """The markets that are in an auction, sorted. Raises Unavailable."""
    found = await engine.batcher.submit("SMEMBERS", keys.AUCTIONS)
    return sorted(Symbol(symbol.decode()) for symbol in found)


async def indicate(engine: Engine, symbol: Symbol, interval_us: int = _INTERVAL_US) -> bool:
    """Publish the price at which a market would uncross now; whether it was searched.

    Nothing happens outside of an auction, without a change since the last search, or within
    `interval_us` of it (times the thousands of orders that it read). Raises UnknownSymbol,
    Unavailable.
    """
    return bool(await engine.run("indicate", keys.market(symbol), symbol, interval_us))


async def indicate_all(engine: Engine) -> None:
    """The same for every market that is in an auction. Raises Unavailable."""
    for symbol in await auction_symbols(engine):
        with suppress(UnknownSymbol):  # the instrument was delisted meanwhile
            await indicate(engine, symbol)
