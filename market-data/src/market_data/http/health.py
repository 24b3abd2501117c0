"""What a market-data process needs to be ready: Redis, its subscription, a canary lately."""

from market_data.canary import Canary
from market_data.drain import Drain
from market_data.feed import Feed
from market_data.hub import Hub
from market_data.protocol import SERVICE
from tapewire.errors import TapewireError
from tapewire.health import Health, RedisProbe
from tapewire.supervision import Supervisor


def watch_health(
    probe: RedisProbe,
    *,
    supervisor: Supervisor,
    feed: Feed,
    canary: Canary,
    hub: Hub,
    drain: Drain,
    canary_timeout_s: float,
) -> Health:
    """The service's answers to `/health` and `/readyz`."""

    async def check_subscription() -> None:
        if not feed.subscribed:
            raise TapewireError("The subscription to Redis is being made anew.")

    async def check_canary() -> None:
        if canary.silence_s > canary_timeout_s:
            raise TapewireError(f"No canary came back through Redis for {canary_timeout_s:g} s.")

    async def check_tasks() -> None:
        for name, reason in supervisor.failures.items():
            raise TapewireError(f"Task {name} is not working: {reason}.")

    return Health(
        service=SERVICE,
        probe=probe,
        checks={
            "redis": probe.check,
            "subscription": check_subscription,
            "canary": check_canary,
            "tasks": check_tasks,
            "drain": drain.check,
        },
        details=lambda: {"active_connections": len(hub.sessions)},
    )
