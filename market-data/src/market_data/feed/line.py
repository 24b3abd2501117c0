"""A line of numbered messages on its way to clients: what is missing is read before what follows.

There are two: the trades of every symbol, and what happens to the accounts that somebody follows.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic

from market_data.feed.sequencer import Lost, Message, Sequencer


class Line(ABC, Generic[Message]):
    """Proves one kind of messages, and refills it from its log. Only the feed drives it."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.sequencer = Sequencer()

    async def refill(self) -> None:
        """Read the log until nothing is behind. Raises RedisError, OSError."""
        sequencer = self.sequencer
        while sequencer.targets:
            name = next(iter(sequencer.targets))
            messages, log_ended = await self._read(name)
            doubtful = sequencer.doubts(name, messages, log_ended=log_ended)
            if doubtful and await self._correct(name):
                continue
            for item in sequencer.refill(name, messages, log_ended=log_ended):
                if isinstance(item, Lost):
                    self._lose(item)
                elif item.epoch == sequencer.epoch:
                    self._send_late(item)

    @abstractmethod
    async def _read(self, name: str) -> tuple[Sequence[Message], bool]:
        """What the log has after the last one delivered, and whether it has no more."""

    @abstractmethod
    async def _correct(self, name: str) -> bool:
        """Ask the venue where it stands; whether that is not where a target said it was."""

    @abstractmethod
    def _lose(self, lost: Lost) -> None:
        """Tell that these will not come."""

    @abstractmethod
    def _send_late(self, message: Message) -> None:
        """Send what the log had."""
