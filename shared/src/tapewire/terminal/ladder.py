"""An order book as a ladder: asks above bids, with a bar for the quantity of each level. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from tapewire.terminal.tables import decimal_text, new_table

BAR_CHARACTERS = 24
# Eighths of a character, so that a bar shows 192 different lengths.
EIGHTHS = " ▏▎▍▌▋▊▉"
BLOCK = "█"

Level = tuple[Decimal, Decimal]


def ladder(
    symbol: str, bids: Sequence[Level], asks: Sequence[Level], *, rows: int, note: str = ""
) -> Table:
    """At most `rows` levels of each side as (price, quantity), best first in both arguments."""
    shown_bids, shown_asks = bids[:rows], asks[:rows]
    largest = max((quantity for _, quantity in (*shown_bids, *shown_asks)), default=Decimal(1))
    title = f"{symbol}  {note}" if note else symbol
    numbers = ("price", "quantity")
    table = new_table("side", *numbers, "depth", numbers=numbers, title=title)
    for price, quantity in reversed(shown_asks):
        table.add_row(*_cells("ask", "red", (price, quantity), largest))
    table.add_row("", _spread(bids, asks), "", "", style="dim")
    for price, quantity in shown_bids:
        table.add_row(*_cells("bid", "green", (price, quantity), largest))
    return table


def bar(quantity: Decimal, largest: Decimal, characters: int = BAR_CHARACTERS) -> str:
    """A bar for the share of `quantity` in `largest`; above zero at least an eighth."""
    if quantity <= 0 or largest <= 0:
        return ""
    eighths = max(1, int(quantity * characters * len(EIGHTHS) / largest))
    whole, rest = divmod(eighths, len(EIGHTHS))
    return BLOCK * whole + (EIGHTHS[rest] if rest else "")


def _cells(side: str, style: str, level: Level, largest: Decimal) -> tuple[str | Text, ...]:
    price, quantity = level
    shown_price = Text(decimal_text(price), style=style)
    return side, shown_price, decimal_text(quantity), Text(bar(quantity, largest), style=style)


def _spread(bids: Sequence[Level], asks: Sequence[Level]) -> str:
    if not bids or not asks:
        return "one side is empty" if bids or asks else "the book is empty"
    return f"spread {asks[0][0] - bids[0][0]:f}"
