"""Fee rates against the units of the assets in which fees are paid. Pure."""

from collections.abc import Mapping

from tapewire.errors import InvalidField
from tapewire.limits import FEE_MILLIONTHS
from tapewire.values.decimals import format_units
from tapewire.values.types import Instrument


def check_fee_rates(rates: Mapping[str, int | None], instrument: Instrument) -> None:
    """Refuse rates that take less than a unit of the smallest amounts that the instrument trades.

    Such a fee is rounded up to a unit and exceeds its rate: of one share with 0 decimals the buyer
    gets none. A buyer pays from one lot of the base asset, a seller from the smallest order's
    amount of the quote asset. `rates` are millionths by field. Raises InvalidField.
    """
    for field, rate_ppm in rates.items():
        if not rate_ppm:
            continue
        for asset, decimals, units, amount in _smallest_amounts(instrument):
            if units * rate_ppm < FEE_MILLIONTHS:
                raise InvalidField(
                    field,
                    "fee_below_unit",
                    f"{field} {rate_ppm} takes less than one unit "
                    f"({format_units(1, decimals)} {asset}) of {amount}, "
                    f"{format_units(units, decimals)} {asset}; the fee would be rounded up to the "
                    f"unit. Give a rate of at least {-(-FEE_MILLIONTHS // units)}, more decimals "
                    "or larger minima, or accept it with allow_coarse_fees true.",
                )


def _smallest_amounts(instrument: Instrument) -> list[tuple[str, int, int, str]]:
    """Asset, its decimals, units, and the name of the amount."""
    notional_min = max(instrument.notional_min, instrument.quantity_lots_min)
    return [
        (instrument.base, instrument.base_decimals, instrument.base_units, "one lot"),
        (
            instrument.quote,
            instrument.quote_decimals,
            notional_min * instrument.quote_units,
            "the smallest order",
        ),
    ]
