"""Detects missing and duplicate messages by their sequence numbers. Pure: no I/O and no waiting.

The trades of a symbol are numbered, and so are the messages of an account. A message is sent to
clients only if its number follows the last number sent under its name. A message with a later
number is dropped, and its number becomes the target of the name. The matching script logs and
publishes a message in the same step, so the log has every message up to the target.

    first == last + 1   deliver
    end   <= last       duplicate, drop
    anything else       behind: read the log from last + 1 until the target is reached
    another epoch       the venue's data began anew, or the message is forged: ask Redis
    another name        the name is new, or the message is forged: ask Redis
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar


class Numbered(Protocol):
    """A message with the numbers `first` to `last` of its name."""

    @property
    def epoch(self) -> str:
        """The epoch of the message."""

    @property
    def name(self) -> str:
        """The symbol or the account of the message."""

    @property
    def first(self) -> int:
        """The lowest number of the message."""

    @property
    def last(self) -> int:
        """The highest number of the message."""


Message = TypeVar("Message", bound=Numbered)


@dataclass(frozen=True, slots=True)
class AccountPosition:
    """The numbers of an account's newest execution report and newest change of balances."""

    seq: int
    balance_seq: int

    @property
    def number(self) -> int:
        """The sum of both numbers, which grows with every message of the account."""
        return self.seq + self.balance_seq


@dataclass(frozen=True, slots=True)
class Positions:
    """The venue's epoch, and the last seq and the last book seq of every symbol.

    A symbol whose instrument was delisted has a seq, and no book. `accounts` has the positions of
    the accounts that the caller named.
    """

    epoch: str
    seqs: Mapping[str, int]
    book_seqs: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[str, AccountPosition] = field(default_factory=dict)
    delisted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lost:
    """Messages `first` to `last` of a name, trimmed from the log before the feed read them."""

    name: str
    first: int
    last: int


class Verdict(Enum):
    """The decision about a message that arrived by subscription."""

    DELIVER = "deliver"
    DUPLICATE = "duplicate"
    BEHIND = "behind"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Sequencer:
    """The last number delivered under every name, and the target of every name that is behind.

    The numbers of a symbol that was delisted are kept, because they go on if it is listed again.
    """

    epoch: str = ""
    seqs: dict[str, int] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    delisted: frozenset[str] = frozenset()
    # The numbers after which symbols were listed again.
    bases: dict[str, int] = field(default_factory=dict)
    gaps: int = 0
    duplicates: int = 0

    @property
    def listed(self) -> Mapping[str, int]:
        """The last number delivered under every name that the venue lists now."""
        if not self.delisted:
            return self.seqs
        return {name: seq for name, seq in self.seqs.items() if name not in self.delisted}

    def start(self, positions: Positions) -> None:
        """Begin at the venue's positions; earlier messages are not delivered."""
        self.epoch, self.delisted, self.bases = positions.epoch, positions.delisted, {}
        self.seqs = dict(positions.seqs)
        self.targets = {}

    def restart(self, positions: Positions) -> None:
        """Begin a new epoch before its first message; the messages so far are still to be read."""
        self.start(Positions(positions.epoch, {}, delisted=positions.delisted))
        self.expect(positions)

    def expect(self, positions: Positions) -> bool:
        """Raise the targets to the venue's positions; False if those are of another epoch."""
        if positions.epoch != self.epoch:
            return False
        for name, seq in positions.seqs.items():
            if seq > self.seqs.setdefault(name, 0):
                self._fall_behind(name, seq)
        return True

    def note_delisted(self, delisted: frozenset[str]) -> None:
        """Take notice of the symbols that the venue does not list now."""
        for name in self.delisted - delisted:
            # A market without a listing has no trades, so this number is its last one.
            self.bases[name] = self.seqs.get(name, 0)
        self.delisted = delisted

    def rewind(self, seqs: Mapping[str, int]) -> None:
        """Go back to these numbers, because the venue lost the messages after them."""
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
        """Follow another name, from the messages after `seq` on."""
        self.seqs[name] = seq

    def reach(self, name: str, seq: int) -> None:
        """Raise the target of a name to `seq` at least."""
        if seq > self.seqs[name]:
            self._fall_behind(name, seq)

    def forget(self, name: str) -> None:
        """Stop following a name."""
        self.seqs.pop(name, None)
        self.targets.pop(name, None)

    def doubts(self, name: str, messages: Sequence[Numbered], *, log_ended: bool) -> bool:
        """Whether the caller has to read the venue's positions to understand an answer of the log.

        True if the answer is of another epoch, or ends before the target: the messages up to the
        target were lost, or never existed.
        """
        if messages and messages[-1].epoch != self.epoch:
            return True
        last = messages[-1].last if messages else self.seqs.get(name, 0)
        return log_ended and last < self.targets.get(name, 0)

    def correct(self, positions: Positions) -> bool:
        """Lower targets beyond the venue's positions; returns whether there were any."""
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
        """Take the messages of the log after the last delivered one; returns the messages to send.

        `log_ended` says that the log has no more messages, so the rest up to the target is lost.
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
