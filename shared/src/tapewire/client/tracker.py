"""Proves that a client got every item once and in order, or finds the missing items. Pure.

`TradeTracker` tracks the trades of symbols, `ReportTracker` the execution reports of an account.

    seq == last + 1   hand the item out
    seq <= last       drop a duplicate
    seq >  last + 1   connect again and resume from `last`; if the items behind `last` are missing
                      again, report a gap

A heartbeat with a higher seq counts like an item that comes too early, so that a loss at the end of
the stream is found too.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from tapewire.client.errors import ContinuityError, EpochError, GapError
from tapewire.wire.account_feed import OrderReport
from tapewire.wire.feed_messages import (
    EpochChanged,
    FeedErrorMessage,
    FeedMessage,
    Gap,
    Heartbeat,
    Market,
    Subscribed,
    Trade,
    UnknownMessage,
)
from tapewire.wire.trade_event import TradeEvent


@dataclass(frozen=True, slots=True)
class Position:
    """The last item of each sequence that a client got; another process can continue there."""

    epoch: str | None = None
    seqs: Mapping[str, int] = field(default_factory=dict)


class Signal(Enum):
    """A request of a core to its stream."""

    RECONNECT = "reconnect"


Item = TypeVar("Item")

Outcome: TypeAlias = Item | ContinuityError | Signal

ORDERS = "orders"


class Numbered(NamedTuple, Generic[Item]):
    """An item, and the name of its sequence."""

    name: str
    seq: int
    epoch: str
    item: Item


class Selection:
    """The symbols that a subscription names; without any it is about all symbols.

    Symbols that were delisted are left out of new requests until they are listed again, because a
    request that names one is refused as a whole.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._delisted: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Whether the subscription is about a symbol."""
        return not self._names or name in self._names

    def take(self, message: FeedMessage | UnknownMessage) -> None:
        """Note that an instrument was delisted or listed again, if a message says so."""
        if isinstance(message, Market) and message.data.change == "delisted":
            self._delisted.add(message.data.symbol)
        elif isinstance(message, Market) and message.data.change == "added":
            self._delisted.discard(message.data.symbol)

    def requested(self) -> frozenset[str]:
        """The symbols to name in a request. If all were delisted, all: the refusal says so."""
        return self._names - self._delisted or self._names

    def members(self) -> dict[str, object]:
        """The member of a request that names the symbols."""
        names = self.requested()
        return {"symbols": sorted(names)} if names else {}


class Tracker(ABC, Generic[Item]):
    """The position of one subscription, over all its connections."""

    channel: str

    def __init__(self, names: Collection[str], since: Position | None) -> None:
        """Follow these names, or all names if there are none, from `since` or from now."""
        start = since or Position()
        self._selection = Selection(names)
        # Empty before the first answer, and at a venue that has never traded.
        self._epoch = start.epoch or ""
        self._seqs = {name: seq for name, seq in start.seqs.items() if self._wants(name)}
        # Whether any subscription was answered, and whether one of the present connection was.
        self._started = self._answered = False
        # Sequences that were resumed because items were missing: name to last seq.
        self._suspects: dict[str, int] = {}
        self.duplicates = 0

    @abstractmethod
    def _read(self, message: FeedMessage | UnknownMessage) -> Numbered[Item] | None:
        """The item of a message; None for messages of other channels."""

    @abstractmethod
    def _name_of(self, gap: Gap) -> str:
        """The name of the sequence that has the gap."""

    @property
    def position(self) -> Position:
        """The position: all items up to it were handed out."""
        return Position(self._epoch or None, dict(self._seqs))

    def request(self) -> dict[str, object]:
        """The subscription for a new connection."""
        self._answered = False
        body: dict[str, object] = {"op": "subscribe", "channels": [self.channel]}
        body |= self._chosen()
        names = self._selection.requested()
        since = {name: seq for name, seq in self._seqs.items() if not names or name in names}
        if since:
            body["since"] = since
            if self._epoch:
                body["epoch"] = self._epoch
        return body

    def _chosen(self) -> dict[str, object]:
        """Members of the subscription that choose symbols."""
        return {}

    def offer(self, message: FeedMessage | UnknownMessage) -> list[Outcome[Item]]:
        """Take the next message of the connection; returns items, errors and signals in order."""
        self._selection.take(message)
        match message:
            case Subscribed():
                self._answered = True
                return self._subscribed(message)
            case FeedErrorMessage(code="since_in_future"):
                return self._rewound()
        return self._take(message) if self._answered else []

    def _take(self, message: FeedMessage | UnknownMessage) -> list[Outcome[Item]]:
        numbered = self._read(message)
        if numbered is not None:
            return self._take_item(numbered)
        match message:
            case Heartbeat():
                return self._heartbeat(message)
            case Gap(channel=self.channel):
                return self._gap(message)
            case EpochChanged():
                return self._epoch_changed(message)
        return []

    def _subscribed(self, answer: Subscribed) -> list[Outcome[Item]]:
        known = self._epoch
        self._epoch = answer.epoch
        if known and answer.epoch != known:
            self._started = True
            self._suspects.clear()
            # Every item of the new epoch is wanted.
            self._seqs = dict.fromkeys(answer.seq, 0)
            behind = [Signal.RECONNECT] if any(answer.seq.values()) else []
            return [EpochError(known, answer.epoch, "new"), *behind]
        gaps: list[Outcome[Item]] = []
        for symbol, missed in (answer.missed or {}).items():
            gaps += self._lose(symbol, missed.last)
        if not self._started:
            self._started = True
            self._seqs = dict(answer.seq) | self._seqs
            return gaps
        # A symbol that is new since the last connection is wanted from its first trade.
        new = [symbol for symbol in answer.seq if symbol not in self._seqs]
        self._seqs |= dict.fromkeys(new, 0)
        return gaps + ([Signal.RECONNECT] if any(answer.seq[symbol] for symbol in new) else [])

    def _take_item(self, numbered: Numbered[Item]) -> list[Outcome[Item]]:
        name, seq, epoch, item = numbered
        if epoch != self._epoch:
            return [Signal.RECONNECT]
        last = self._seqs.get(name, 0)
        if seq <= last:
            self.duplicates += 1
            return []
        missing = self._reach(name, seq - 1) if seq > last + 1 else []
        if Signal.RECONNECT in missing:
            return missing
        self._seqs[name] = seq
        self._suspects.pop(name, None)
        return [*missing, item]

    def _heartbeat(self, message: Heartbeat) -> list[Outcome[Item]]:
        if message.epoch != self._epoch:
            return [Signal.RECONNECT]
        outcomes: list[Outcome[Item]] = []
        for symbol, seq in message.seq.items():
            if seq > self._seqs.setdefault(symbol, 0):
                outcomes += self._reach(symbol, seq)
        # The stream reads outcomes up to the first signal.
        return sorted(outcomes, key=lambda outcome: isinstance(outcome, Signal))

    def _reach(self, symbol: str, seq: int) -> list[Outcome[Item]]:
        """Items up to `seq` are missing: resume, or report a gap after a resume."""
        last = self._seqs.get(symbol, 0)
        if self._suspects.get(symbol) == last:
            return self._lose(symbol, seq)
        self._seqs[symbol] = self._suspects[symbol] = last
        return [Signal.RECONNECT]

    def _lose(self, symbol: str, seq: int) -> list[Outcome[Item]]:
        """Report the items up to `seq` as a gap."""
        last = self._seqs.get(symbol, 0)
        self._suspects.pop(symbol, None)
        if seq <= last:
            return []
        self._seqs[symbol] = seq
        return [GapError(symbol, last + 1, seq)]

    def _gap(self, message: Gap) -> list[Outcome[Item]]:
        name = self._name_of(message)
        last = self._seqs.get(name, 0)
        before = self._reach(name, message.first - 1) if message.first > last + 1 else []
        if Signal.RECONNECT in before:
            return before
        return before + self._lose(name, message.last)

    def _epoch_changed(self, message: EpochChanged) -> list[Outcome[Item]]:
        old = self._epoch
        if message.reason == "new" and message.epoch == old:
            return []
        self._epoch = message.epoch
        self._suspects.clear()
        self._seqs = {symbol: seq for symbol, seq in message.seq.items() if self._wants(symbol)}
        return [EpochError(old, message.epoch, message.reason)] if old else []

    def _rewound(self) -> list[Outcome[Item]]:
        """The service has lost items that this client has; start from the service's newest item."""
        epoch = self._epoch
        self._seqs = {}
        self._suspects.clear()
        self._started = False
        return [EpochError(epoch, epoch, "rewound"), Signal.RECONNECT]

    def _wants(self, name: str) -> bool:
        return name in self._selection


