"""Instruments from a TOML file, checked when loaded: a bad file stops the start with its reason.

```toml
[[instrument]]
symbol = "BTC-USDT"
base = "BTC"
quote = "USDT"
tick_size = "0.01"        # smallest step of a price, in the quote asset
lot_size = "0.00001"      # smallest step of a quantity, in the base asset
min_quantity = "0.00001"
max_quantity = "100"
min_notional = "5"        # smallest price x quantity of an order with a price
price_band = "10"         # optional: farthest distance of a price from the last trade, in percent
open_orders_max = 500     # optional: open orders that one account may have in it
```

The last two are where a market starts; an admin call changes them while it is traded.
"""

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tapewire.decimals import format_units, parse_steps, parse_units
from tapewire.errors import ConfigurationError, InvalidField
from tapewire.json_text import NumberText
from tapewire.limits import (
    ASSET_CHARACTERS_MAX,
    DECIMAL_FRACTION_DIGITS_MAX,
    EXACT_INTEGER_MAX,
    INSTRUMENTS_MAX,
    OPEN_ORDERS_BOUND_MAX,
    OPEN_ORDERS_MAX,
    PRICE_BAND_BPS_MAX,
    SYMBOL_CHARACTERS_MAX,
)
from tapewire.types import Instrument, Lots, Symbol, Ticks

SYMBOL_PATTERN = r"[A-Z0-9][A-Z0-9.\-]*"
PERCENT_DECIMALS = 2

_SymbolText = Annotated[
    str, Field(pattern=rf"^{SYMBOL_PATTERN}$", max_length=SYMBOL_CHARACTERS_MAX)
]
_AssetText = Annotated[str, Field(pattern=rf"^{SYMBOL_PATTERN}$", max_length=ASSET_CHARACTERS_MAX)]


def _whole_number(value: object) -> object:
    """A number of a JSON body keeps its text until its field is known."""
    return int(value.text) if isinstance(value, NumberText) and value.text.isdigit() else value


class InstrumentEntry(BaseModel):
    """An instrument as it is written: a `[[instrument]]` table, or the body of an admin call."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbol: _SymbolText
    base: _AssetText
    quote: _AssetText
    tick_size: str
    lot_size: str
    min_quantity: str
    max_quantity: str
    max_price: str | None = None
    min_notional: str = "0"
    price_band: Annotated[
        str | None,
        Field(description="Farthest distance of a price from the last trade, in percent"),
    ] = None
    open_orders_max: Annotated[
        int | None,
        BeforeValidator(_whole_number),
        Field(ge=1, le=OPEN_ORDERS_BOUND_MAX, description="Open orders an account may have in it"),
    ] = None


def packaged_instruments() -> dict[Symbol, Instrument]:
    """The three pairs that come with Tapewire."""
    text = resources.files("tapewire").joinpath("instruments.toml").read_text("utf-8")
    return parse_instruments(text, "instruments.toml")


def load_instruments(path: Path | None) -> dict[Symbol, Instrument]:
    """Read an instrument file, or the packaged one. Raises ConfigurationError."""
    if path is None:
        return packaged_instruments()
    try:
        return parse_instruments(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read instrument file {path}: {error}") from None


def parse_instruments(text: str, source: str) -> dict[Symbol, Instrument]:
    """Check the whole file. Raises ConfigurationError with source, line and reason."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source}: {error}") from None
    unknown = set(document) - {"instrument"}
    if unknown:
        raise ConfigurationError(f"{source}: unknown table {min(unknown)!r}")
    tables = document.get("instrument")
    if not isinstance(tables, list) or not 1 <= len(tables) <= INSTRUMENTS_MAX:
        raise ConfigurationError(
            f"{source}: it must have 1 to {INSTRUMENTS_MAX} [[instrument]] tables"
        )
    lines = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(r"\s*\[\[\s*instrument\s*\]\]", line)
    ]
    instruments: dict[Symbol, Instrument] = {}
    for index, table in enumerate(tables):
        where = f"{source}, line {lines[index]}" if index < len(lines) else source
        instrument = _parse_entry(table, where)
        if instrument.symbol in instruments:
            raise ConfigurationError(f"{where}: symbol {instrument.symbol} stands twice")
        instruments[instrument.symbol] = instrument
    return instruments


