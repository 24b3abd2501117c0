"""Proof of life of the whole path: a message through Redis that only this process listens for.

Each round reads where the venue stands and then publishes. Redis delivers in order, so when the
canary comes back every trade up to those positions must have come too: what has not is missing,
even if no later trade ever shows the gap.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import RedisError

from market_data.feed.replay_log import ReplayLog
from market_data.feed.sequencer import Positions
from tapewire.redis.client import AsyncRedis

logger = logging.getLogger(__name__)

# Rounds that may be on their way: more than one only when Redis is slow.
ROUNDS_MAX = 8


class Canary:
    """Sends a round every interval; knows how long ago one came back."""

    def __init__(
        self,
        client: AsyncRedis,
        log: ReplayLog,
        channel: str,
        *,
        interval_s: float,
        timeout_s: float,
    ) -> None:
        """A round that takes longer than `timeout_s` is late: nothing is proven meanwhile."""
        self.timeout_s = timeout_s
        # The accounts of which the next round proves something.
        self.accounts: Callable[[], Sequence[str]] = tuple
        self.channel = channel
        self._client = client
        self._log = log
        self._interval_s = interval_s
        self._round = 0
        self._due = asyncio.Event()
        self._sent: dict[int, tuple[Positions, float]] = {}
        self._heard_at_s: float | None = None
        self._expected_since_s = time.monotonic()
        self.round_trip_s = 0.0

    async def run(self) -> None:
        """Send for ever; a round that Redis does not take is simply missing."""
        client: Any = self._client
        while True:
            try:
                positions = await self._log.positions(self.accounts())
                self._round += 1
                self._sent[self._round] = (positions, time.monotonic())
                while len(self._sent) > ROUNDS_MAX:
                    del self._sent[next(iter(self._sent))]
                await client.publish(self.channel, str(self._round))
            except (RedisError, OSError) as error:
                logger.debug("canary not sent: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._due.wait()
            self._due.clear()

    def send_soon(self) -> None:
        """Start a round now, because the subscription has just been made."""
        self._expected_since_s = time.monotonic()
        self._due.set()

    def heard(self, payload: bytes) -> Positions | None:
        """A message on the canary's channel; returns the positions that must be reached by now."""
        if not payload.isdigit():
            return None
        sent = self._sent.pop(int(payload), None)
        if sent is None:
            return None
        positions, sent_at_s = sent
        self._heard_at_s = time.monotonic()
        self.round_trip_s = self._heard_at_s - sent_at_s
        return positions

    @property
    def silence_s(self) -> float:
        """Seconds since a round came back; infinite if none ever did."""
        if self._heard_at_s is None:
            return float("inf")
        return time.monotonic() - self._heard_at_s

    @property
    def overdue_s(self) -> float:
        """Seconds without a round on the present subscription."""
        return min(self.silence_s, time.monotonic() - self._expected_since_s)
