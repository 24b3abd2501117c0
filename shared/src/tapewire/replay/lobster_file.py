"""Reads the lines of LOBSTER's two files: messages and order book rows."""

import re
from dataclasses import dataclass
from decimal import Decimal

from tapewire.replay.steps import ReplayError, checked_time_us, whole_number
from tapewire.values.decimals import format_units
from tapewire.values.json_text import shown_name
from tapewire.values.types import Side

PRICE_DECIMALS = 4
COLUMN_COUNT = 6
EMPTY_LEVEL_PRICE = 9_999_999_999

SUBMISSION, REDUCTION, DELETION, EXECUTION, HIDDEN_EXECUTION = 1, 2, 3, 4, 5
# Type 6 is an auction, 7 a halt.
KINDS = frozenset("1234567")
_SIDES = {"1": Side.BUY, "-1": Side.SELL}

_SECONDS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")

Level = tuple[Side, int]


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `price` in 1/10,000 USD, `side` of the resting order, `row` counts from 1.

    `time_us` counts microseconds since midnight; `time_text` has more digits.
    """

    row: int
    time_text: str
    time_us: int
    kind: int
    label: str
    shares: int
    price: int
    side: Side

    @property
    def level(self) -> Level:
        """Side and price of the resting order."""
        return self.side, self.price


def parse_message(row: int, line: str) -> Message:
    """Read one line of a message file. Raises ReplayError that names the line."""
    try:
        columns = line.strip().split(",")
        if len(columns) != COLUMN_COUNT:
            raise ValueError(f"it has {len(columns)} columns, not {COLUMN_COUNT}")
        time_text, kind, label, shares, price, direction = columns
        if kind not in KINDS:
            raise ValueError(f"its type '{shown_name(kind)}' is not one of 1 to 7")
        if direction not in _SIDES:
            raise ValueError(f"its direction '{shown_name(direction)}' is neither 1 nor -1")
        return Message(
            row,
            time_text,
            _read_time_us(time_text),
            int(kind),
            label,
            whole_number("size", shares),
            whole_number("price", price),
            _SIDES[direction],
        )
    except ValueError as error:
        raise ReplayError(f"line {row} is not a LOBSTER message: {error}") from None


def _read_time_us(seconds: str) -> int:
    if not _SECONDS.fullmatch(seconds):
        raise ValueError("its time is not a number of seconds")
    return checked_time_us(int(Decimal(seconds) * 1_000_000))


def parse_book_row(line: str) -> dict[Level, int]:
    """Shares per level of one order book row: ask price, ask size, bid price, bid size, ...

    Raises ReplayError.
    """
    try:
        numbers = [whole_number("number", text) for text in line.strip().split(",")]
    except ValueError as error:
        raise ReplayError(f"the order book row cannot be read: {error}") from None
    if len(numbers) % 4:
        raise ReplayError("the order book row must have four columns a level")
    levels: dict[Level, int] = {}
    for i in range(0, len(numbers), 4):
        ask_price, ask_shares, bid_price, bid_shares = numbers[i : i + 4]
        if ask_price != EMPTY_LEVEL_PRICE:
            levels[Side.SELL, ask_price] = ask_shares
        if bid_price != -EMPTY_LEVEL_PRICE:
            levels[Side.BUY, bid_price] = bid_shares
    return levels


def price_text(price: int) -> str:
    """A price in 1/10,000 USD as decimal text in USD."""
    return format_units(price, PRICE_DECIMALS)
