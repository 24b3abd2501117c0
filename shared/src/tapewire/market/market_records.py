"""Reads a symbol from Redis: its market record, and its price levels of the same instant.

`tapewire.packed.layout` names the fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tapewire import keys
from tapewire.packed.auction import Indicative
from tapewire.packed.layout import CONTROLS, INDICATIVE, STEPS
from tapewire.packed.records import DELISTED, read_standing
from tapewire.redis.client import AsyncRedis
from tapewire.values.decimals import format_units
from tapewire.values.types import Side, Symbol
from tapewire.wire.book_event import Level


@dataclass(frozen=True, slots=True)
class MarketRecord:
    """Tick and lot of a symbol, and its positions; `clock_us` is the time of its last command."""

    epoch: str
    tick_units: int
    price_decimals: int
    lot_units: int
    quantity_decimals: int
    seq: int
    book_seq: int
    last_ticks: int | None
    clock_us: int

    def price_text(self, ticks: int) -> str:
        """A price as the wire shows it."""
        return format_units(ticks * self.tick_units, self.price_decimals)

    def quantity_text(self, lots: int) -> str:
        """A quantity of the base asset as the wire shows it."""
        return format_units(lots * self.lot_units, self.quantity_decimals)

    def notional_text(self, notional: int) -> str:
        """An amount of the quote asset, given in ticks x lots, as the wire shows it."""
        units = notional * self.tick_units * self.lot_units
        return format_units(units, self.price_decimals + self.quantity_decimals)


@dataclass(frozen=True, slots=True)
class BookRecord:
    """A market record and the levels that belong to its `book_seq`, in no order."""

    market: MarketRecord
    bids: list[Level]
    asks: list[Level]


@dataclass(frozen=True, slots=True)
class AuctionRecord:
    """A market record, the market's state, and the newest indicative price of an auction."""

    market: MarketRecord
    state: str
    indicative: Indicative | None


def read_market(fields: Sequence[bytes | None]) -> MarketRecord | None:
    """Decode the fields `steps` and `state`; None if the symbol has none that can be read."""
    state = read_standing(fields[1])
    if fields[0] is None or state is None:
        return None
    steps = STEPS.read(fields[0].decode())
    return MarketRecord(
        epoch=steps.epoch,
        tick_units=int(steps.tick_units),
        price_decimals=int(steps.price_decimals),
        lot_units=int(steps.lot_units),
        quantity_decimals=int(steps.quantity_decimals),
        seq=int(state.seq),
        book_seq=int(state.book_seq),
        last_ticks=int(state.last_price) if state.last_price else None,
        clock_us=int(state.clock_us),
    )


class MarketRecords:
    """The hashes `market:<symbol>` and `levels:<symbol>:<side>`."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client

    async def market(self, symbol: str) -> MarketRecord | None:
        """Read one record; None for an unknown symbol. Raises RedisError, OSError."""
        client: Any = self._client
        return read_market(await client.hmget(keys.market(Symbol(symbol)), "steps", "state"))

    async def auction(self, symbol: str) -> AuctionRecord | None:
        """Read the indicative price of an auction; None for a symbol that is not listed.

        Raises RedisError, OSError.
        """
        client: Any = self._client
        *fields, controls, kept = await client.hmget(
            keys.market(Symbol(symbol)), "steps", "state", "controls", "indicative"
        )
        market = read_market(fields)
        if market is None or controls is None or _is_delisted(controls):
            return None
        indicative = None if kept is None else INDICATIVE.read(kept.decode())
        return AuctionRecord(market, CONTROLS.read(controls.decode()).state, indicative)

    async def book(self, symbol: str) -> BookRecord | None:
        """Read record and levels in one atomic step; None for a symbol that is not listed.

        Raises RedisError, OSError.
        """
        name = Symbol(symbol)
        pipeline: Any = self._client.pipeline(transaction=True)
        pipeline.hmget(keys.market(name), "steps", "state", "controls")
        pipeline.hgetall(keys.levels(name, Side.BUY))
        pipeline.hgetall(keys.levels(name, Side.SELL))
        fields, buys, sells = await pipeline.execute()
        market = read_market(fields)
        if market is None or _is_delisted(fields[2]):
            return None
        return BookRecord(market, _levels(market, buys), _levels(market, sells))


def _is_delisted(controls: bytes | None) -> bool:
    return controls is not None and CONTROLS.read(controls.decode()).state == DELISTED


def _levels(market: MarketRecord, lots_by_ticks: Mapping[bytes, bytes]) -> list[Level]:
    return [
        (market.price_text(int(ticks)), market.quantity_text(int(lots)))
        for ticks, lots in lots_by_ticks.items()
    ]
