"""The conditions of a ready market-data process: Redis, its subscription, a recent canary."""

from market_data.clients.drain import Drain
from market_data.fanout.audience import Audience
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.settings import SERVICE
from tapewire.errors import TapewireError
from tapewire.runtime.supervision import Supervisor
from tapewire.web.health import Health, RedisProbe


def watch_health(
    probe: RedisProbe,
    *,
    supervisor: Supervisor,
    feed: Feed,
    canary: Canary,
    audience: Audience,
    drain: Drain,
    canary_timeout_s: float,
) -> Health:
    """The service's answers to `/health` and `/readyz`."""

    async def check_subscription() -> None:
        if not feed.subscribed:
            raise TapewireError("The process is subscribing to Redis again.")

    async def check_venue() -> None:
        if not feed.has_venue:
            raise TapewireError("Redis holds no venue: its data is gone, or no gateway was there.")

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
            "venue": check_venue,
            "canary": check_canary,
            "tasks": check_tasks,
            "drain": drain.check,
        },
        details=lambda: {"active_connections": audience.clients},
    )