def _parse_entry(table: object, where: str) -> Instrument:
    try:
        return build_instrument(InstrumentEntry.model_validate(table))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{where}: {field}: {first['msg']}") from None
    except InvalidField as error:
        raise ConfigurationError(f"{where}: {error}") from None


def build_instrument(entry: InstrumentEntry) -> Instrument:
    """Check what the fields mean together. Raises InvalidField."""
    tick_units, price_decimals = _parse_step(entry.tick_size, "tick_size")
    lot_units, quantity_decimals = _parse_step(entry.lot_size, "lot_size")

    def lots(field: str, text: str) -> int:
        return parse_steps(text, lot_units, quantity_decimals, field, "off_lot")

    lots_min, lots_max = (
        lots("min_quantity", entry.min_quantity),
        lots("max_quantity", entry.max_quantity),
    )
    if not 1 <= lots_min <= lots_max:
        raise InvalidField(
            "min_quantity",
            "out_of_range",
            "min_quantity must be at least one lot and at most max_quantity.",
        )
    # Every price x quantity of an order must stay an exact integer in a double.
    price_ticks_exact = EXACT_INTEGER_MAX // lots_max
    price_ticks_max = price_ticks_exact
    if entry.max_price is not None:
        price_ticks_max = parse_steps(
            entry.max_price, tick_units, price_decimals, "max_price", "off_tick"
        )
    if not 1 <= price_ticks_max <= price_ticks_exact:
        highest = format_units(price_ticks_exact * tick_units, price_decimals)
        raise InvalidField(
            "max_price",
            "out_of_range",
            f"max_price must be between one tick and {highest}: max_price x max_quantity counts "
            "in ticks x lots and must stay within 2^53.",
        )
    for field, steps, units in (
        ("max_price", price_ticks_max, tick_units),
        ("max_quantity", lots_max, lot_units),
    ):
        if steps * units > EXACT_INTEGER_MAX:
            raise InvalidField(field, "out_of_range", f"{field} has more digits than are exact.")
    return Instrument(
        symbol=Symbol(entry.symbol),
        base=entry.base,
        quote=entry.quote,
        tick_units=tick_units,
        price_decimals=price_decimals,
        lot_units=lot_units,
        quantity_decimals=quantity_decimals,
        quantity_lots_min=Lots(lots_min),
        quantity_lots_max=Lots(lots_max),
        price_ticks_max=Ticks(price_ticks_max),
        notional_min=_parse_notional(
            entry.min_notional, tick_units * lot_units, price_decimals + quantity_decimals
        ),
        band_bps=0 if entry.price_band is None else _parse_band(entry.price_band),
        open_orders_max=entry.open_orders_max or OPEN_ORDERS_MAX,
    )


def _parse_step(text: str, field: str) -> tuple[int, int]:
    """A step such as "0.25" as (25, 2): units and decimals."""
    decimals = len(text.partition(".")[2].rstrip("0"))
    units = parse_units(text, min(decimals, DECIMAL_FRACTION_DIGITS_MAX), field)
    if not units:
        raise InvalidField(field, "out_of_range", f"{field} must be greater than zero.")
    return units, decimals


def _parse_notional(text: str, notional_units: int, decimals: int) -> int:
    """The smallest notional, in ticks x lots, rounded up to the next whole one."""
    units = parse_units(text, decimals, "min_notional")
    if units is None:
        raise InvalidField(
            "min_notional", "too_many_digits", "min_notional is finer than one tick x one lot."
        )
    return -(-units // notional_units)


def _parse_band(text: str) -> int:
    """Percent as hundredths of a percent; 0 is no band."""
    bps = parse_units(text, PERCENT_DECIMALS, "price_band")
    if bps is None or bps > PRICE_BAND_BPS_MAX:
        most = format_units(PRICE_BAND_BPS_MAX, PERCENT_DECIMALS)
        raise InvalidField(
            "price_band",
            "out_of_range",
            f"price_band must be 0 to {most} percent, with two decimals at the most.",
        )
    return bps
