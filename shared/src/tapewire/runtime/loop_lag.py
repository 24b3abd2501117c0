"""How late the event loop of a process runs its timers: a blocked loop delays every client."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

SAMPLE_INTERVAL_S = 0.05
"""A block of the loop that is shorter than this may fall between two samples."""

BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class LoopLag(Collector):
    """Counts the delays of a timer by size; run it as a supervised task."""

    def __init__(self, *, interval_s: float = SAMPLE_INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    async def run(self) -> None:
        """Take a sample every interval, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + self._interval_s
            await asyncio.sleep(self._interval_s)
            self.observe(max(0.0, loop.time() - due_s))

    def observe(self, delay_s: float) -> None:
        """Count one delay."""
        self._counts[bisect_left(BOUNDS_S, delay_s)] += 1
        self._sum_s += delay_s

    def collect(self) -> Iterator[Metric]:
        """The delays so far as a histogram."""
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound_s, count in zip((*BOUNDS_S, float("inf")), self._counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound_s == float("inf") else str(bound_s), total))
        yield HistogramMetricFamily(
            "tapewire_event_loop_lag_seconds",
            "Delays of a timer of the event loop",
            buckets=buckets,
            sum_value=self._sum_s,
        )
