"""Proof of life of the whole path: a message through Redis that only this process subscribes to.

Each round reads the positions of the venue and then publishes a canary. Redis delivers in order.
When the canary arrives, every trade up to those positions must have arrived too. Otherwise a trade
is missing, even if no later trade shows the gap.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import RedisError

from market_data.feed.poller import Poller
from market_data.feed.replay_log import ReplayLog
from market_data.feed.witness import Look
from tapewire.errors import RedisUnavailable
from tapewire.redis.client import AsyncRedis

logger = logging.getLogger(__name__)

# Rounds under way at once. There is more than one only when Redis is slow.
ROUNDS_MAX = 8
# Timeouts without a canary after which a subscription that still delivers is given up.
TIMEOUTS_MAX = 6
# Interval between two searches for the primary while a round is late.
SEARCH_INTERVAL_S = 1.0


class Canary:
    """Sends a round every interval, and knows when the last round came back."""

    def __init__(
        self,
        client: AsyncRedis,
        log: ReplayLog,
        channel: str,
        *,
        interval_s: float,
        timeout_s: float,
    ) -> None:
        """`interval_s` between two rounds; a round that takes longer than `timeout_s` is late."""
        self.timeout_s = timeout_s
        # Reads the positions of the venue. The feed compares them with what it has published.
        self.look: Callable[[], Awaitable[Look]] = self._look
        self.channel = channel
        self._client = client
        self._log = log
        self._interval_s = interval_s
        self._round = 0
        self._due = asyncio.Event()
        self._sent: dict[int, tuple[Look, float]] = {}
        self._heard_at_s: float | None = None
        self._expected_since_s = time.monotonic()
        self._searched_at_s = 0.0
        self._is_search_due = False
        self.round_trip_s = 0.0
        # Rounds that came back.
        self.rounds = 0

    async def run(self) -> None:
        """Send rounds until the task is cancelled; skip a round that Redis does not take."""
        client: Any = self._client
        while True:
            try:
                look = await self.look()
                self._round += 1
                self._sent[self._round] = (look, time.monotonic())
                while len(self._sent) > ROUNDS_MAX:
                    del self._sent[next(iter(self._sent))]
                await client.publish(self.channel, str(self._round))
            except (RedisError, OSError) as error:
                logger.debug("canary not sent: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._due.wait()
            self._due.clear()

    def search_soon(self) -> None:
        """Let the next check search for the primary, because a failover was announced."""
        self._is_search_due = True

    async def _look(self) -> Look:
        return Look(await self._log.positions())

    async def check(self, poller: Poller) -> None:
        """Raise RedisUnavailable if the subscription cannot be trusted any more.

        A late round and an announced failover are reasons to search for the primary. A frozen
        server keeps the connection open and sends nothing. A replaced server may still send
        messages that are no longer the venue's. A slow link sends bytes.
        """
        overdue_s, now_s = self.overdue_s, time.monotonic()
        if overdue_s > self.timeout_s:
            if poller.silence_s > self.timeout_s or overdue_s > TIMEOUTS_MAX * self.timeout_s:
                raise RedisUnavailable(f"no canary came back for {overdue_s:.1f} s")
            self._is_search_due |= now_s - self._searched_at_s > SEARCH_INTERVAL_S
        if self._is_search_due:
            self._is_search_due, self._searched_at_s = False, now_s
            with contextlib.suppress(RedisError, OSError):
                if await poller.is_elsewhere():
                    raise RedisUnavailable("another server is the primary now")

    def send_soon(self) -> None:
        """Start a round at once, because the subscription is new."""
        self._expected_since_s = time.monotonic()
        self._due.set()

    def hurry(self) -> None:
        """Start a round at once, because a client asks for data newer than this process has."""
        self._due.set()

    def heard(self, payload: bytes) -> Look | None:
        """Take a message of the canary's channel; return the positions that are reached.

        None if the message is no round of this canary.
        """
        if not payload.isdigit():
            return None
        sent = self._sent.pop(int(payload), None)
        if sent is None:
            return None
        look, sent_at_s = sent
        self.rounds += 1
        self._heard_at_s = time.monotonic()
        self.round_trip_s = self._heard_at_s - sent_at_s
        return look

    @property
    def silence_s(self) -> float:
        """Seconds since the last round came back; infinite before the first one."""
        if self._heard_at_s is None:
            return float("inf")
        return time.monotonic() - self._heard_at_s

    @property
    def overdue_s(self) -> float:
        """Seconds without a round on the present subscription."""
        return min(self.silence_s, time.monotonic() - self._expected_since_s)
