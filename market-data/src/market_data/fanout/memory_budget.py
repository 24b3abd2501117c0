"""The bound on what slow clients may cost a process in sum: the slowest are closed first."""

import asyncio
import logging

from market_data.fanout.hub import Hub
from market_data.fanout.lag import LagPolicy

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0


class MemoryBudget:
    """Watches the bytes of all rings and backlogs; run it as a supervised task."""

    def __init__(self, hub: Hub, *, bytes_max: int) -> None:
        self._hub = hub
        self._bytes_max = bytes_max

    def used_bytes(self) -> int:
        """Bytes that wait for clients now; frames in several rings count once for each."""
        return sum(
            group.ring.size_bytes + sum(session.backlog_bytes for session in group.behind)
            for group in self._hub.groups
        )

    async def run(self) -> None:
        """Check for ever."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            self.enforce()

    def enforce(self) -> int:
        """Close the clients that lag most until the rest fits; returns how many."""
        closed = 0
        while self.used_bytes() > self._bytes_max:
            behind = [session for group in self._hub.groups for session in group.behind]
            if not behind:
                break
            slowest = max(behind, key=lambda session: (session.lag, session.backlog_bytes))
            # Whatever the client asked for: there is no memory left to be patient with it.
            slowest.policy = LagPolicy.DISCONNECT
            group = slowest.group
            self._hub.apply_lag_policy(slowest)
            group.trim()
            closed += 1
        if closed:
            logger.warning("closed %d slow clients: the feed was over its memory budget", closed)
        return closed
