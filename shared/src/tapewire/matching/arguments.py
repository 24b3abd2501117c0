"""Values as the commands take them: text, or numbers that the client library writes. Pure."""

from tapewire.packed.layout import BOUNDS, IDENTITY, INSTRUMENT_LIMITS
from tapewire.values.types import Instrument


def instrument_arguments(instrument: Instrument) -> list[str]:
    """The four values of an instrument that `instruments.lua` takes."""
    return [
        instrument.symbol,
        IDENTITY.write(instrument.identity),
        INSTRUMENT_LIMITS.write(instrument.limits),
        BOUNDS.write(instrument.controls),
    ]


def optional(value: int | None) -> int | str:
    """A number, or the empty text that stands for none."""
    return "" if value is None else value
