"""An open-loop clock for generators: messages are due at fixed times, also for slow receivers."""

import asyncio
import time
from collections.abc import AsyncIterator


async def paced(rate: float) -> AsyncIterator[None]:
    """Yield `rate` times per second, catching up after a delay."""
    started_s, done = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - started_s) * rate)
        while done < due:
            done += 1
            yield
        await asyncio.sleep(max(0.0, started_s + (done + 1) / rate - time.monotonic()))
