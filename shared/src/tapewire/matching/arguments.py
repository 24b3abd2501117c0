"""Values as the scripts take them: text, or numbers that the client library writes. Pure."""

from collections.abc import Iterable

from tapewire.values.types import Instrument


def instrument_arguments(instrument: Instrument) -> list[str]:
    """The four values of an instrument that `instruments.lua` takes."""
    return [
        instrument.symbol, joined(instrument.identity), joined(instrument.limits),
        joined(instrument.controls),
    ]  # fmt: skip


def joined(values: Iterable[object]) -> str:
    """Values as the packed fields of the scripts hold them."""
    return "|".join(str(value) for value in values)


def optional(value: int | None) -> int | str:
    """A number, or the empty text that stands for none."""
    return "" if value is None else value
