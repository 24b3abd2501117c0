"""The bound on the bytes of all slow clients of a process: the slowest are closed first."""

import asyncio
import logging

from market_data.fanout.audience import Audience

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0


class MemoryBudget:
    """Watches the bytes of all rings and backlogs; run it as a supervised task."""

    def __init__(self, audience: Audience, *, bytes_max: int) -> None:
        self._audience = audience
        self._bytes_max = bytes_max

    async def run(self) -> None:
        """Check until the task is cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            self.enforce()

    def enforce(self) -> int:
        """Close the clients that lag most until the rest fits; returns how many."""
        closed = 0
        while self._audience.used_bytes() > self._bytes_max and self._audience.give_up_slowest():
            closed += 1
        if closed:
            logger.warning("closed %d slow clients: the feed was over its memory budget", closed)
        return closed
