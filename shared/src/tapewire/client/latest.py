"""Streams whose newest message replaces the earlier ones: quotes and candles. Pure."""

from collections.abc import Collection
from typing import TypeAlias

from tapewire.client.errors import ContinuityError
from tapewire.client.tracker import Selection, Signal
from tapewire.wire.feed_messages import Bbo, Candle, CandleState, FeedMessage, Quote, UnknownMessage

Latest: TypeAlias = Quote | CandleState


class LatestKeeper:
    """The newest state of every topic of one channel; each state is handed out once.

    The first state of a new connection is dropped if it equals the last state of the old one.
    """

    def __init__(self, channel: str, symbols: Collection[str] = ()) -> None:
        """Follow `bbo` or `candles:<interval>` of these symbols, or of all."""
        self._channel = channel
        self._selection = Selection(symbols)
        self._known: dict[str, Latest] = {}

    def request(self) -> dict[str, object]:
        """The subscription for a new connection."""
        body: dict[str, object] = {"op": "subscribe", "channels": [self._channel]}
        return body | self._selection.members()

    def offer(
        self, message: FeedMessage | UnknownMessage
    ) -> list[Latest | ContinuityError | Signal]:
        """Take the next message of the connection; returns the new state, if any."""
        self._selection.take(message)
        if not isinstance(message, Bbo | Candle):
            return []
        state = message.data
        if self._known.get(state.symbol) == state:
            return []
        self._known[state.symbol] = state
        return [state]
