"""A line of numbered messages on its way to clients: what is missing is read before what follows.

There are two: the trades of every symbol, and what happens to the accounts that somebody follows.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic

from market_data.feed.replay_log import ReplayLog, Sent
from market_data.feed.sequencer import Lost, Message, Sequencer
from tapewire.errors import RedisUnavailable


class Line(ABC, Generic[Message]):
    """Proves one kind of messages, and refills it from its log. Only the feed drives it."""

    def __init__(self, venue: ReplayLog) -> None:
        """Nothing is known yet."""
        self.sequencer = Sequencer()
        self._venue = venue

    async def refill(self) -> None:
        """Read the log until nothing is behind.

        Raises RedisError, OSError, and RedisUnavailable if the log has lost what was published.
        """
        sequencer = self.sequencer
        while sequencer.targets:
            name = next(iter(sequencer.targets))
            messages, log_ended = await self._read(name)
            # After the read, so that no loss comes between: the log must go on from there.
            await self._check_newest(name)
            doubtful = sequencer.doubts(name, messages, log_ended=log_ended)
            if doubtful and await self._correct(name):
                continue
            for item in sequencer.refill(name, messages, log_ended=log_ended):
                if isinstance(item, Lost):
                    self._lose(item)
                elif item.epoch == sequencer.epoch:
                    self._send_late(item)

    async def _check_newest(self, name: str) -> None:
        newest = self.newest(name)
        if newest is None:
            return
        (payload,) = await self._venue.entries([newest])
        if payload is not None and not newest.is_same(payload):
            raise RedisUnavailable(f"the venue has lost messages of {name} that were published")

    @abstractmethod
    def newest(self, name: str) -> Sent | None:
        """The message of a name that was published last, if it is remembered."""

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
