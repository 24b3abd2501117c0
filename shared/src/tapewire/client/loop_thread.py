"""An event loop in a thread, on which the sync clients run the async ones."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")

# A transport calls back once more after its socket was closed.
LAST_TURNS = 3


class LoopThread:
    """One loop in one daemon thread, which starts with the first call. Safe for several threads."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.closed = False

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Start a coroutine; coroutines start in the order of the calls.

        Raises RuntimeError after `close`.
        """
        with self._lock:
            if self.closed:
                work.close()
                raise RuntimeError("this client is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="tapewire-client", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine and wait for it. Ctrl-C while waiting ends the coroutine too."""
        future = self.start(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread. Safe to call twice."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
        if self._loop is not None and self._thread is not None:
            asyncio.run_coroutine_threadsafe(_finish(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


async def _finish() -> None:
    """End every other coroutine, and let the sockets that were closed leave the loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)
    await asyncio.get_running_loop().shutdown_asyncgens()
    for _ in range(LAST_TURNS):
        await asyncio.sleep(0)
