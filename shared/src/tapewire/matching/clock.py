"""Sets the time of the venue right for an operator, after the clock of Redis was wrong."""

from collections.abc import Iterable

from tapewire import keys
from tapewire.matching.engine import Engine
from tapewire.values.types import Symbol

# Gateways read the key every second; after this time the operator's word expires.
ACCEPTED_KEPT_S = 60


async def set_clock_right(engine: Engine, symbols: Iterable[Symbol]) -> list[Symbol]:
    """Accept the present clock of Redis; returns the markets that were ahead of it.

    These are set back, and their candles from the present minute, hour and day on are dropped.
    Gateways that refuse commands because of the clock accept them within a second. Raises
    UnknownSymbol, Unavailable.
    """
    set_back = [
        symbol for symbol in symbols if await engine.run("set_clock", keys.market(symbol), symbol)
    ]
    seconds, microseconds = await engine.batcher.submit("TIME")
    time_us = int(seconds) * 1_000_000 + int(microseconds)
    await engine.batcher.submit("SET", keys.CLOCK_ACCEPTED, time_us, "EX", ACCEPTED_KEPT_S)
    return set_back
