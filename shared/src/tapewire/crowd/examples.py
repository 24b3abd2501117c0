"""Plausible prices and quantities, for the first screen and for the demo crowd."""

from tapewire.values.types import Instrument, Lots, Ticks

# Whole units of the quote asset; any other base asset starts at `OTHER_PRICE`.
PRICES = {"BTC": 60_000, "ETH": 3_000, "SOL": 150}
OTHER_PRICE = 100
NOTIONAL_MARGIN = 2


def example_price_ticks(instrument: Instrument) -> Ticks:
    """A plausible price within the bounds of the instrument."""
    whole = PRICES.get(instrument.base, OTHER_PRICE)
    ticks = whole * 10**instrument.price_decimals // instrument.tick_units
    return Ticks(max(1, min(ticks, instrument.price_ticks_max // 2)))


def example_quantity_lots(instrument: Instrument, price_ticks: Ticks | None = None) -> Lots:
    """One tenth of the base asset, or the nearest quantity that is valid at that price."""
    price = price_ticks or example_price_ticks(instrument)
    tenth = 10**instrument.quantity_decimals // (10 * instrument.lot_units)
    notional_lots = NOTIONAL_MARGIN * instrument.notional_min // price + 1
    lots = max(tenth, instrument.quantity_lots_min, notional_lots)
    return Lots(min(lots, instrument.quantity_lots_max))
