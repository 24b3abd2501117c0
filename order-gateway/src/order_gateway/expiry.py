"""Background work of a gateway: due orders and timers end, fired stops that wait run.

Every gateway asks Redis a few times a second whether something is due by the venue clock; the
script does what is, exactly once, whoever asks first. So it happens as long as one gateway lives.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from tapewire.errors import MarketBroken, TapewireError, Unavailable
from tapewire.limits import ORDERS_PER_SWEEP_MAX
from tapewire.matching.engine import Engine

logger = logging.getLogger(__name__)

# Without a sweep for so long a gateway is not ready, whatever holds it up.
LATE_AFTER_S = 10.0


class Expiry:
    """A background task that sweeps; `check` says whether it still does."""

    def __init__(
        self, engine: Engine, *, interval_s: float, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._interval_s = interval_s
        self._clock_s = clock_s
        self._swept_at_s = clock_s()
        self.ended = 0

    async def run(self) -> None:
        """Sweep for ever. A Redis that is away is waited for; the redis check reports it."""
        is_away = False
        while True:
            try:
                await self.sweep()
            except MarketBroken as error:
                logger.error("an order could not be ended: %s", error)
            except Unavailable as error:
                if not is_away:
                    logger.warning("nothing expires until Redis answers again: %s", error)
                is_away = True
            else:
                is_away = False
            await asyncio.sleep(self._interval_s)

    async def sweep(self) -> int:
        """End all that is due now, some hundreds an atomic step; returns how many orders."""
        ended = 0
        while True:
            count = await self._engine.expire_due()
            ended += count
            self.ended += count
            if count < ORDERS_PER_SWEEP_MAX:
                await self._fire_stops()
                self._swept_at_s = self._clock_s()
                return ended

    async def _fire_stops(self) -> None:
        """Run one round of fired stops in each market where some wait for their turn."""
        for symbol in await self._engine.firing_symbols():
            with contextlib.suppress(MarketBroken):  # the other markets go on
                await self._engine.fire_stops(symbol)

    async def check(self) -> None:
        """Raises TapewireError when the last complete sweep is too long ago."""
        late_s = self._clock_s() - self._swept_at_s
        if late_s > LATE_AFTER_S + self._interval_s:
            raise TapewireError(f"nothing was looked at for expiry for {late_s:.0f} s")
