"""The steps of a recording of any format: orders entered, amended, canceled; trades."""

import re
from dataclasses import dataclass
from decimal import Decimal

from tapewire.errors import TapewireError
from tapewire.limits import RECORDED_TIME_US_MAX
from tapewire.values.json_text import shown_name
from tapewire.values.types import OrderType, Side

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}")


class ReplayError(TapewireError):
    """A recording cannot be read, or a replay cannot continue; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Enter:
    """A new order. `label` is its id in the recording; prices and quantities are decimal text.

    A seed stands for all orders that rested at one price when the recording began.
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
    """The end of an order; `remaining` is the quantity that was left in the recording."""

    time_us: int
    label: str
    remaining: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Amend:
    """A change of an order: its whole quantity, the executed part included, and its price.

    Without a price the order keeps its price, and its place unless the quantity grows.
    """

    time_us: int
    label: str
    quantity: str
    price: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """A trade of the recorded venue, which is compared and not sent.

    `maker` and `taker` are labels, or None where the recording has none. Trades in a row with one
    taker are the fills of one order.
    """

    time_us: int
    price: Decimal
    quantity: Decimal
    maker: str | None = None
    taker: str | None = None


Step = Enter | Cancel | Amend | RecordedTrade


def whole_number(name: str, text: str) -> int:
    """The number in the column `name` of a line. Raises ValueError for a user."""
    if not _WHOLE_NUMBER.fullmatch(text):
        raise ValueError(f"its {name} '{shown_name(text)}' is not a whole number")
    return int(text)


def checked_time_us(time_us: int) -> int:
    """The time of a step as it is. Raises ValueError if venue time cannot hold it."""
    if not 0 <= time_us <= RECORDED_TIME_US_MAX:
        raise ValueError(f"the time must be 0 to {RECORDED_TIME_US_MAX:,} microseconds")
    return time_us


def seed_label(side: Side, price: str) -> str:
    """The label of the anonymous order that rested at `price` when the recording began."""
    return f"seed {side} {price}"
