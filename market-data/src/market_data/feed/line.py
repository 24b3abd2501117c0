"""A line of numbered messages between Redis and the clients, and the counters of all lines.

A missing message is read from its log before later messages go out. There are two lines: the trades
of every symbol, and the messages of the accounts that clients follow.
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
    """The counters of a feed since the process started; shown at `/metrics`."""

    trades: int = 0
    refilled: int = 0
    lost: int = 0
    garbage: int = 0
    reconnects: int = 0
    reports: int = 0
    account_messages_refilled: int = 0
    account_messages_lost: int = 0

    def skip(self, channel: str, reason: str) -> None:
        """Count and log a message that the feed does not publish."""
        self.garbage += 1
        logger.warning("skipped a message on %s: %s", channel, reason)


class Line(ABC, Generic[Message]):
    """Checks the numbers of one kind of messages and reads missing ones. Only the feed calls it."""

    def __init__(self, venue: ReplayLog) -> None:
        """Make a line that has no positions yet."""
        self.sequencer = Sequencer()
        self._venue = venue

    async def refill(self) -> None:
        """Read the log until no name is behind its target.

        Raises RedisError, OSError, and RedisUnavailable if the log has lost published messages.
        """
        sequencer = self.sequencer
        while sequencer.targets:
            name = next(iter(sequencer.targets))
            messages, log_ended = await self._read(name)
            # Compared after the read, so that no loss between the two goes unseen.
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
        """The message of a name that was published last, if it is still in memory."""

    @abstractmethod
    async def _read(self, name: str) -> tuple[Sequence[Message], bool]:
        """The next page of the log after the last delivered message, and whether the log ends."""

    @abstractmethod
    async def _correct(self, name: str) -> bool:
        """Read the venue's positions; returns whether the target of a name was wrong."""

    @abstractmethod
    def _lose(self, lost: Lost) -> None:
        """Send clients the range of messages that will not come."""

    @abstractmethod
    def _send_late(self, message: Message) -> None:
        """Send a message that was read from the log."""
