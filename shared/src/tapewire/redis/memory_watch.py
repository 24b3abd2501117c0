"""How much of its memory Redis has used: a figure for `/metrics`, and a warning before it is full.

A Redis that has used `maxmemory` refuses every order, because an evicted key would be a lost order.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import NoPermissionError, RedisError

from tapewire.redis.client import AsyncRedis

logger = logging.getLogger(__name__)

INTERVAL_S = 10.0
# Parts of maxmemory; each is warned of once, and again after the use has fallen below it.
WARNED_PARTS = (0.75, 0.85, 0.95)
# A closed order with its fill, history, journal entry and account log: docs/operations.md.
BYTES_PER_ORDER = 1_750


class MemoryWatch(Collector):
    """Reads `INFO memory` from time to time; run it as a supervised task."""

    def __init__(self, client: AsyncRedis, *, interval_s: float = INTERVAL_S) -> None:
        self._client = client
        self._interval_s = interval_s
        self._used_bytes = 0
        self._max_bytes = 0
        self._warned_part = 0.0

    async def run(self) -> None:
        """Check the memory every interval until the task is cancelled.

        Skip a Redis that is away.
        """
        while True:
            try:
                self.observe(await self._client.info("memory"))
            except NoPermissionError:
                logger.warning("the memory of Redis is not watched: its user may not call INFO")
                await asyncio.Event().wait()
            except (RedisError, OSError):
                pass
            await asyncio.sleep(self._interval_s)

    def observe(self, information: dict[str, Any]) -> None:
        """Keep the figures of Redis; logs a warning when a part of the memory is used up."""
        self._used_bytes = int(information["used_memory"])
        self._max_bytes = int(information.get("maxmemory", 0))
        used_part = self._used_bytes / self._max_bytes if self._max_bytes else 0.0
        passed = max((part for part in WARNED_PARTS if used_part >= part), default=0.0)
        if passed > self._warned_part:
            left = self._max_bytes - self._used_bytes
            logger.warning(
                "Redis has used %.0f %% of its memory (%d of %d MB), room for about %d orders; "
                "orders are refused when it is full: raise maxmemory",
                100 * used_part,
                self._used_bytes // 1_000_000,
                self._max_bytes // 1_000_000,
                max(0, left) // BYTES_PER_ORDER,
            )
        self._warned_part = passed

    def collect(self) -> Iterator[Metric]:
        """Used bytes, and their bound; 0 is no bound."""
        yield GaugeMetricFamily(
            "tapewire_redis_memory_bytes", "Bytes that Redis has used", value=self._used_bytes
        )
        yield GaugeMetricFamily(
            "tapewire_redis_memory_max_bytes",
            "Memory limit of Redis, 0 without a limit",
            value=self._max_bytes,
        )
