"""What a recording says, whatever its format: orders entered, changed, canceled; trades."""

from dataclasses import dataclass
from decimal import Decimal

from tapewire.errors import TapewireError
from tapewire.values.types import OrderType, Side


class ReplayError(TapewireError):
    """A recording cannot be read, or the venue did not play along; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Enter:
    """A new order. `label` is its id in the recording; prices and quantities are decimal text.

    A seed stands for what already rested at one price when the recording began.
    """

    time_us: int
    label: str
    side: Side
    order_type: OrderType
    quantity: str
    price: str | None = None
    is_seed: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """The end of an order entered before; `remaining` is what the recording says was left of it."""

    time_us: int
    label: str
    remaining: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Amend:
    """A change of an order entered before: its whole quantity, executed part included, and price.

    Without a price it keeps the one that it has, and its place unless the quantity grows.
    """

    time_us: int
    label: str
    quantity: str
    price: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """A trade that the recorded venue reported: nothing to send, but something to compare with.

    `maker` and `taker` are labels where the recording knows them; several trades in a row with one
    taker are the fills of that one order.
    """

    time_us: int
    price: Decimal
    quantity: Decimal
    maker: str | None = None
    taker: str | None = None


Step = Enter | Cancel | Amend | RecordedTrade


def seed_label(side: Side, price: str) -> str:
    """The label of the anonymous order that rested at `price` when the recording began."""
    return f"seed {side} {price}"
