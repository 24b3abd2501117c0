"""Background tasks that cannot die unnoticed.

A supervised task that ends with an error is restarted after a delay; until it has run for a while
again the supervisor reports it as failing, which turns readiness red.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self

logger = logging.getLogger(__name__)

RESTART_DELAY_S = 0.5
WORKS_AFTER_S = 5.0
STOP_TIMEOUT_S = 5.0
CANCEL_INTERVAL_S = 0.1


class Supervisor:
    """Owns a service's background tasks: starts, restarts, reports and stops them."""

    def __init__(
        self, *, restart_delay_s: float = RESTART_DELAY_S, works_after_s: float = WORKS_AFTER_S
    ) -> None:
        self._restart_delay_s = restart_delay_s
        self._works_after_s = works_after_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, str] = {}
        self.restarts = 0

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run()` until the supervisor ends, under `name`; a return counts as a failure too."""
        self._tasks[name] = asyncio.create_task(self._supervise(name, run), name=name)

    @property
    def failures(self) -> dict[str, str]:
        """Task name -> why the task is not working now; empty when all tasks work."""
        return dict(self._failures)

    async def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            works = loop.call_later(self._works_after_s, self._failures.pop, name, None)
            try:
                await run()
                self._failures[name] = "ended"
            except Exception as error:
                self._failures[name] = f"{type(error).__name__}: {error}"
                logger.exception("task %s failed, restarting it", name)
            finally:
                works.cancel()
            self.restarts += 1
            await asyncio.sleep(self._restart_delay_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await cancel_all(self._tasks.values())


class Errands:
    """Short tasks on behalf of clients: kept until they end, and ended with their owner."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine, which handles its own errors; an error that escapes is logged."""
        task = asyncio.create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    async def close(self) -> None:
        """Cancel the tasks that are under way."""
        await cancel_all(self._tasks)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("a task for a client failed", exc_info=error)


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end, for at most `STOP_TIMEOUT_S`.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, which redis-py uses, swallows a
    cancellation that comes in the same turn as the result.
    """
    pending = set(tasks)
    attempts = round(STOP_TIMEOUT_S / CANCEL_INTERVAL_S)
    for _ in range(attempts):
        for task in pending:
            task.cancel()
        if not pending:
            return
        _, pending = await asyncio.wait(pending, timeout=CANCEL_INTERVAL_S)
    logger.error("tasks that did not stop: %s", ", ".join(task.get_name() for task in pending))
