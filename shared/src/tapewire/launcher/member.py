"""One part of the venue; restarted when it dies, a bounded number of times."""

import re
from collections import deque
from collections.abc import Callable
from typing import Protocol

from tapewire.errors import TapewireError

RESTARTS_MAX = 5
RESTART_WINDOW_S = 60.0
RESTART_DELAY_MIN_S = 0.25
RESTART_DELAY_MAX_S = 5.0

# The prefix of a log line: `2026-01-31 12:00:00,000 ERROR gateway some.logger: `.
_LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d [\d:.,]+ (?P<level>[A-Z]+) [\w-]+ [\w.]+: ")


class LaunchFailed(TapewireError):
    """A part of the venue cannot start, or keeps dying."""


class Part(Protocol):
    """The methods that a member calls on its process; ChildProcess and RedisServer have them."""

    @property
    def name(self) -> str:
        """The name for people."""

    @property
    def running(self) -> bool:
        """Whether the process is alive."""

    @property
    def ending(self) -> str:
        """The end of the process in words."""

    def launch(self) -> None:
        """Start the process and return at once."""

    def last_words(self) -> list[str]:
        """The last lines of the log."""


class RestartPolicy:
    """Decides when to restart a part: with growing delays, a bounded number of times per window."""

    def __init__(
        self, *, restarts_max: int = RESTARTS_MAX, window_s: float = RESTART_WINDOW_S
    ) -> None:
        self._restarts_max = restarts_max
        self._window_s = window_s
        self._restarts: deque[float] = deque()

    def delay_s(self, now_s: float) -> float | None:
        """Seconds to wait before the next start after a death at `now_s`; None to give up."""
        while self._restarts and now_s - self._restarts[0] > self._window_s:
            self._restarts.popleft()
        count = len(self._restarts)
        if count >= self._restarts_max:
            return None
        self._restarts.append(now_s)
        doubled: float = RESTART_DELAY_MIN_S * 2**count
        return min(doubled, RESTART_DELAY_MAX_S)


class Member:
    """Keeps one part alive."""

    def __init__(
        self,
        part: Part,
        policy: RestartPolicy | None = None,
        keeps_trying: Callable[[], bool] = lambda: False,
    ) -> None:
        """While `keeps_trying()` is true the part is never given up."""
        self.part = part
        self._keeps_trying = keeps_trying
        self._policy = policy or RestartPolicy()
        self._start_at_s: float | None = None

    def supervise(self, now_s: float) -> str | None:
        """Notice a death or do a restart that is due; returns a sentence if there is news.

        Raises LaunchFailed when it died too often.
        """
        if self._start_at_s is None:
            return None if self.part.running else self._plan_restart(now_s, self.part.ending)
        if now_s < self._start_at_s:
            return None
        self._start_at_s = None
        try:
            self.part.launch()
        except (TapewireError, OSError) as error:
            return self._plan_restart(now_s, str(error))
        return f"{self.part.name} was started again"

    def due_in_s(self, now_s: float, otherwise_s: float) -> float:
        """Seconds until `supervise` has something to do."""
        return otherwise_s if self._start_at_s is None else max(0.0, self._start_at_s - now_s)

    def _plan_restart(self, now_s: float, reason: str) -> str:
        name = self.part.name
        delay_s = self._policy.delay_s(now_s)
        if delay_s is None and self._keeps_trying():
            delay_s = RESTART_DELAY_MAX_S
        if delay_s is None:
            raise LaunchFailed(
                f"{name} died again and again ({reason}), so it is given up. "
                f"{sentence_of(self.part)}"
            )
        self._start_at_s = now_s + delay_s
        return f"{name} ended ({reason}); starting it again in {delay_s:g} s"


def sentence_of(part: Part) -> str:
    """The last sentence in the log of the part, for people."""
    lines = part.last_words()
    matches = [_LOG_PREFIX.match(line) for line in lines]
    errors = [
        line[match.end() :]
        for line, match in zip(lines, matches, strict=True)
        if match and match["level"] in {"ERROR", "CRITICAL"}
    ]
    plain = [line for line, match in zip(lines, matches, strict=True) if match is None]
    said = (plain or errors or lines or ["the log is empty"])[-1].removeprefix(f"{part.name}: ")
    said = said[:1].upper() + said[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."
