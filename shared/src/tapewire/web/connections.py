"""Which connections a process keeps when clients open too many. Pure.

An address (`client_network`) may have a part of all connections, so that no address locks out the
others. When all places are taken, the connection that has been idle longest is closed; HTTP clients
expect that and open another. Without an idle connection a new one is refused, except for the paths
of an operator (OPERATOR_PATHS).
"""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tapewire.web.rate_limit import client_network

CONNECTIONS_MAX = 4_096
# Newcomers beyond the bound that are still answered; further ones are dropped unanswered.
CONNECTIONS_REFUSED_MAX = 256
OPERATOR_PATHS = frozenset({b"/health", b"/livez", b"/readyz", b"/metrics"})

Close = Callable[[], None]


class Connections(Collector):
    """Counts the open connections of a process and decides about newcomers."""

    def __init__(self) -> None:
        self.connections_max = CONNECTIONS_MAX
        self.address_max = CONNECTIONS_MAX
        self.total = 0
        self.refused = 0
        self._by_address: Counter[str | None] = Counter()
        # In the order in which they became idle.
        self._idle: dict[object, Close] = {}

    def bound(self, connections_max: int, address_max: int) -> None:
        """Set the bounds: of all connections, and of those of one address."""
        self.connections_max, self.address_max = connections_max, address_max

    def open(self, address: str | None) -> str | None:
        """Count a newcomer; returns why it may only ask for an operator's path, None if it may all.

        Makes room by closing the longest idle connection when all places are taken.
        """
        self.total += 1
        name = address and client_network(address)
        self._by_address[name] += 1
        if self._by_address[name] > self.address_max:
            reason = f"This address has {self.address_max} open connections, the most it may have."
        elif self.total > self.connections_max and not self._close_idle():
            reason = f"The process has {self.connections_max} open connections, its maximum."
        else:
            return None
        self.refused += 1
        return reason

    @property
    def is_flooded(self) -> bool:
        """Whether there are too many new connections to answer each of them."""
        return self.total > self.connections_max + CONNECTIONS_REFUSED_MAX

    def close(self, address: str | None) -> None:
        """Forget a connection that has ended."""
        self.total -= 1
        name = address and client_network(address)
        self._by_address[name] -= 1
        if not self._by_address[name]:
            del self._by_address[name]

    def rest(self, connection: object, close: Close) -> None:
        """Note that a connection waits for its next request; `close` ends it."""
        self._idle[connection] = close

    def wake(self, connection: object) -> None:
        """Note that a connection is used, or has ended."""
        self._idle.pop(connection, None)

    def _close_idle(self) -> bool:
        for connection, close in self._idle.items():
            del self._idle[connection]
            close()
            return True
        return False

    def collect(self) -> Iterator[Metric]:
        """Open and refused connections, for `/metrics`."""
        yield GaugeMetricFamily(
            "tapewire_connections", "Open connections, WebSockets included", value=self.total
        )
        yield CounterMetricFamily(
            "tapewire_refused_connections", "Connections refused at the limits", value=self.refused
        )
