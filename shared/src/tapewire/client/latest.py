"""Streams whose newest message replaces the earlier ones: quotes and candles. Pure."""

from collections.abc import Collection
from typing import TypeAlias

from tapewire.client.errors import ContinuityError
from tapewire.client.tracker import Signal
from tapewire.feed_messages import Bbo, FeedMessage, Quote, UnknownMessage

Outcome: TypeAlias = Quote | ContinuityError | Signal


class QuoteKeeper:
    """The newest quote of every symbol, each handed out once, also after a new connection."""

    def __init__(self, symbols: Collection[str] = ()) -> None:
        """Follow these symbols, or all."""
        self._symbols = frozenset(symbols)
        self.quotes: dict[str, Quote] = {}

    def request(self) -> dict[str, object]:
        """The subscription to ask a new connection for."""
        body: dict[str, object] = {"op": "subscribe", "channels": ["bbo"]}
        return body | ({"symbols": sorted(self._symbols)} if self._symbols else {})

    def offer(self, message: FeedMessage | UnknownMessage) -> list[Outcome]:
        """Take the next message of the connection; returns what follows from it."""
        if not isinstance(message, Bbo):
            return []
        quote = message.data
        known = self.quotes.get(quote.symbol)
        if known is not None and known.epoch == quote.epoch and quote.seq <= known.seq:
            return []
        self.quotes[quote.symbol] = quote
        return [quote]
