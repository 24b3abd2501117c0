"""Proves that a client got every trade once and in order, and says what to ask for if not. Pure.

    seq == last + 1   a trade to hand out
    seq <= last       had it already, drop
    seq >  last + 1   something is missing: connect again and resume from `last`; if what follows
                      `last` is missing again it cannot be had, and that is a gap

A heartbeat ahead of what arrived is treated like a trade that comes too early, so that a loss at
the end of the stream is found too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from tapewire.client.errors import ContinuityError, EpochError, GapError
from tapewire.feed_messages import (
    EpochChanged,
    FeedErrorMessage,
    FeedMessage,
    Gap,
    Heartbeat,
    Subscribed,
    Trade,
    UnknownMessage,
)
from tapewire.messages import TradeEvent


@dataclass(frozen=True, slots=True)
class Position:
    """How far a client has got: keep it to go on from there, also in another process."""

    epoch: str | None = None
    seqs: Mapping[str, int] = field(default_factory=dict)


class Signal(Enum):
    """What a core wants of its connection."""

    RECONNECT = "reconnect"


Outcome: TypeAlias = TradeEvent | ContinuityError | Signal


class TradeTracker:
    """The position of one subscription to trades, over all its connections."""

    def __init__(self, symbols: Collection[str] = (), since: Position | None = None) -> None:
        """Follow these symbols, or all if there are none, from `since`, or from now."""
        start = since or Position()
        self._symbols = frozenset(symbols)
        # Empty until a service tells it, and at a venue that has never been open.
        self._epoch = start.epoch or ""
        self._seqs = {symbol: seq for symbol, seq in start.seqs.items() if self._wants(symbol)}
        # Whether any connection was answered, and whether the present one was.
        self._started = self._answered = False
        # Where a resume was asked for because something was missing: symbol to last seq.
        self._suspects: dict[str, int] = {}
        self.duplicates = 0

    @property
    def position(self) -> Position:
        """Everything up to here was handed out."""
        return Position(self._epoch or None, dict(self._seqs))

    def request(self) -> dict[str, object]:
        """The subscription to ask a new connection for."""
        self._answered = False
        body: dict[str, object] = {"op": "subscribe", "channels": ["trades"]}
        if self._symbols:
            body["symbols"] = sorted(self._symbols)
        if self._seqs:
            body["since"] = dict(self._seqs)
            if self._epoch:
                body["epoch"] = self._epoch
        return body

    def offer(self, message: FeedMessage | UnknownMessage) -> list[Outcome]:
        """Take the next message of the connection; returns what follows from it, in order."""
        match message:
            case Subscribed():
                self._answered = True
                return self._subscribed(message)
            case FeedErrorMessage(code="since_in_future"):
                return self._rewound()
        return self._take(message) if self._answered else []

    def _take(self, message: FeedMessage | UnknownMessage) -> list[Outcome]:
        match message:
            case Trade():
                return self._trade(message.data)
            case Heartbeat():
                return self._heartbeat(message)
            case Gap(channel="trades"):
                return self._gap(message)
            case EpochChanged():
                return self._epoch_changed(message)
        return []

    def _subscribed(self, answer: Subscribed) -> list[Outcome]:
        known = self._epoch
        self._epoch = answer.epoch
        if known and answer.epoch != known:
            self._started = True
            self._suspects.clear()
            # All of the new epoch is news.
            self._seqs = dict.fromkeys(answer.seq, 0)
            behind = [Signal.RECONNECT] if any(answer.seq.values()) else []
            return [EpochError(known, answer.epoch, "new"), *behind]
        gaps: list[Outcome] = []
        for symbol, missed in (answer.missed or {}).items():
            gaps += self._lose(symbol, missed.last)
        if not self._started:
            self._started = True
            self._seqs = dict(answer.seq) | self._seqs
            return gaps
        # A symbol that appeared while there was no connection is wanted from its first trade.
        new = [symbol for symbol in answer.seq if symbol not in self._seqs]
        self._seqs |= dict.fromkeys(new, 0)
        return gaps + ([Signal.RECONNECT] if any(answer.seq[symbol] for symbol in new) else [])

    def _trade(self, event: TradeEvent) -> list[Outcome]:
        if event.epoch != self._epoch:
            return [Signal.RECONNECT]
        symbol, seq = event.symbol, event.seq
        last = self._seqs.get(symbol, 0)
        if seq <= last:
            self.duplicates += 1
            return []
        missing = self._reach(symbol, seq - 1) if seq > last + 1 else []
        if Signal.RECONNECT in missing:
            return missing
        self._seqs[symbol] = seq
        self._suspects.pop(symbol, None)
        return [*missing, event]

    def _heartbeat(self, message: Heartbeat) -> list[Outcome]:
        if message.epoch != self._epoch:
            return [Signal.RECONNECT]
        outcomes: list[Outcome] = []
        for symbol, seq in message.seq.items():
            if seq > self._seqs.setdefault(symbol, 0):
                outcomes += self._reach(symbol, seq)
        # Whoever reads them stops at the first signal.
        return sorted(outcomes, key=lambda outcome: isinstance(outcome, Signal))

    def _reach(self, symbol: str, seq: int) -> list[Outcome]:
        """Everything up to `seq` should have been here."""
        last = self._seqs.get(symbol, 0)
        if self._suspects.get(symbol) == last:
            return self._lose(symbol, seq)
        self._seqs[symbol] = self._suspects[symbol] = last
        return [Signal.RECONNECT]

    def _lose(self, symbol: str, seq: int) -> list[Outcome]:
        """Give up what is missing up to `seq`."""
        last = self._seqs.get(symbol, 0)
        self._suspects.pop(symbol, None)
        if seq <= last:
            return []
        self._seqs[symbol] = seq
        return [GapError(symbol, last + 1, seq)]

    def _gap(self, message: Gap) -> list[Outcome]:
        last = self._seqs.get(message.symbol, 0)
        before = self._reach(message.symbol, message.first - 1) if message.first > last + 1 else []
        if Signal.RECONNECT in before:
            return before
        return before + self._lose(message.symbol, message.last)

    def _epoch_changed(self, message: EpochChanged) -> list[Outcome]:
        old = self._epoch
        if message.reason == "new" and message.epoch == old:
            return []
        self._epoch = message.epoch
        self._suspects.clear()
        self._seqs = {symbol: seq for symbol, seq in message.seq.items() if self._wants(symbol)}
        return [EpochError(old, message.epoch, message.reason)] if old else []

    def _rewound(self) -> list[Outcome]:
        """The service has not got what this client has: it lost it, and starts from where it is."""
        epoch = self._epoch
        self._seqs = {}
        self._suspects.clear()
        self._started = False
        return [EpochError(epoch, epoch, "rewound"), Signal.RECONNECT]

    def _wants(self, symbol: str) -> bool:
        return not self._symbols or symbol in self._symbols
