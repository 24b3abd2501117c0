"""Proves that nothing is missing. Pure: it reads nothing and waits for nothing.

The trades of a symbol are numbered, and so is what happens to an account. A message may be sent to
clients only if it follows the last one sent under its name. Whatever comes too early is dropped
and remembered as a target: the matching script wrote it to a log in the same step in which it
published it, so the log has everything up to the target.

    first == last + 1   deliver
    end   <= last       duplicate, drop
    anything else       behind: read the log from last + 1 until the target is reached
    another epoch       the venue's data began anew, or the message is not its own: Redis knows
    another name        it is new, or the message is not the venue's: Redis knows
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar


class Numbered(Protocol):
    """A message that proves its place: the numbers `first` to `last` of what `name` calls."""

    @property
    def epoch(self) -> str:
        """The life of the venue's data that it belongs to."""

    @property
    def name(self) -> str:
        """A symbol or an account."""

    @property
    def first(self) -> int:
        """Its lowest number."""

    @property
    def last(self) -> int:
        """Its highest number."""


Message = TypeVar("Message", bound=Numbered)


@dataclass(frozen=True, slots=True)
class AccountPosition:
    """The numbers of an account's newest execution report and newest change of balances."""

    seq: int
    balance_seq: int

    @property
    def number(self) -> int:
        """Both counted together: it grows with every message of the account."""
        return self.seq + self.balance_seq


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the venue stands: its epoch, the last seq and the last book seq of every symbol.

    `accounts` has those that were asked for.
    """

    epoch: str
    seqs: Mapping[str, int]
    book_seqs: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[str, AccountPosition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lost:
    """What left the log before it could be read: `first` to `last`."""

    name: str
    first: int
    last: int


class Verdict(Enum):
    """What is to be done with a message that arrived by subscription."""

    DELIVER = "deliver"
    DUPLICATE = "duplicate"
    BEHIND = "behind"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Sequencer:
    """The last number delivered under every name, and how far each is behind."""

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
        """Begin a new epoch at its first message; all it has so far is behind."""
        self.start(Positions(positions.epoch, {}))
        self.expect(positions)

    def expect(self, positions: Positions) -> bool:
        """Learn how far the venue is at least; False if it is in another epoch."""
        if positions.epoch != self.epoch:
            return False
        for name, seq in positions.seqs.items():
            if seq > self.seqs.setdefault(name, 0):
                self._fall_behind(name, seq)
        return True

    def rewind(self, seqs: Mapping[str, int]) -> None:
        """Go back to these numbers: what was delivered after them is not the venue's."""
        for name, seq in seqs.items():
            self.seqs[name] = seq
            self.targets.pop(name, None)

    def offer(self, message: Numbered) -> Verdict:
        """Judge a message that arrived by subscription; DELIVER also counts it as delivered."""
        name = message.name
        last = self.seqs.get(name)
        if message.epoch != self.epoch or last is None:
            return Verdict.UNKNOWN
        if message.first == last + 1 and name not in self.targets:
            self.seqs[name] = message.last
            return Verdict.DELIVER
        if message.last <= last:
            self.duplicates += 1
            return Verdict.DUPLICATE
        self._fall_behind(name, message.last)
        return Verdict.BEHIND

    def begin(self, name: str, seq: int) -> None:
        """Follow another name from here on."""
        self.seqs[name] = seq

    def reach(self, name: str, seq: int) -> None:
        """Learn that a name is at least there."""
        if seq > self.seqs[name]:
            self._fall_behind(name, seq)

    def forget(self, name: str) -> None:
        """Follow a name no longer."""
        self.seqs.pop(name, None)
        self.targets.pop(name, None)

    def doubts(self, name: str, messages: Sequence[Numbered], *, log_ended: bool) -> bool:
        """Whether only the venue's positions tell what this answer of the log means.

        It is of another epoch, or it ends before the target: lost, or never there.
        """
        if messages and messages[-1].epoch != self.epoch:
            return True
        last = messages[-1].last if messages else self.seqs.get(name, 0)
        return log_ended and last < self.targets.get(name, 0)

    def correct(self, positions: Positions) -> bool:
        """Give up targets beyond the venue's positions: no such messages were. True if any."""
        same = positions.epoch == self.epoch
        wrong = False
        for name, target in tuple(self.targets.items()):
            reachable = positions.seqs.get(name, 0) if same else 0
            if target > reachable:
                wrong = True
                self.targets[name] = reachable
                if reachable <= self.seqs.get(name, 0):
                    del self.targets[name]
        return wrong

    def refill(
        self, name: str, messages: Sequence[Message], *, log_ended: bool
    ) -> list[Message | Lost]:
        """Take what the log holds after the last one delivered; returns what to send, in order.

        `log_ended` says that the log holds no more: what the target still misses is lost.
        """
        sent: list[Message | Lost] = []
        last = self.seqs.get(name, 0)
        for message in messages:
            if message.last <= last:
                continue
            if message.first > last + 1:
                sent.append(Lost(name, last + 1, message.first - 1))
            sent.append(message)
            last = message.last
        target = self.targets.get(name, 0)
        if log_ended and last < target:
            sent.append(Lost(name, last + 1, target))
            last = target
        self.seqs[name] = last
        if last >= target:
            self.targets.pop(name, None)
        return sent

    def _fall_behind(self, name: str, seq: int) -> None:
        if name not in self.targets:
            self.gaps += 1
        self.targets[name] = max(seq, self.targets.get(name, 0))
