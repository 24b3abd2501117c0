"""The sweep for what is due: complete, alive through faults, and red when it stands still."""

import asyncio
from typing import cast

import pytest

from order_gateway.expiry import LATE_AFTER_S, Expiry
from tapewire import keys
from tapewire.errors import RedisUnavailable, TapewireError
from tapewire.limits import ORDERS_PER_SWEEP_MAX
from tapewire.matching.engine import Engine
from tests.support.wait import wait_until


class SweptEngine:
    """Answers sweeps from a list: a number of orders, or an error."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.sweeps = 0

    async def expire_due(self) -> int:
        """The next answer; nothing is due when there is none left."""
        self.sweeps += 1
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def firing_symbols(self) -> list[str]:
        """No market has stops that wait for their turn."""
        return []

    @property
    def batcher(self) -> "SweptEngine":
        """Takes the look for markets in an auction."""
        return self

    async def submit(self, *command: str) -> list[bytes]:
        """No market is in an auction."""
        assert command == ("SMEMBERS", keys.AUCTIONS)
        return []


def expiry_of(engine: SweptEngine, clock_s: list[float]) -> Expiry:
    """An expiry that hardly waits, on a clock that the test sets."""
    return Expiry(cast("Engine", engine), interval_s=0.001, clock_s=lambda: clock_s[0])


async def test_a_full_sweep_is_followed_by_another_at_once() -> None:
    """Until one was not full: then all that was due is done."""
    engine = SweptEngine(ORDERS_PER_SWEEP_MAX, ORDERS_PER_SWEEP_MAX, 7)
    assert await expiry_of(engine, [0.0]).sweep() == 2 * ORDERS_PER_SWEEP_MAX + 7
    assert engine.sweeps == 3


async def test_it_outlives_a_redis_that_is_away() -> None:
    """The sweeps go on, and `check` reports the failure."""
    clock_s = [0.0]
    engine = SweptEngine(RedisUnavailable("gone"), RedisUnavailable("gone"))
    expiry = expiry_of(engine, clock_s)
    clock_s[0] = LATE_AFTER_S + 1
    with pytest.raises(TapewireError, match="11 s"):
        await expiry.check()
    task = asyncio.create_task(expiry.run())
    try:
        await wait_until(lambda: engine.sweeps > 2, "it sweeps again")
        await expiry.check()
    finally:
        task.cancel()


async def test_any_other_fault_ends_the_task_for_its_supervisor_to_see() -> None:
    """A bug is not waited for."""
    engine = SweptEngine(TapewireError("the matching script failed"))
    with pytest.raises(TapewireError, match="script failed"):
        await expiry_of(engine, [0.0]).run()
