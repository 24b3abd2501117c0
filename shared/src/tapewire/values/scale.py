"""Writes the ticks, lots and notionals of one instrument with its decimals. Nothing here rounds."""

from tapewire.values.decimals import format_units
from tapewire.values.types import Instrument, Side


class Scale:
    """The decimals of one instrument."""

    __slots__ = (
        "_amount_units", "_decimals", "_instrument", "_lot_units", "_price_decimals", "_tick_units",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self._tick_units, self._price_decimals = instrument.tick_units, instrument.price_decimals
        self._lot_units, self._decimals = instrument.lot_units, instrument.quantity_decimals
        self._amount_units = instrument.tick_units * instrument.lot_units
        self._instrument = instrument

    def price(self, ticks: int) -> str:
        """A price in the quote asset."""
        return format_units(ticks * self._tick_units, self._price_decimals)

    def quantity(self, lots: int) -> str:
        """A quantity of the base asset."""
        return format_units(lots * self._lot_units, self._decimals)

    def amount(self, notional: int) -> str:
        """An amount of the quote asset."""
        decimals = self._price_decimals + self._decimals
        return format_units(notional * self._amount_units, decimals)

    def fee(self, units: int, side: Side) -> str:
        """A fee in its asset, `fee_asset`."""
        instrument = self._instrument
        of_base = side is Side.BUY
        return format_units(
            units, instrument.base_decimals if of_base else instrument.quote_decimals
        )

    def fee_asset(self, side: Side) -> str:
        """The asset that a fill brings, in which its fee is taken."""
        return self._instrument.base if side is Side.BUY else self._instrument.quote
