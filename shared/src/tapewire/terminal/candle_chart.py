"""Candles as a chart of block characters. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from rich.text import Text

HEIGHT_ROWS = 16
# Two steps to a row: the upper and the lower half of a character.
STEPS_PER_ROW = 2
BODY = {(True, True): "█", (True, False): "▀", (False, True): "▄"}
WICK = {(True, True): "│", (True, False): "╵", (False, True): "╷"}
RISE, FALL = "green", "red"


class Candle(NamedTuple):
    """One period: first, highest, lowest and last price."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


def candle_chart(candles: Sequence[Candle], *, height_rows: int = HEIGHT_ROWS) -> Text:
    """One column per candle, oldest first, with prices at the left."""
    if not candles:
        return Text("no trades in this period", style="dim")
    highest, lowest = max(c.high for c in candles), min(c.low for c in candles)
    steps = height_rows * STEPS_PER_ROW
    labels = _labels(highest, lowest, height_rows)
    width = max(len(label) for label in labels)
    chart = Text(no_wrap=True)
    for row in range(height_rows):
        chart.append(f"{labels[row]:>{width}} ", style="dim")
        upper = steps - 1 - STEPS_PER_ROW * row
        for candle in candles:
            character = _cell(candle, upper, highest, lowest, steps)
            chart.append(character, style=RISE if candle.close >= candle.open else FALL)
        chart.append("\n")
    return chart


def _labels(highest: Decimal, lowest: Decimal, rows: int) -> list[str]:
    """The price of the first, the middle and the last row; other rows have none.

    With one price, only the row of that price has a label.
    """
    labels = [""] * rows
    if highest == lowest:
        labels[(rows - 1) // 2] = f"{highest:f}"
        return labels
    labels[0], labels[rows - 1] = f"{highest:f}", f"{lowest:f}"
    middle = ((highest + lowest) / 2).quantize(highest)
    labels[rows // 2] = f"{middle:f}"
    return labels


def _cell(candle: Candle, upper: int, highest: Decimal, lowest: Decimal, steps: int) -> str:
    """The character of one candle in one row, whose two steps are `upper` and `upper - 1`."""
    first, last = sorted(
        (_step(candle.open, highest, lowest, steps), _step(candle.close, highest, lowest, steps))
    )
    bottom = _step(candle.low, highest, lowest, steps)
    top = _step(candle.high, highest, lowest, steps)
    body = (first <= upper <= last, first <= upper - 1 <= last)
    wick = (bottom <= upper <= top, bottom <= upper - 1 <= top)
    return BODY.get(body) or WICK.get(wick, " ")


def _step(price: Decimal, highest: Decimal, lowest: Decimal, steps: int) -> int:
    """The step of a price: 0 for the lowest price shown, `steps` - 1 for the highest."""
    if highest == lowest:
        return steps // 2
    return int((price - lowest) * (steps - 1) / (highest - lowest))
