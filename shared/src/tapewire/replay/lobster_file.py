"""Reads the lines of LOBSTER's two files: messages and order book rows."""

from dataclasses import dataclass
from decimal import Decimal

from tapewire.replay.steps import ReplayError
from tapewire.values.decimals import format_units
from tapewire.values.types import Side

PRICE_DECIMALS = 4
EMPTY_LEVEL_PRICE = 9_999_999_999

SUBMISSION, REDUCTION, DELETION, EXECUTION, HIDDEN_EXECUTION = 1, 2, 3, 4, 5
_SIDES = {"1": Side.BUY, "-1": Side.SELL}

Level = tuple[Side, int]


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `price` in 1/10,000 USD, `side` of the resting order, `row` counts from 1."""

    row: int
    time_text: str
    kind: int
    label: str
    shares: int
    price: int
    side: Side

    @property
    def level(self) -> Level:
        """Side and price of the resting order."""
        return self.side, self.price

    @property
    def time_us(self) -> int:
        """Microseconds since midnight."""
        return int(Decimal(self.time_text) * 1_000_000)


def parse_message(row: int, line: str) -> Message:
    """Read one line of a message file. Raises ReplayError that names the line."""
    try:
        time_text, kind, label, shares, price, direction = line.strip().split(",")
        message = Message(
            row, time_text, int(kind), label, int(shares), int(price), _SIDES[direction]
        )
        Decimal(time_text)
    except (ValueError, ArithmeticError, KeyError) as error:
        raise ReplayError(f"line {row} is not a LOBSTER message: {error!r}") from None
    return message


def parse_book_row(line: str) -> dict[Level, int]:
    """Shares per level of one order book row: ask price, ask size, bid price, bid size, ...

    Raises ReplayError.
    """
    try:
        numbers = [int(text) for text in line.strip().split(",")]
    except ValueError as error:
        raise ReplayError(f"the order book row has a bad number: {error}") from None
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
