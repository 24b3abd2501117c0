"""The tape as lines of text: one per trade, and one where trades were missed. Pure."""

import json
from collections.abc import Collection, Iterator

from tapewire.errors import MessageError
from tapewire.messages import TradeEvent, decode_trade
from tapewire.types import Side

FEED_PATH = "/ws/market-data"
FEED_URL_DEFAULT = f"ws://127.0.0.1:8001{FEED_PATH}"

RESET = "\x1b[0m"
COLOURS = {Side.BUY: "\x1b[32m", Side.SELL: "\x1b[31m"}
DIM = "\x1b[2m"

HEADER = f"{'time (UTC)':<15}  {'symbol':<10}  {'':<4}  {'price':>14}  {'quantity':>16}  {'no.':>9}"


class Tape:
    """Turns the feed's messages into lines; remembers the last trade of each symbol."""

    def __init__(self, symbols: Collection[str] = (), *, colour: bool = False) -> None:
        """`symbols` empty shows all; `colour` adds terminal codes."""
        self._symbols = frozenset(symbols)
        self._colour = colour
        self._last: dict[str, tuple[str, int]] = {}

    def lines(self, message: str | bytes) -> Iterator[str]:
        """What to print for one message of the feed; nothing for those that are no trades.

        Raises MessageError if the message is not one of the feed's.
        """
        try:
            document = json.loads(message)
            kind = document["type"]
        except (ValueError, KeyError, TypeError):
            raise MessageError("the feed sent something that is not one of its messages") from None
        if kind == "error":
            yield self._paint(DIM, f"-- the feed says: {document.get('message', document)}")
        if kind != "trade":
            return
        # The payload is read as it was published, so one check serves both.
        event = decode_trade(json.dumps(document.get("data")).encode()).event
        if self._symbols and event.symbol not in self._symbols:
            return
        yield from self._missed(event)
        yield self._line(event)

    def _missed(self, event: TradeEvent) -> Iterator[str]:
        epoch, seq = self._last.get(event.symbol, (event.epoch, event.seq - 1))
        self._last[event.symbol] = (event.epoch, event.seq)
        if epoch != event.epoch:
            yield self._paint(DIM, f"-- {event.symbol} starts anew")
        elif event.seq > seq + 1:
            yield self._paint(DIM, f"-- {event.seq - seq - 1} trades of {event.symbol} not seen")

    def _line(self, event: TradeEvent) -> str:
        time_of_day = event.timestamp.partition("T")[2].rstrip("Z").removesuffix("+00:00")
        side = self._paint(COLOURS[event.aggressor_side], f"{event.aggressor_side:<4}")
        return (
            f"{time_of_day:<15}  {event.symbol:<10}  {side}  {event.price:>14}  "
            f"{event.quantity:>16}  {event.seq:>9}"
        )

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{RESET}" if self._colour else text
