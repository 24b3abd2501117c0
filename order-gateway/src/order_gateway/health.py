"""The conditions of a ready gateway: Redis, the matching library, the instruments, its tasks."""

from order_gateway.catalogue import Catalogue
from order_gateway.clock import ClockWatch
from order_gateway.expiry import Expiry
from tapewire.errors import TapewireError
from tapewire.matching.engine import Engine
from tapewire.runtime.supervision import Supervisor
from tapewire.web.health import Check, Health, RedisProbe

SERVICE = "order-gateway"


def watch_health(
    probe: RedisProbe,
    engine: Engine,
    catalogue: Catalogue,
    expiry: Expiry,
    clock: ClockWatch,
    *,
    tasks: Supervisor,
    drain: Check,
) -> Health:
    """The gateway's answers to `/health` and `/readyz`."""

    async def check_tasks() -> None:
        failures = tasks.failures
        if failures:
            raise TapewireError("; ".join(f"{name}: {why}" for name, why in failures.items()))
        await expiry.check()

    return Health(
        service=SERVICE,
        probe=probe,
        checks={
            "redis": probe.check,
            "matching": engine.ready,
            # Publishes the instruments to a Redis without data; otherwise this writes nothing.
            "instruments": catalogue.restore,
            "clock": clock.check,
            "tasks": check_tasks,
            "drain": drain,
        },
        warnings={"markets": catalogue.check_markets},
    )
