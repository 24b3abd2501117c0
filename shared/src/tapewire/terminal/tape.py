"""The tape as lines of text: one per trade, and one where trades were missed. Pure."""

from tapewire.values.types import Side
from tapewire.wire.trade_event import TradeEvent

RESET = "\x1b[0m"
COLOURS = {Side.BUY: "\x1b[32m", Side.SELL: "\x1b[31m"}
DIM = "\x1b[2m"

HEADER = f"{'time (UTC)':<15}  {'symbol':<10}  {'':<4}  {'price':>14}  {'quantity':>16}  {'no.':>9}"


class Tape:
    """Trades as lines of text."""

    def __init__(self, *, colour: bool = False) -> None:
        """`colour` adds terminal codes."""
        self._colour = colour

    def note(self, sentence: str) -> str:
        """A line that is no trade."""
        return self._paint(DIM, f"-- {sentence}")

    def line(self, event: TradeEvent) -> str:
        """One trade, under the titles of `HEADER`."""
        time_of_day = event.timestamp.partition("T")[2].rstrip("Z").removesuffix("+00:00")
        side = self._paint(COLOURS[event.aggressor_side], f"{event.aggressor_side:<4}")
        return (
            f"{time_of_day:<15}  {event.symbol:<10}  {side}  {event.price:>14}  "
            f"{event.quantity:>16}  {event.seq:>9}"
        )

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{RESET}" if self._colour else text
