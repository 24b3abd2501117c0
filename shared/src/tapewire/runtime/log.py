"""The log of a process: one line a record, as text or as JSON, with a bound on repeated lines.

A client that sends garbage could otherwise write thousands of lines a second. The bound is per
place in the code that logs, because such places are few, whatever a message says.
"""

import json
import logging
import sys
import threading
import time
from dataclasses import dataclass
from typing import Literal, TextIO

LogFormat = Literal["text", "json"]

# Per place in the code: 20 lines in 10 s are enough to see a fault, and 4,000 bytes a second at
# 2,000 bytes a line. Debug lines have no bound, because debugging needs all lines.
LINES_PER_PLACE_MAX = 20
WINDOW_S = 10.0
MESSAGE_CHARACTERS_MAX = 8_192

_LEFT_OUT = "%d lines like this were left out in %.0f s"


@dataclass(slots=True)
class _Window:
    """Lines of one place since `began_s`; `example` is the last line that was left out."""

    began_s: float
    lines: int = 0
    left_out: int = 0
    example: logging.LogRecord | None = None


class LineBudget:
    """Decides which lines are written, and says how many were left out. Thread-safe."""

    def __init__(self, *, lines_max: int = LINES_PER_PLACE_MAX, window_s: float = WINDOW_S) -> None:
        self._lines_max = lines_max
        self._window_s = window_s
        self._windows: dict[tuple[str, int], _Window] = {}
        self._lock = threading.Lock()

    def admit(self, record: logging.LogRecord, now_s: float) -> list[logging.LogRecord]:
        """The lines to write now: sums of windows that are over, then `record` if it may."""
        with self._lock:
            lines = self._sums(now_s)
            if record.levelno < logging.INFO:
                return [*lines, record]
            place = (record.pathname, record.lineno)
            window = self._windows.setdefault(place, _Window(now_s))
            if window.lines < self._lines_max:
                window.lines += 1
                return [*lines, record]
            window.left_out += 1
            window.example = record
            return lines

    def rest(self, now_s: float) -> list[logging.LogRecord]:
        """The sums of all windows, for the end of the process."""
        with self._lock:
            return self._sums(now_s, all_windows=True)

    def _sums(self, now_s: float, *, all_windows: bool = False) -> list[logging.LogRecord]:
        over = [
            place
            for place, window in self._windows.items()
            if all_windows or now_s - window.began_s >= self._window_s
        ]
        windows = [self._windows.pop(place) for place in over]
        return [_sum_of(window, now_s) for window in windows if window.example is not None]


def _sum_of(window: _Window, now_s: float) -> logging.LogRecord:
    """A line in the name of the logger whose lines were left out."""
    example = window.example
    if example is None:
        raise ValueError("no line was left out")
    message = f"{_LEFT_OUT}: %s"
    arguments = (window.left_out, now_s - window.began_s, example.getMessage())
    return logging.LogRecord(
        example.name, example.levelno, example.pathname, example.lineno, message, arguments, None
    )


class Outage:
    """Logs why a background task waits: one line for each cause, until the task works again."""

    def __init__(self, logger: logging.Logger, sentence: str) -> None:
        """`sentence` says what does not happen meanwhile."""
        self._logger = logger
        self._sentence = sentence
        self._cause: str | None = None

    def note(self, error: Exception) -> None:
        """Log the cause, unless it is the last one that was logged."""
        cause = str(error)
        if cause != self._cause:
            # The line counts as one of the caller's place in the code.
            self._logger.warning("%s: %s", self._sentence, cause, stacklevel=2)
            self._cause = cause

    def end(self) -> None:
        """Note that the task works: the next cause is logged again."""
        self._cause = None


class BoundedHandler(logging.StreamHandler[TextIO]):
    """Writes the lines that the budget admits."""

    def __init__(self, stream: TextIO, budget: LineBudget) -> None:
        super().__init__(stream)
        self._budget = budget

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, and sums that are due before it."""
        for line in self._budget.admit(record, time.monotonic()):
            super().emit(line)

    def close(self) -> None:
        """Write the last summaries; logging calls this when the process ends."""
        for line in self._budget.rest(time.monotonic()):
            super().emit(line)
        super().close()


class _TextLine(logging.Formatter):
    """`time level service logger: message`, with a traceback folded into the same line."""

    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", " | ")[:MESSAGE_CHARACTERS_MAX]


class _JsonLine(logging.Formatter):
    """One JSON object: `time` (UTC), `level`, `service`, `logger`, `message`, `exception`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage()[:MESSAGE_CHARACTERS_MAX],
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[:MESSAGE_CHARACTERS_MAX]
        return json.dumps(line, ensure_ascii=False)


def configure_logging(level: str, service: str, log_format: LogFormat = "text") -> None:
    """Log everything at `level` and above in the name of `service`.

    Text goes to standard error and JSON to standard output, one line a record.
    """
    is_json = log_format == "json"
    handler = BoundedHandler(sys.stdout if is_json else sys.stderr, LineBudget())
    text = f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s"
    handler.setFormatter(_JsonLine(service) if is_json else _TextLine(text))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
