"""Supervised tasks: restarted when they fail, reported while they do, stopped for certain."""

import asyncio

import pytest

from tapewire.runtime.supervision import Supervisor
from tests.support.wait import wait_until


async def test_a_task_that_swallows_a_cancellation_is_stopped_all_the_same() -> None:
    """Before Python 3.12 a library may swallow one: the supervisor asks until the task ends."""
    swallowed, started, ended = 0, asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        nonlocal swallowed
        started.set()
        try:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    swallowed += 1
                    if swallowed == 3:
                        raise
        finally:
            ended.set()

    async with asyncio.timeout(3):
        async with Supervisor() as supervisor:
            supervisor.start("stubborn", stubborn)
            await wait_until(started.is_set, "the task runs")
    assert swallowed == 3
    assert ended.is_set()


async def test_a_task_that_fails_is_restarted_and_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The failure is named until the task has run for a while."""
    runs = 0

    async def fragile() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError("broken")
        await asyncio.Event().wait()

    async with Supervisor(restart_delay_s=0, works_after_s=0.2) as supervisor:
        supervisor.start("fragile", fragile)
        await wait_until(lambda: runs == 3, "the task was started again")
        assert supervisor.failures == {"fragile": "RuntimeError: broken"}
        await wait_until(lambda: not supervisor.failures, "the task works again")
        assert supervisor.restarts == 2
    assert "task fragile failed" in caplog.text
