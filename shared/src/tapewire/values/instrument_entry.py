"""One instrument as written in a file or an admin call, and the checks across its fields."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tapewire.errors import InvalidField
from tapewire.limits import (
    ASSET_CHARACTERS_MAX,
    ASSET_DECIMALS,
    ASSET_DECIMALS_MAX,
    DECIMAL_FRACTION_DIGITS_MAX,
    EXACT_INTEGER_MAX,
    FEE_PPM_MAX,
    OPEN_ORDERS_BOUND_MAX,
    OPEN_ORDERS_MAX,
    PRICE_BAND_BPS_MAX,
    SYMBOL_CHARACTERS_MAX,
)
from tapewire.values.decimals import format_units, parse_steps, parse_units
from tapewire.values.fee_rates import check_fee_rates
from tapewire.values.json_text import NumberText
from tapewire.values.types import Instrument, Lots, Symbol, Ticks

SYMBOL_PATTERN = r"[A-Z0-9][A-Z0-9.\-]*"
PERCENT_DECIMALS = 2

_SymbolText = Annotated[
    str, Field(pattern=rf"^{SYMBOL_PATTERN}$", max_length=SYMBOL_CHARACTERS_MAX)
]
_AssetText = Annotated[str, Field(pattern=rf"^{SYMBOL_PATTERN}$", max_length=ASSET_CHARACTERS_MAX)]


_Decimals = Annotated[int, Field(ge=0, le=ASSET_DECIMALS_MAX)]


def _whole_number(value: object) -> object:
    """Keep the text of a JSON number until its field is known."""
    return int(value.text) if isinstance(value, NumberText) and value.text.isdigit() else value


# Bounds stand before the validator, because pydantic gives bounds that stand after a validator
# names that no JSON schema has.
_OpenOrders = Annotated[int, Field(ge=1, le=OPEN_ORDERS_BOUND_MAX), BeforeValidator(_whole_number)]
_Fee = Annotated[
    int,
    Field(ge=0, le=FEE_PPM_MAX, description="Millionths of the received amount"),
    BeforeValidator(_whole_number),
]


class InstrumentEntry(BaseModel):
    """An instrument as written: a `[[instrument]]` table, or the body of an admin call."""

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
        _OpenOrders | None, Field(description="Open orders that one account may have")
    ] = None
    order_quantity_max: Annotated[
        str | None, Field(description="Largest quantity of one order; without it max_quantity")
    ] = None
    order_notional_max: Annotated[
        str | None, Field(description="Largest price x quantity of one order, in the quote asset")
    ] = None
    position_max: Annotated[
        str | None,
        Field(description="Largest amount of the base asset of one account, open buys included"),
    ] = None
    maker_fee_ppm: _Fee = 0
    taker_fee_ppm: _Fee = 0
    allow_coarse_fees: Annotated[
        bool,
        Field(
            description="Accept rates that take less than a unit of the smallest amounts traded; "
            "such a fee is rounded up to the unit"
        ),
    ] = False
    base_decimals: Annotated[
        _Decimals | None, BeforeValidator(_whole_number), Field(description="Fixed for its life")
    ] = None
    quote_decimals: Annotated[
        _Decimals | None, BeforeValidator(_whole_number), Field(description="Fixed for its life")
    ] = None


def build_instrument(entry: InstrumentEntry, assets: Mapping[str, int]) -> Instrument:
    """Check the fields against each other; `assets` holds the known decimals of assets.

    Raises InvalidField.
    """
    instrument = _build_steps(entry, assets)
    if not entry.allow_coarse_fees:
        rates = {"maker_fee_ppm": entry.maker_fee_ppm, "taker_fee_ppm": entry.taker_fee_ppm}
        check_fee_rates(rates, instrument)
    return instrument


def _build_steps(entry: InstrumentEntry, assets: Mapping[str, int]) -> Instrument:
    if entry.base == entry.quote:
        raise InvalidField(
            "quote", "invalid_value", "quote must be another asset than base: nothing is traded."
        )
    tick_units, price_decimals = _parse_step(entry.tick_size, "tick_size")
    lot_units, quantity_decimals = _parse_step(entry.lot_size, "lot_size")
    notional_decimals = price_decimals + quantity_decimals
    base_decimals = _choose_decimals(
        "base_decimals", entry.base_decimals, assets.get(entry.base), quantity_decimals
    )
    quote_decimals = _choose_decimals(
        "quote_decimals", entry.quote_decimals, assets.get(entry.quote), notional_decimals
    )
    notional_units = tick_units * lot_units

    def lots(field: str, text: str) -> int:
        return parse_steps(text, lot_units, quantity_decimals, field, "off_lot")

    lots_min = lots("min_quantity", entry.min_quantity)
    lots_max = lots("max_quantity", entry.max_quantity)
    base_units = lot_units * 10 ** (base_decimals - quantity_decimals)
    _check_quantities(entry, lots_min, lots_max, EXACT_INTEGER_MAX // base_units)
    quote_units = notional_units * 10 ** (quote_decimals - notional_decimals)
    price_ticks_max = _choose_price_max(
        entry, tick_units, price_decimals, EXACT_INTEGER_MAX // (lots_max * quote_units)
    )
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
            entry.min_notional, "min_notional", notional_units, notional_decimals
        ),
        band_bps=0 if entry.price_band is None else _parse_band(entry.price_band),
        open_orders_max=entry.open_orders_max or OPEN_ORDERS_MAX,
        base_decimals=base_decimals,
        quote_decimals=quote_decimals,
        maker_fee_ppm=entry.maker_fee_ppm,
        taker_fee_ppm=entry.taker_fee_ppm,
        order_lots_max=lots("order_quantity_max", entry.order_quantity_max or "0"),
        order_notional_max=parse_steps(
            entry.order_notional_max or "0", notional_units, notional_decimals,
            "order_notional_max", "off_amount_step",
        ),
        position_lots_max=lots("position_max", entry.position_max or "0"),
    )  # fmt: skip


def _check_quantities(
    entry: InstrumentEntry, lots_min: int, lots_max: int, lots_exact: int
) -> None:
    if not 1 <= lots_min <= lots_max:
        raise InvalidField(
            "min_quantity",
            "out_of_range",
            "min_quantity must be at least one lot and at most max_quantity.",
        )
    if lots_max > lots_exact:
        raise InvalidField(
            "max_quantity",
            "out_of_range",
            f"max_quantity with the decimals of {entry.base} must stay within 2^53; fewer "
            "base_decimals allow more.",
        )


def _choose_price_max(
    entry: InstrumentEntry, tick_units: int, price_decimals: int, ticks_exact: int
) -> int:
    """Highest price in ticks for which price x quantity stays an exact integer in a double."""
    ticks_max = ticks_exact
    if entry.max_price is not None:
        ticks_max = parse_steps(
            entry.max_price, tick_units, price_decimals, "max_price", "off_tick"
        )
    if not 1 <= ticks_max <= ticks_exact:
        highest = format_units(ticks_exact * tick_units, price_decimals)
        raise InvalidField(
            "max_price",
            "out_of_range",
            f"max_price must be between one tick and {highest}: max_price x max_quantity with the "
            f"decimals of {entry.quote} must stay within 2^53; fewer quote_decimals allow more.",
        )
    if ticks_max * tick_units > EXACT_INTEGER_MAX:
        raise InvalidField("max_price", "out_of_range", "max_price has more digits than are exact.")
    return ticks_max


def _choose_decimals(field: str, wanted: int | None, known: int | None, needed: int) -> int:
    """Decimals of an asset: the known value, else the wanted value, else the default."""
    decimals = known if wanted is None else wanted
    if decimals is None:
        decimals = max(ASSET_DECIMALS, needed)
    if decimals < needed:
        raise InvalidField(
            field,
            "out_of_range",
            f"{field} is {decimals}, but tick_size and lot_size need {needed}: amounts must be "
            "exact.",
        )
    return decimals


def _parse_step(text: str, field: str) -> tuple[int, int]:
    """A step such as "0.25" as (25, 2): units and decimals."""
    decimals = len(text.partition(".")[2].rstrip("0"))
    units = parse_units(text, min(decimals, DECIMAL_FRACTION_DIGITS_MAX), field)
    if not units:
        raise InvalidField(field, "out_of_range", f"{field} must be greater than zero.")
    return units, decimals


def _parse_notional(text: str, field: str, notional_units: int, decimals: int) -> int:
    """An amount of the quote asset in ticks x lots, rounded up."""
    units = parse_units(text, decimals, field)
    if units is None:
        raise InvalidField(field, "too_many_digits", f"{field} is finer than one tick x one lot.")
    return -(-units // notional_units)


def _parse_band(text: str) -> int:
    """Percent as hundredths of a percent; 0 means no band."""
    bps = parse_units(text, PERCENT_DECIMALS, "price_band")
    if bps is None or bps > PRICE_BAND_BPS_MAX:
        most = format_units(PRICE_BAND_BPS_MAX, PERCENT_DECIMALS)
        raise InvalidField(
            "price_band",
            "out_of_range",
            f"price_band must be 0 to {most} percent, with two decimals at the most.",
        )
    return bps
