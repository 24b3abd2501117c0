"""Exact conversion between decimal text and integers: the only module that handles decimals.

Accepted text is digits with at most one point: no sign, no exponent, no spaces, no NaN. No value is
rounded; a value between two steps is refused.
"""

import re
from functools import lru_cache

from tapewire.errors import InvalidField
from tapewire.limits import (
    DECIMAL_DIGITS_MAX,
    DECIMAL_FRACTION_DIGITS_MAX,
    EXACT_INTEGER_MAX,
)

# Prices and quantities repeat, so their texts and units are cached: at most this number of
# values (about 2 MB), and texts with at most this number of characters.
VALUES_KEPT = 8_192
TEXT_KEPT_CHARACTERS_MAX = 40

_EXPONENT = re.compile(r"([0-9]+)(?:\.([0-9]+))?[eE]([+\-]?[0-9]{1,3})", re.ASCII)
_PLAIN_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def parse_units(text: str, decimals: int, field: str) -> int | None:
    """Read decimal text as an integer count of 10^-`decimals`; None for a value between two counts.

    Raises InvalidField: `invalid_decimal` (not plain digits) or `too_many_digits`.
    """
    if len(text) <= TEXT_KEPT_CHARACTERS_MAX:
        return _kept_units(text, decimals, field)
    return _read_units(text, decimals, field)


def _read_units(text: str, decimals: int, field: str) -> int | None:
    match = _PLAIN_DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidField(
            field,
            "invalid_decimal",
            f'{field} must be a plain positive decimal such as "1.5": digits and at most one '
            "point, no sign, no exponent.",
        )
    whole, fraction = match[1].lstrip("0"), (match[2] or "").rstrip("0")
    if len(whole) > DECIMAL_DIGITS_MAX or len(fraction) > DECIMAL_FRACTION_DIGITS_MAX:
        raise InvalidField(
            field,
            "too_many_digits",
            f"{field} has too many digits: at most {DECIMAL_DIGITS_MAX} before the point and "
            f"{DECIMAL_FRACTION_DIGITS_MAX} after it.",
        )
    if len(fraction) > decimals:
        return None
    return int(whole + fraction.ljust(decimals, "0") or "0")


_kept_units = lru_cache(VALUES_KEPT)(_read_units)


def expand_exponent(text: str) -> str:
    """A number with an exponent as plain digits with the same value; other text as it is.

    Programs write floats so: Python's `json` writes 0.00001 as 1e-05.
    """
    match = _EXPONENT.fullmatch(text)
    if match is None:
        return text
    digits, point = match[1] + (match[2] or ""), len(match[1]) + int(match[3])
    if point <= 0:
        return f"0.{digits.rjust(len(digits) - point, '0')}"
    padded = digits.ljust(point, "0")
    return padded if point == len(padded) else f"{padded[:point]}.{padded[point:]}"


def parse_steps(text: str, step_units: int, decimals: int, field: str, off_step_code: str) -> int:
    """Read decimal text as a whole number of steps of `step_units` x 10^-`decimals`.

    Raises InvalidField: as `parse_units`; `off_step_code` for a value that is no multiple of the
    step; `out_of_range` for a value too large to stay exact.
    """
    units = parse_units(text, decimals, field)
    if units is None or units % step_units:
        step = format_units(step_units, decimals)
        raise InvalidField(field, off_step_code, f"{field} must be a multiple of {step}.")
    steps = units // step_units
    if steps > EXACT_INTEGER_MAX:
        raise InvalidField(field, "out_of_range", f"{field} is too large.")
    return steps


@lru_cache(VALUES_KEPT)
def format_units(units: int, decimals: int) -> str:
    """Write an integer count of 10^-`decimals` with exactly that many decimals."""
    if units < 0:
        return "-" + format_units(-units, decimals)
    if decimals == 0:
        return str(units)
    digits = str(units).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"
