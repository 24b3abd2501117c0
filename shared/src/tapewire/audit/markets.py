"""The record of one market against its trade log. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tapewire.packed.layout import (
    BROKEN,
    CONTROLS,
    IDENTITY,
    INSTRUMENT_LIMITS,
    MARKET_STATE,
    STEPS,
)
from tapewire.packed.packing import Layout
from tapewire.packed.records import DELISTED
from tapewire.values.types import Symbol

# The packed fields of a market, which every command reads.
_FIELDS: Mapping[str, Layout[Any]] = {
    "identity": IDENTITY,
    "limits": INSTRUMENT_LIMITS,
    "steps": STEPS,
    "controls": CONTROLS,
    "state": MARKET_STATE,
}


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """A market at one moment; '' and no fields for what is not there or of another type.

    `newest_entry` is the id of the last entry of its trade log, `broken` its entry in `broken`.
    """

    record: Mapping[str, str]
    newest_entry: str
    broken: str
    is_listed: bool
    is_delisted: bool
    has_orders: bool


def market_differences(symbol: Symbol, market: MarketSnapshot) -> Iterator[str]:
    """The faults of a market as sentences."""
    record = market.record
    if market.broken:
        yield f"{symbol} is halted as broken since {_told(market.broken)}"
    yield from _listing_differences(symbol, market)
    name = f"market:{symbol}"
    for field, layout in _FIELDS.items():
        try:
            if field not in record:
                yield f"{name} has no field {field}"
            else:
                layout.read(record[field])
        except ValueError as error:
            yield f"{name}, field {field}, cannot be read: {error}"
    try:
        seq = MARKET_STATE.read(record.get("state", "")).seq
    except ValueError:
        return
    # Only the log's oldest entries are trimmed.
    due = f"{seq}-0" if seq != "0" else ""
    newest = market.newest_entry
    if newest != due:
        yield f"trades:{symbol} ends at {newest or 'none'}, its market is at {due or 'none'}"


def _listing_differences(symbol: Symbol, market: MarketSnapshot) -> Iterator[str]:
    """A symbol is listed or delisted, as its controls say; a delisted one has no orders."""
    if market.is_listed and market.is_delisted:
        yield f"{symbol} is listed and delisted"
        return
    try:
        state = CONTROLS.read(market.record.get("controls", "")).state
    except ValueError:
        return
    if market.is_delisted != (state == DELISTED):
        yield f"{symbol} is {'delisted' if market.is_delisted else 'listed'}, its state is {state}"
    if market.is_delisted and market.has_orders:
        yield f"orders rest in {symbol}, which is delisted"


def _told(broken: str) -> str:
    try:
        found = BROKEN.read(broken)
    except ValueError:
        return broken
    return f"{found.time_us} (microseconds since 1970), when {found.op} failed: {found.reason}"