class TradeTracker(Tracker[TradeEvent]):
    """The trades of some symbols, or of all."""

    channel = "trades"

    def __init__(self, symbols: Collection[str] = (), since: Position | None = None) -> None:
        """Follow these symbols, or all symbols if there are none, from `since` or from now."""
        super().__init__(symbols, since)

    def _chosen(self) -> dict[str, object]:
        return self._selection.members()

    def _read(self, message: FeedMessage | UnknownMessage) -> Numbered[TradeEvent] | None:
        if not isinstance(message, Trade):
            return None
        event = message.data
        return Numbered(event.symbol, event.seq, event.epoch, event)

    def _name_of(self, gap: Gap) -> str:
        return gap.symbol


class ReportTracker(Tracker[OrderReport]):
    """The execution reports of the account for which the connection speaks."""

    channel = ORDERS

    def __init__(self, since: Position | None = None) -> None:
        """Follow the account from `since`, or from now."""
        super().__init__((ORDERS,), since)

    def _read(self, message: FeedMessage | UnknownMessage) -> Numbered[OrderReport] | None:
        if not isinstance(message, OrderReport):
            return None
        return Numbered(ORDERS, message.seq, message.epoch, message)

    def _name_of(self, gap: Gap) -> str:  # noqa: ARG002 (an account has one sequence)
        return ORDERS
