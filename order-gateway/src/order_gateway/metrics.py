"""The figures of a gateway process: counts and durations of operations and of Redis."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tapewire.matching.batcher import Batcher
from tapewire.runtime.histogram import Histogram

RATE_LIMITED = "rate_limited"


class Activity:
    """Counts the operations of all transports. Safe to share by all requests."""

    def __init__(self, operations: tuple[str, ...]) -> None:
        """`operations` are the names under which durations are counted."""
        self.durations_s: Mapping[str, Histogram] = {name: Histogram() for name in operations}
        self.refusals: Counter[str] = Counter()
        self.placed = 0
        self.amended = 0
        self.canceled = 0


class GatewayMetrics(Collector):
    """Reads the counts of a gateway at the moment of a scrape."""

    def __init__(
        self,
        activity: Activity,
        batcher: Batcher,
        *,
        expired: Callable[[], int],
        sockets: Callable[[], int],
        problems: Mapping[str, int],
    ) -> None:
        """Each scrape calls `expired` and `sockets`; `problems` counts answers over HTTP."""
        self._activity = activity
        self._batcher = batcher
        self._expired = expired
        self._sockets = sockets
        self._problems = problems

    def collect(self) -> Iterator[Metric]:
        """All present figures; docs/operations.md has the same table."""
        activity, batcher = self._activity, self._batcher
        refusals = Counter(self._problems) + activity.refusals
        yield _gauge("websocket_connections", "Open connections of WS /v1/ws", self._sockets())
        yield _gauge("redis_pending_commands", "Commands that wait for Redis", batcher.pending)
        yield _counter("orders_placed", "Orders that were placed", activity.placed)
        yield _counter("orders_amended", "Orders that were amended", activity.amended)
        yield _counter("orders_canceled", "Orders that clients canceled", activity.canceled)
        yield _counter("orders_expired", "Due orders ended and timers fired", self._expired())
        yield _counter(
            "rate_limited_requests", "Requests over the rate limits", refusals[RATE_LIMITED]
        )
        by_code = CounterMetricFamily(
            "tapewire_refusals", "Refused requests and batch items", labels=["code"]
        )
        for code, count in sorted(refusals.items()):
            by_code.add_metric([code], count)
        yield by_code
        requests = HistogramMetricFamily(
            "tapewire_request_seconds", "Durations of operations", labels=["operation"]
        )
        for operation, durations_s in activity.durations_s.items():
            requests.add_metric([operation], durations_s.buckets(), durations_s.total)
        yield requests
        yield _histogram(
            "redis_round_trip_seconds", "Durations of round trips to Redis", batcher.round_trip_s
        )
        yield _histogram(
            "redis_round_trip_commands", "Commands of each round trip", batcher.round_trip_commands
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tapewire_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"tapewire_{name}", text, value=value)


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(
        f"tapewire_{name}", text, buckets=histogram.buckets(), sum_value=histogram.total
    )
