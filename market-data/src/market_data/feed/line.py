"""A line of numbered messages on its way to clients, and what the lines count.

A missing message is read from its log before the messages after it go out. There are two lines: the
trades of every symbol, and the messages of the accounts that clients follow.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from market_data.feed.replay_log import ReplayLog, Sent
from market_data.feed.sequencer import Lost, Message, Sequencer
from tapewire.errors import RedisUnavailable

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class FeedCounters:
    """What the feed of a process has seen since its start; shown at `/metrics`."""

    trades: int = 0
    refilled: int = 0
    lost: int = 0
    garbage: int = 0
    reconnects: int = 0
    reports: int = 0
    account_messages_refilled: int = 0
    account_messages_lost: int = 0

    def skip(self, channel: str, reason: str) -> None:
        """Count and log a message that no client gets."""
        self.garbage += 1
        logger.warning("skipped a message on %s: %s", channel, reason)


class Line(ABC, Generic[Message]):
    """Proves one kind of messages, and refills it from its log. Only the feed calls it."""

    def __init__(self, venue: ReplayLog) -> None:
        """Begin without positions."""
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
        """What the log has after the last delivered message, and whether the log ends there."""

    @abstractmethod
    async def _correct(self, name: str) -> bool:
        """Read the venue's positions; whether the target of a name was wrong."""

    @abstractmethod
    def _lose(self, lost: Lost) -> None:
        """Tell clients that these messages will not come."""

    @abstractmethod
    def _send_late(self, message: Message) -> None:
        """Send a message that was read from the log."""
