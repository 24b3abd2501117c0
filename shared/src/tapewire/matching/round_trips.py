"""Commands on their way to Redis and back: batches in the order in which they were sent. No I/O."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from tapewire.errors import OutcomeUnknown, RedisUnavailable
from tapewire.matching.confirmation import Command
from tapewire.matching.loading import is_lost
from tapewire.redis.unwritable import REFUSALS, why_unwritable


class Pending(NamedTuple):
    """A command without a reply yet."""

    command: Command
    answer: asyncio.Future[Any]
    # Of a call: the function, and its keys; `command` has the arguments behind the load id.
    function: str = ""
    keys: Command = ()

    def resolve(self, reply: object) -> None:
        """Hand over a reply, unless the caller has gone away meanwhile."""
        if self.answer.done():
            return
        if isinstance(reply, Exception):
            self.answer.set_exception(reply)
        else:
            self.answer.set_result(reply)


class RoundTrip(NamedTuple):
    """A batch whose replies have come: the number of its commands, and how long it took."""

    commands: int
    took_s: float


class RoundTrips:
    """The batches that one connection has sent; replies come in the order of the commands."""

    def __init__(self) -> None:
        """Nothing is sent yet."""
        self.unanswered: deque[Pending] = deque()
        # Commands that Redis did not do because it lacks the library.
        self.lost: list[Pending] = []
        # Whether Redis did any command.
        self.is_progress = False
        # Of each batch: its commands, and the time at which it was sent.
        self._batches: deque[tuple[int, float]] = deque()
        # The replies that the oldest batch still waits for.
        self._left = 0

    def send(self, batch: Sequence[Pending], now_s: float) -> None:
        """A batch is sent now, in the time of the loop."""
        if not self._batches:
            self._left = len(batch)
        self.unanswered.extend(batch)
        self._batches.append((len(batch), now_s))

    @property
    def batches(self) -> int:
        """The number of batches without all of their replies."""
        return len(self._batches)

    @property
    def oldest_s(self) -> float:
        """The time at which the oldest of these batches was sent."""
        return self._batches[0][1]

    def take(self, reply: object) -> bool:
        """Give a reply to its command; whether it is the last reply of its batch.

        Redis refuses a call if it lacks the library, and all calls behind it. The reads
        between them have to be repeated with them, so that the order stays.
        """
        pending = self.unanswered.popleft()
        if is_lost(reply) or (self.lost and not pending.function):
            self.lost.append(pending)
        else:
            self.is_progress = True
            pending.resolve(reply)
        self._left -= 1
        return self._left == 0

    def end(self, now_s: float) -> RoundTrip:
        """The oldest batch has all of its replies."""
        commands, sent_s = self._batches.popleft()
        self._left = self._batches[0][0] if self._batches else 0
        return RoundTrip(commands, now_s - sent_s)


def failure(error: BaseException, *, sent: bool) -> Exception:
    """The exception of a command that was `sent`, or not, when its connection failed."""
    if sent:
        return OutcomeUnknown(
            "The answer of Redis was lost: the order may or may not have been done. "
            "Ask again with the same client_order_id to learn which."
        )
    if isinstance(error, REFUSALS):
        return refusal(error)
    return RedisUnavailable(f"Redis cannot be reached ({type(error).__name__}); nothing was done.")


def refusal(error: Exception) -> RedisUnavailable:
    """The exception of a command that Redis refuses because it takes no writes."""
    return RedisUnavailable(
        f"Redis takes no orders now: {why_unwritable(error)}. Nothing was done."
    )
