"""The delay of timers on the event loop of a process: a blocked loop delays every client."""

import asyncio
from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tapewire.runtime.histogram import DURATION_BOUNDS_S, Histogram

SAMPLE_INTERVAL_S = 0.05
"""A block of the loop that is shorter than this may fall between two samples."""


class LoopLag(Collector):
    """Counts the delays of a timer by size; run it as a supervised task."""

    def __init__(self, *, interval_s: float = SAMPLE_INTERVAL_S) -> None:
        self._interval_s = interval_s
        self.delays_s = Histogram(DURATION_BOUNDS_S)

    async def run(self) -> None:
        """Take a sample every interval until the task is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + self._interval_s
            await asyncio.sleep(self._interval_s)
            self.observe(max(0.0, loop.time() - due_s))

    def observe(self, delay_s: float) -> None:
        """Count one delay."""
        self.delays_s.observe(delay_s)

    def collect(self) -> Iterator[Metric]:
        """The delays so far as a histogram."""
        yield HistogramMetricFamily(
            "tapewire_event_loop_lag_seconds",
            "Delays of a timer of the event loop",
            buckets=self.delays_s.buckets(),
            sum_value=self.delays_s.total,
        )
