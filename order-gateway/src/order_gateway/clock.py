"""Notices that the clock of Redis jumps, and has commands refused until the clock is right.

The clock of Redis is the clock of the venue. Each command names the time by a clock of this machine
that no time service sets, and is refused if the clock of Redis is more than `CLOCK_JUMP_S_MAX` from
that time. Therefore nothing is written with a wrong time. The clock may become right by itself, or
an operator declares it right (`tapewire clock set-right`).
"""

import asyncio
import logging
import time
from collections.abc import Callable

from tapewire.errors import TapewireError, Unavailable
from tapewire.limits import CLOCK_JUMP_US_MAX
from tapewire.matching.queries import Queries

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0
MICROSECONDS = 1_000_000
# Counts on while the machine sleeps, where the system has such a clock. The clock of Redis does.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_us() -> int:
    """Microseconds of a clock that nothing sets; its start has no meaning."""
    return time.clock_gettime_ns(_STEADY) // 1_000


class ClockWatch:
    """Compares the clock of Redis with a steady one; run it as a supervised task."""

    def __init__(self, queries: Queries, *, steady_us: Callable[[], int] = steady_us) -> None:
        self._queries = queries
        self._steady_us = steady_us
        # The clock of Redis less the steady clock, at the last time when the clock was right.
        self._offset_us: int | None = None
        # Microseconds by which the clock of Redis is off; 0 while it is right.
        self.jump_us = 0

    def expected(self) -> str:
        """The time near which a command accepts the clock of Redis, as the engine takes it."""
        if self._offset_us is None:
            # The clock of Redis is never near 1970: the start has not found a right clock.
            return "~0"
        return f"~{self._steady_us() + self._offset_us}"

    async def start(self) -> None:
        """Accept the present clock, unless the venue has later times. Raises Unavailable."""
        newest_us = await self._queries.newest_time_us()
        time_us = await self._queries.time_us()
        if newest_us - time_us > CLOCK_JUMP_US_MAX:
            await self._found_wrong(time_us, time_us - newest_us)
        else:
            self._offset_us = time_us - self._steady_us()

    async def run(self) -> None:
        """Compare until the task is cancelled; while Redis is away, retry."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.look()
            except Unavailable as error:
                logger.debug("the clock of Redis is not known: %s", error)

    async def look(self) -> None:
        """Compare once. Raises Unavailable."""
        time_us = await self._queries.time_us()
        expected_us = None if self._offset_us is None else self._steady_us() + self._offset_us
        if expected_us is None:
            expected_us = time_us - self.jump_us
        jump_us = time_us - expected_us
        if abs(jump_us) > CLOCK_JUMP_US_MAX:
            await self._found_wrong(time_us, jump_us)
            return
        if self.jump_us:
            logger.warning("the clock of Redis is right again")
        # Time services shift a clock slowly. Such a shift is no jump.
        self._offset_us, self.jump_us = time_us - self._steady_us(), 0

    async def check(self) -> None:
        """Raises TapewireError while the clock of Redis is off."""
        if self.jump_us:
            raise TapewireError(_sentence(self.jump_us))

    async def _found_wrong(self, time_us: int, jump_us: int) -> None:
        accepted_us = await self._queries.accepted_clock_us()
        if accepted_us is not None and abs(time_us - accepted_us) <= CLOCK_JUMP_US_MAX:
            logger.warning("an operator says that the clock of Redis is right: going on with it")
            self._offset_us, self.jump_us = time_us - self._steady_us(), 0
            return
        if not self.jump_us:
            logger.error("%s", _sentence(jump_us))
        self.jump_us = jump_us


def _sentence(jump_us: int) -> str:
    seconds, way = abs(jump_us) / MICROSECONDS, "ahead of" if jump_us > 0 else "behind"
    return (
        f"the clock of Redis is {seconds:.0f} s {way} the right time, so "
        "that no command runs; have its time service correct the clock, or "
        "if the clock is right: tapewire clock set-right"
    )
