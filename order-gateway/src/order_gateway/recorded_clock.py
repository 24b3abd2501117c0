"""The venue clock of a gateway that takes the time of each command from the request.

A replay of a recorded market (`TAPEWIRE_CLOCK=recorded`) sends `clock_us` with every request, so
that orders, trades and candles have the recorded times. A command without a time has the newest
time that was heard.
"""

from tapewire.errors import Conflict, InvalidField
from tapewire.matching.engine import Engine

# Each market then keeps the time of its own last command.
NOT_STARTED = "0"

_CHANGING = frozenset(
    {
        "place",
        "replace",
        "amend",
        "cancel",
        "cancel_all",
        "cancel_all_after",
        "batch",
        "place_list",
        "cancel_list",
    }
)


class RecordedClock:
    """Sets the clock of an engine; the clock never runs backwards."""

    def __init__(self, engine: Engine) -> None:
        """Take the clock of Redis away from `engine`."""
        self._engine = engine
        engine.clock_us = NOT_STARTED
        self.newest_us: int | None = None

    def hear(self, clock_us: int) -> None:
        """Take the time of the command that is submitted next."""
        if self.newest_us is None or clock_us > self.newest_us:
            self.newest_us = clock_us
            self._engine.clock_us = str(clock_us)

    def check_started(self, operation: str) -> None:
        """Refuse a change of orders before the first time. Raises Conflict."""
        if self.newest_us is None and operation in _CHANGING:
            raise Conflict(
                "clock_not_started",
                "The venue runs on recorded time, and no request has brought a time yet.",
            )


def refuse_clock() -> None:
    """A request brings a time to a venue with a clock of its own. Raises InvalidField."""
    raise InvalidField(
        "clock_us",
        "clock_forbidden",
        "The venue runs on its own clock; recorded times need `tapewire up --clock recorded`.",
    )
