"""Waits for conditions, each with a deadline and a description for the failure.

No other module of the tests sleeps.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator

POLL_INTERVAL_S = 0.01
# A long wait asks less often: after a tenth of the time that has passed, at most after this.
POLL_INTERVAL_MAX_S = 0.1
# Far beyond what an idle machine needs: a deadline says that something never happens.
TIMEOUT_S = 30.0
BACK_OFF_S = 0.05
LOAD_PAUSE_S = 0.03
LIFETIMES_S = (1, 4, 16)


def moments_us() -> Iterator[int]:
    """Moments for something that must be done before it is over: soon, then later and later.

    A slow machine may need more than the second that is enough elsewhere. Microseconds since 1970.
    """
    for seconds in LIFETIMES_S:
        yield time.time_ns() // 1_000 + seconds * 1_000_000


async def back_off() -> None:
    """Pause of a client between two tries."""
    await asyncio.sleep(BACK_OFF_S)


async def leave_processor(pause_s: float = LOAD_PAUSE_S) -> None:
    """Pause of a load between two steps: the services that it is for need the processor too."""
    await asyncio.sleep(pause_s)


async def wait_until(
    predicate: Callable[[], object | Awaitable[object]],
    description: str,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Wait until `predicate()`, plain or awaitable, is true. Raises AssertionError if late."""
    start_s = time.monotonic()
    while True:
        answer = predicate()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return
        await asyncio.sleep(_pause_s(start_s, timeout_s, description))


def wait_for(
    predicate: Callable[[], object], description: str, timeout_s: float = TIMEOUT_S
) -> None:
    """Wait until `predicate()` is true, in a test that is not async. Raises AssertionError."""
    start_s = time.monotonic()
    while not predicate():
        time.sleep(_pause_s(start_s, timeout_s, description))


def _pause_s(start_s: float, timeout_s: float, description: str) -> float:
    """How long a wait that began at `start_s` pauses now. Raises AssertionError if it is late."""
    waited_s = time.monotonic() - start_s
    if waited_s > timeout_s:
        raise AssertionError(f"not within {timeout_s:g} s: {description}")
    return min(max(POLL_INTERVAL_S, waited_s / 10), POLL_INTERVAL_MAX_S)
