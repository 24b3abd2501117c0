"""Background work of a gateway: due orders end, fired stops run, auctions publish their price.

Every gateway asks Redis several times a second for due work by the venue clock. The library does
due work exactly once, whichever gateway asks first. One living gateway is enough.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from tapewire.errors import MarketBroken, TapewireError, Unavailable, UnknownSymbol
from tapewire.limits import ORDERS_PER_SWEEP_MAX
from tapewire.matching.auctions import indicate_all
from tapewire.matching.engine import Engine
from tapewire.runtime.log import Outage

logger = logging.getLogger(__name__)

# A gateway without a complete sweep for this time is not ready.
LATE_AFTER_S = 10.0


class Expiry:
    """A background task that sweeps; `check` fails if it has stopped."""

    def __init__(
        self, engine: Engine, *, interval_s: float, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._interval_s = interval_s
        self._clock_s = clock_s
        self._swept_at_s = clock_s()
        self.ended = 0

    async def run(self) -> None:
        """Sweep until the task is cancelled.

        A Redis that is away is retried; the redis check reports it.
        """
        outage = Outage(logger, "nothing expires until Redis answers again")
        while True:
            try:
                await self.sweep()
                outage.end()
            except MarketBroken as error:
                logger.error("an order could not be ended: %s", error)
            except Unavailable as error:
                outage.note(error)
            await asyncio.sleep(self._interval_s)

    async def sweep(self) -> int:
        """End all due orders and timers in bounded steps; return the number of orders."""
        ended = 0
        while True:
            count = await self._engine.expire_due()
            ended += count
            self.ended += count
            if count < ORDERS_PER_SWEEP_MAX:
                await self._fire_stops()
                await indicate_all(self._engine)
                self._swept_at_s = self._clock_s()
                return ended

    async def _fire_stops(self) -> None:
        """Run one round in each market where an uncross or fired stops wait for their turn."""
        for symbol in await self._engine.firing_symbols():
            with contextlib.suppress(MarketBroken, UnknownSymbol):  # the other markets go on
                await self._engine.fire_stops(symbol)

    async def check(self) -> None:
        """Raise TapewireError when the last complete sweep is too long ago."""
        late_s = self._clock_s() - self._swept_at_s
        if late_s > LATE_AFTER_S + self._interval_s:
            raise TapewireError(f"no search for expired orders for {late_s:.0f} s")
