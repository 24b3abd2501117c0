"""Signals as wake-ups of one waiting loop, so that nothing is interrupted half done."""

import contextlib
import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While open, SIGINT, SIGTERM and SIGHUP are counted, and each ends a `wait` at once.

    The end of a child (SIGCHLD) ends a `wait` too. Main thread only.
    """

    def __init__(self) -> None:
        self.stops = 0
        self._reader, self._writer = -1, -1
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1

    def wait(self, timeout_s: float) -> None:
        """Sleep until a signal comes or `timeout_s` is over."""
        if timeout_s > 0 and select.select([self._reader], [], [], timeout_s)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._reader, 4096)

    def _count(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.stops += 1

    def _ignore(self, number: int, frame: FrameType | None) -> None:
        """SIGCHLD needs a handler, or Python writes nothing to the wake-up pipe."""

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            self._before[number] = signal.signal(number, self._count)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._ignore)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._reader)
        os.close(self._writer)
