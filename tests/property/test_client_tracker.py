"""A client's position against a model of everything that may happen between it and the venue.

The model knows which trades there were, which of them can no longer be had, and which were told
lost. What the tracker hands out must be every trade, once and in order, and a gap wherever and only
where the model says that trades cannot be had.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tapewire.client.errors import ContinuityError, EpochError, GapError
from tapewire.client.tracker import Signal, TradeTracker
from tests.support.feeds.samples import epoch_message, gap, heartbeat, read, subscribed, trade

SYMBOLS = ("A", "B")
symbols = st.sampled_from(SYMBOLS)


class TrackedVenue(RuleBasedStateMachine):
    """A venue, a connection that loses and repeats, and the tracker at its end."""

    def __init__(self) -> None:
        """Start with an answered connection to a venue without trades."""
        super().__init__()
        self.epoch = 1
        self.heads = dict.fromkeys(SYMBOLS, 0)
        # The first trade of each symbol that the replay log still has.
        self.kept_from = dict.fromkeys(SYMBOLS, 1)
        self.told_lost: set[tuple[int, str, int]] = set()
        self.trimmed: set[tuple[int, str, int]] = set()
        self.next = dict.fromkeys(SYMBOLS, 1)
        self.tracker = TradeTracker()
        self.epochs_seen = 1
        self.connected = True
        self.connect()

    # What may happen.

    @rule(symbol=symbols, count=st.integers(1, 3))
    def trade(self, symbol: str, count: int) -> None:
        """Trades happen; a connected client gets them."""
        for _ in range(count):
            self.heads[symbol] += 1
            self.deliver(trade(self.heads[symbol], symbol, self.name))

    @rule(symbol=symbols)
    def lose(self, symbol: str) -> None:
        """A trade happens that the connection loses."""
        self.heads[symbol] += 1

    @rule(symbol=symbols, back=st.integers(0, 4))
    def repeat(self, symbol: str, back: int) -> None:
        """A trade comes a second time."""
        seq = self.heads[symbol] - back
        if 1 <= seq < self.next[symbol]:
            self.deliver(trade(seq, symbol, self.name))

    @rule(symbol=symbols, count=st.integers(1, 3))
    def tell_lost(self, symbol: str, count: int) -> None:
        """A service that lags says which trades it will not send."""
        first = self.heads[symbol] + 1
        self.heads[symbol] += count
        last = self.heads[symbol]
        self.told_lost |= {(self.epoch, symbol, seq) for seq in range(first, last + 1)}
        self.deliver(gap(first, last, symbol))

    @rule()
    def cut(self) -> None:
        """The connection ends."""
        self.connected = False

    @rule()
    def restore(self) -> None:
        """The client connects again."""
        if not self.connected:
            self.connect()

    @rule(symbol=symbols, count=st.integers(1, 5))
    def trim(self, symbol: str, count: int) -> None:
        """The replay log forgets its oldest trades."""
        last = min(self.heads[symbol], self.kept_from[symbol] + count - 1)
        for seq in range(self.kept_from[symbol], last + 1):
            self.trimmed.add((self.epoch, symbol, seq))
        self.kept_from[symbol] = max(self.kept_from[symbol], last + 1)

    @rule()
    def beat(self) -> None:
        """A heartbeat."""
        self.deliver(heartbeat(dict(self.heads), self.name))

    @rule()
    def begin_anew(self) -> None:
        """The venue starts with an empty data set."""
        self.epoch += 1
        self.heads = dict.fromkeys(SYMBOLS, 0)
        self.kept_from = dict.fromkeys(SYMBOLS, 1)
        self.deliver(epoch_message(self.name, "new", dict(self.heads)))

    @rule(count=st.integers(1, 4))
    def rewind(self, count: int) -> None:
        """The venue loses its newest trades while the client is connected and has them all."""
        if not self.connected or self.next != {s: head + 1 for s, head in self.heads.items()}:
            return
        self.heads = {symbol: max(0, head - count) for symbol, head in self.heads.items()}
        for symbol, head in self.heads.items():
            self.kept_from[symbol] = min(self.kept_from[symbol], head + 1)
        self.trimmed = {item for item in self.trimmed if not self.is_rewound(item)}
        self.told_lost = {item for item in self.told_lost if not self.is_rewound(item)}
        self.deliver(epoch_message(self.name, "rewound", dict(self.heads)))

    def teardown(self) -> None:
        """In the end a heartbeat brings the client to where the venue is."""
        if not self.connected:
            self.connect()
        self.beat()
        assert self.next == {symbol: head + 1 for symbol, head in self.heads.items()}
        assert self.tracker.position.epoch == self.name
        assert dict(self.tracker.position.seqs) == self.heads

    # The connection.

    @property
    def name(self) -> str:
        return f"e{self.epoch}"

    def is_rewound(self, item: tuple[int, str, int]) -> bool:
        return item[0] == self.epoch and item[2] > self.heads[item[1]]

    def deliver(self, message: dict[str, Any]) -> None:
        """Give the client a message, if it has a connection, and do what it asks for."""
        if not self.connected:
            return
        for outcome in self.tracker.offer(read(message)):
            if outcome is Signal.RECONNECT:
                self.connect()
                return
            self.take(outcome)

    def connect(self) -> None:
        """Answer the client's request as the service does: what is missed, then the replay."""
        self.connected = True
        request = self.tracker.request()
        since: Any = request.get("since", {})
        if request.get("epoch", self.name) != self.name:
            self.deliver(subscribed(dict(self.heads), self.name, recovered=False))
            return
        missed = {
            symbol: {"from": seq + 1, "to": self.kept_from[symbol] - 1}
            for symbol, seq in since.items()
            if seq + 1 < self.kept_from[symbol]
        }
        more = {"missed": missed} if missed else {}
        self.deliver(subscribed(dict(self.heads), self.name, recovered=not missed, **more))
        for symbol, seq in since.items():
            for replayed in range(max(seq + 1, self.kept_from[symbol]), self.heads[symbol] + 1):
                self.deliver(trade(replayed, symbol, self.name))

    def take(self, outcome: object) -> None:
        """Judge what the client would hand out."""
        if isinstance(outcome, EpochError):
            if outcome.reason == "new":
                assert outcome.old != outcome.new == self.name
                self.next = dict.fromkeys(SYMBOLS, 1)
            else:
                self.next = {symbol: head + 1 for symbol, head in self.heads.items()}
        elif isinstance(outcome, GapError):
            symbol, first, last = outcome.range
            assert first == self.next[symbol]
            lost = {(self.epoch, symbol, seq) for seq in range(first, last + 1)}
            assert lost <= self.trimmed | self.told_lost
            self.next[symbol] = last + 1
        else:
            assert not isinstance(outcome, ContinuityError)
            event: Any = outcome
            assert (event.epoch, event.seq) == (self.name, self.next[event.symbol])
            self.next[event.symbol] += 1


TestTrackedVenue = TrackedVenue.TestCase
TestTrackedVenue.settings = settings(stateful_step_count=40)
