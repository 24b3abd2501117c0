"""All clients of a process: one hub for each language that clients speak, one bound over all."""

from collections.abc import Sequence

from market_data.fanout.hub import Hub
from market_data.fanout.session import Session


class Audience:
    """The hubs of a process. Limits and metrics of a process count the clients of all hubs."""

    def __init__(self, *hubs: Hub, clients_max: int) -> None:
        self.hubs: Sequence[Hub] = hubs
        self._clients_max = clients_max

    @property
    def sessions(self) -> list[Session]:
        """Every connected client."""
        return [session for hub in self.hubs for session in hub.sessions]

    @property
    def clients(self) -> int:
        """The number of connected clients."""
        return sum(len(hub.sessions) for hub in self.hubs)

    @property
    def is_full(self) -> bool:
        """Whether the process has as many clients as it may."""
        return self.clients >= self._clients_max

    @property
    def groups(self) -> int:
        """The number of different subscriptions."""
        return sum(len(hub.subscriptions) for hub in self.hubs)

    @property
    def slow_disconnects(self) -> int:
        """The number of clients that were closed as too slow."""
        return sum(hub.terms.slow_disconnects for hub in self.hubs)

    def used_bytes(self) -> int:
        """Bytes that wait for all clients now."""
        return sum(hub.used_bytes() for hub in self.hubs)

    def give_up_slowest(self) -> bool:
        """Close the client that lags most, and drop its messages; False without such a client."""
        behind = [slowest for hub in self.hubs if (slowest := hub.slowest()) is not None]
        if not behind:
            return False
        slowest = max(behind, key=lambda found: found.lag)
        slowest.session.give_up()
        slowest.group.trim()
        return True

    def flush(self) -> None:
        """Write the published messages to every hub."""
        for hub in self.hubs:
            hub.flush()
