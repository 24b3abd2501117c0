"""Background tasks of a gateway log an outage of Redis once, however often they try."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from order_gateway.binance import user_streams
from order_gateway.binance.user_streams import UserStreams
from order_gateway.contest import books, contest, rounds
from order_gateway.contest.books import Books
from order_gateway.contest.contest import Contest
from order_gateway.contest.rounds import Rounds
from order_gateway.expiry import Expiry
from tapewire.errors import RedisUnavailable
from tests.support.wait import wait_until

TRIES = 5
# Of each task: its class, the step that asks Redis, and where its interval is.
TASKS: dict[str, tuple[Any, str, Any, str]] = {
    "rounds": (Rounds, "advance", rounds, "INTERVAL_S"),
    "leaderboards": (Contest, "keep_board", contest, "BOARD_INTERVAL_S"),
    "folds": (Books, "_names", books, "INTERVAL_S"),
    "expiry": (Expiry, "sweep", Expiry, "_interval_s"),
    "user-streams": (UserStreams, "_check_epoch", user_streams, "RETRY_S"),
}


def failing(tries: list[None]) -> Callable[..., Awaitable[None]]:
    """A step that does not reach Redis, and counts its calls."""

    async def step(*_: Any) -> None:
        tries.append(None)
        raise RedisUnavailable("Redis does not answer.")

    return step


@pytest.mark.parametrize("task", TASKS)
async def test_an_outage_is_one_line_of_a_task(
    task: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However often the task tries."""
    owner, step, place, interval = TASKS[task]
    tries: list[None] = []
    monkeypatch.setattr(owner, step, failing(tries))
    monkeypatch.setattr(place, interval, 0, raising=False)
    worker = owner.__new__(owner)
    if task == "user-streams":
        worker._wanted = asyncio.Event()
        worker._wanted.set()
    running = asyncio.create_task(worker.run())
    try:
        await wait_until(lambda: len(tries) >= TRIES, "the task has tried again")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len(caplog.messages) == 1, caplog.messages
    assert "Redis does not answer." in caplog.messages[0]
