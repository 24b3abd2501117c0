"""What the feed of a process has seen since it started."""

import logging
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class FeedCounters:
    """Shown at `/metrics`."""

    trades: int = 0
    refilled: int = 0
    lost: int = 0
    garbage: int = 0
    reconnects: int = 0
    reports: int = 0
    account_messages_refilled: int = 0
    account_messages_lost: int = 0

    def skip(self, channel: str, reason: str) -> None:
        """Count and log a message that nobody is told of."""
        self.garbage += 1
        logger.warning("skipped a message on %s: %s", channel, reason)
