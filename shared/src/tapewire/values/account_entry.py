"""Account amounts and limits: text to the integers that the Lua library takes, and back. Pure."""

import re
from collections.abc import Mapping
from typing import cast

from tapewire.errors import InvalidField
from tapewire.limits import EXACT_INTEGER_MAX, TRANSFER_REFERENCE_CHARACTERS_MAX
from tapewire.values.account_types import LimitSet
from tapewire.values.bounds import AS_INSTRUMENT, AccountLimits, MarketBounds, Setting
from tapewire.values.decimals import format_units, parse_steps, parse_units
from tapewire.values.scale import Scale
from tapewire.values.types import Instrument

REFERENCE_PATTERN = rf"[A-Za-z0-9._:\-]{{1,{TRANSFER_REFERENCE_CHARACTERS_MAX}}}"
REFERENCE_RULE = (
    f"must be a string of 1 to {TRANSFER_REFERENCE_CHARACTERS_MAX} letters, digits, dots, "
    "underscores, colons or hyphens"
)
_REFERENCE = re.compile(REFERENCE_PATTERN, re.ASCII)

Written = Mapping[str, str | int | None]
"""Bounds as clients write them, by field; a field that is left out keeps its value."""


def parse_amount(text: str, asset: str, decimals: int) -> int:
    """An amount of a deposit or withdrawal, in units of the asset. Raises InvalidField."""
    units = parse_units(text, decimals, "amount")
    if units is None:
        raise InvalidField(
            "amount", "too_many_digits", f"amount has more than the {decimals} decimals of {asset}."
        )
    if not 1 <= units <= EXACT_INTEGER_MAX:
        most = format_units(EXACT_INTEGER_MAX, decimals)
        raise InvalidField(
            "amount", "out_of_range", f"amount must be more than zero and at most {most} {asset}."
        )
    return units


def check_reference(text: str) -> str:
    """Check the reference of a transfer. Raises InvalidField."""
    if not _REFERENCE.fullmatch(text):
        raise InvalidField("reference", "invalid_value", f"reference {REFERENCE_RULE}.")
    return text


def parse_quantity_bound(text: str, field: str, instrument: Instrument) -> int:
    """A quantity of the base asset in lots; 0 means no limit. Raises InvalidField."""
    return parse_steps(text, instrument.lot_units, instrument.quantity_decimals, field, "off_lot")


def parse_notional_bound(text: str, field: str, instrument: Instrument) -> int:
    """An amount of the quote asset in ticks x lots; 0 means no limit. Raises InvalidField."""
    units = instrument.tick_units * instrument.lot_units
    return parse_steps(text, units, instrument.notional_decimals, field, "off_amount_step")


def read_account_limits(written: Written, instrument: Instrument) -> AccountLimits:
    """Limits of an account in a symbol; None means the instrument's limit.

    Raises InvalidField.
    """
    return cast("AccountLimits", _read(written, instrument, AS_INSTRUMENT))


def read_market_bounds(written: Written, instrument: Instrument) -> MarketBounds:
    """Limits of a market; None leaves a limit unchanged. Raises InvalidField."""
    return cast("MarketBounds", _read(written, instrument, None))


def write_account_limits(limits: LimitSet, instrument: Instrument) -> dict[str, str | int | None]:
    """Limits of an account as clients read them; None means the instrument's limit."""
    scale = Scale(instrument)
    order, notional, position = (
        limits.order_lots_max, limits.order_notional_max, limits.position_lots_max,
    )  # fmt: skip
    return {
        "open_orders_max": limits.open_orders_max,
        "order_quantity_max": None if order is None else scale.quantity(order),
        "order_notional_max": None if notional is None else scale.amount(notional),
        "position_max": None if position is None else scale.quantity(position),
    }


def _read(written: Written, instrument: Instrument, nothing: Setting) -> dict[str, Setting]:
    bounds: dict[str, Setting] = {}
    for field, value in written.items():
        if field == "order_quantity_max":
            bounds["order_lots_max"] = _quantity(value, field, instrument, nothing)
        elif field == "position_max":
            bounds["position_lots_max"] = _quantity(value, field, instrument, nothing)
        elif field == "order_notional_max" and value is not None:
            bounds[field] = parse_notional_bound(str(value), field, instrument)
        else:
            bounds[field] = nothing if value is None else value
    return bounds


def _quantity(
    value: str | int | None, field: str, instrument: Instrument, nothing: Setting
) -> Setting:
    return nothing if value is None else parse_quantity_bound(str(value), field, instrument)
