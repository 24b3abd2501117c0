"""The record of one market against its trade log. Pure."""

from collections.abc import Iterator, Mapping
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
from tapewire.values.types import Symbol

# The packed fields of a market, which every command reads.
_FIELDS: Mapping[str, Layout[Any]] = {
    "identity": IDENTITY,
    "limits": INSTRUMENT_LIMITS,
    "steps": STEPS,
    "controls": CONTROLS,
    "state": MARKET_STATE,
}


def market_differences(
    symbol: Symbol, record: Mapping[str, str], newest_entry: str, broken: str
) -> Iterator[str]:
    """What is wrong with a market.

    `newest_entry` is the id of the last entry of its trade log, `broken` its entry in `broken`; ''
    for none.
    """
    if broken:
        yield f"{symbol} is halted as broken since {_told(broken)}"
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
    if newest_entry != due:
        yield (
            f"trades:{symbol} ends at {newest_entry or 'none'}, its market is at {due or 'none'}"
        )


def _told(broken: str) -> str:
    try:
        found = BROKEN.read(broken)
    except ValueError:
        return broken
    return f"{found.time_us} (microseconds since 1970), when {found.op} failed: {found.reason}"
