"""Proves that no trade is missing. Pure: it reads nothing and waits for nothing.

A trade may be sent to clients only if its seq follows the last one sent of its symbol. Whatever
comes too early is dropped and remembered as a target: the matching script wrote it to the replay
log in the same step in which it published it, so the log has everything up to the target.

    seq == last + 1   deliver
    seq <= last       duplicate, drop
    seq >  last + 1   behind: read the log from last + 1 until the target is reached
    another epoch     the venue's data began anew, or the trade is not the venue's: Redis knows
    another symbol    it is new, or the trade is not the venue's: Redis knows
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tapewire.messages import TradeMessage


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the venue stands: its epoch, the last seq and the last book seq of every symbol."""

    epoch: str
    seqs: Mapping[str, int]
    book_seqs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lost:
    """Trades that left the replay log before they could be read: `first` to `last`."""

    symbol: str
    first: int
    last: int


class Verdict(Enum):
    """What is to be done with a trade that arrived by subscription."""

    DELIVER = "deliver"
    DUPLICATE = "duplicate"
    BEHIND = "behind"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Sequencer:
    """The last seq delivered of every symbol, and how far each is behind."""

    epoch: str = ""
    seqs: dict[str, int] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    gaps: int = 0
    duplicates: int = 0

    def start(self, positions: Positions) -> None:
        """Begin at the venue's positions: what came before is not delivered."""
        self.epoch = positions.epoch
        self.seqs = dict(positions.seqs)
        self.targets = {}

    def restart(self, positions: Positions) -> None:
        """Begin a new epoch at its first trade; all it has so far is behind."""
        self.start(Positions(positions.epoch, {}))
        self.expect(positions)

    def expect(self, positions: Positions) -> bool:
        """Learn how far the venue is at least; False if it is in another epoch."""
        if positions.epoch != self.epoch:
            return False
        for symbol, seq in positions.seqs.items():
            if seq > self.seqs.setdefault(symbol, 0):
                self._fall_behind(symbol, seq)
        return True

    def is_ahead_of(self, positions: Positions) -> bool:
        """Whether trades were delivered that the venue, read afterwards, does not have."""
        return any(seq < self.seqs.get(symbol, 0) for symbol, seq in positions.seqs.items())

    def offer(self, message: TradeMessage) -> Verdict:
        """Judge a trade that arrived by subscription; DELIVER also counts it as delivered."""
        event = message.event
        last = self.seqs.get(event.symbol)
        if event.epoch != self.epoch or last is None:
            return Verdict.UNKNOWN
        if event.seq == last + 1 and event.symbol not in self.targets:
            self.seqs[event.symbol] = event.seq
            return Verdict.DELIVER
        if event.seq <= last:
            self.duplicates += 1
            return Verdict.DUPLICATE
        self._fall_behind(event.symbol, event.seq)
        return Verdict.BEHIND

    def doubts(self, symbol: str, messages: list[TradeMessage], *, log_ended: bool) -> bool:
        """Whether only the venue's positions tell what this answer of the log means.

        It is of another epoch, or it ends before the target: lost, or never there.
        """
        if messages and messages[-1].event.epoch != self.epoch:
            return True
        last = messages[-1].event.seq if messages else self.seqs.get(symbol, 0)
        return log_ended and last < self.targets.get(symbol, 0)

    def correct(self, positions: Positions) -> bool:
        """Give up targets beyond the venue's positions: no such trades were made. True if any."""
        same = positions.epoch == self.epoch
        wrong = False
        for symbol, target in tuple(self.targets.items()):
            reachable = positions.seqs.get(symbol, 0) if same else 0
            if target > reachable:
                wrong = True
                self.targets[symbol] = reachable
                if reachable <= self.seqs.get(symbol, 0):
                    del self.targets[symbol]
        return wrong

    def refill(
        self, symbol: str, messages: list[TradeMessage], *, log_ended: bool
    ) -> list[TradeMessage | Lost]:
        """Take what the log holds after the last seq delivered; returns what to send, in order.

        `log_ended` says that the log holds no more: what the target still misses is lost.
        """
        sent: list[TradeMessage | Lost] = []
        last = self.seqs.get(symbol, 0)
        for message in messages:
            seq = message.event.seq
            if seq <= last:
                continue
            if seq > last + 1:
                sent.append(Lost(symbol, last + 1, seq - 1))
            sent.append(message)
            last = seq
        target = self.targets.get(symbol, 0)
        if log_ended and last < target:
            sent.append(Lost(symbol, last + 1, target))
            last = target
        self.seqs[symbol] = last
        if last >= target:
            self.targets.pop(symbol, None)
        return sent

    def _fall_behind(self, symbol: str, seq: int) -> None:
        if symbol not in self.targets:
            self.gaps += 1
        self.targets[symbol] = max(seq, self.targets.get(symbol, 0))
