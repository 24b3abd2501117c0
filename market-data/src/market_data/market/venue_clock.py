"""The time of the venue in this process. Pure, except for the clock of the machine."""

import time
from collections.abc import Callable

from tapewire.values.timestamps import parse_timestamp


class VenueClock:
    """The venue's time: the time of the newest trade plus the time passed since.

    The venue's clock is the clock of Redis, in a replay the clock of the recording. Before the
    first trade the clock of this machine is used.
    """

    def __init__(
        self,
        elapsed_ns: Callable[[], int] = time.monotonic_ns,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`elapsed_ns` only ever grows; `now_ns` counts from 1970 UTC and is read once."""
        self._elapsed_ns = elapsed_ns
        self._heard_us = now_ns() // 1_000
        self._heard_at_ns = elapsed_ns()

    def hear(self, timestamp: str) -> None:
        """Set the clock to the time of a trade that just arrived. Raises ValueError."""
        self._heard_us = parse_timestamp(timestamp)
        self._heard_at_ns = self._elapsed_ns()

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return self._heard_us + (self._elapsed_ns() - self._heard_at_ns) // 1_000

    def now_s(self) -> int:
        """Whole seconds since 1970 UTC."""
        return self.now_us() // 1_000_000
