"""What a gateway needs to be ready: Redis, the matching scripts, the instruments."""

from collections.abc import Mapping

from tapewire import keys
from tapewire.health import Health, RedisProbe
from tapewire.matching.engine import Engine
from tapewire.types import Instrument, Symbol

SERVICE = "order-gateway"


def watch_health(
    probe: RedisProbe, engine: Engine, instruments: Mapping[Symbol, Instrument]
) -> Health:
    """The gateway's answers to `/health` and `/readyz`."""

    async def check_instruments() -> None:
        """A Redis that came back without its data is told again; otherwise nothing is written."""
        known = await probe.ask("SMISMEMBER", keys.INSTRUMENTS, *instruments)
        if not all(known):
            await engine.publish_instruments(instruments)

    return Health(
        service=SERVICE,
        probe=probe,
        checks={"redis": probe.check, "matching": engine.ready, "instruments": check_instruments},
    )
