"""Commands that wait for their turn: an uncross that is not over and fired stops run first.

`fire_stops` runs as much of them as one command may. A gateway runs a few rounds for a command that
has to wait, and its background search runs one at a time, so that all of it is done soon.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from redis.exceptions import ResponseError

from tapewire.errors import StopsPending, UncrossPending, UnknownSymbol
from tapewire.limits import STOP_ROUNDS_MAX
from tapewire.matching.refusals import refuse
from tapewire.values.types import Symbol

_Answer = TypeVar("_Answer")


class WaitingWork(Protocol):
    """The methods of the engine that run waiting uncrosses and stops."""

    async def fire_stops(self, symbol: Symbol) -> bool:
        """Run one round in a market; whether work is left."""

    async def firing_symbols(self) -> list[Symbol]:
        """The markets with work that waits."""


async def behind_stops(
    work: WaitingWork, symbol: Symbol, attempt: Callable[[], Awaitable[_Answer]]
) -> _Answer:
    """Try a command; when fired stops have to run first, run them and try again.

    Raises StopsPending if stops still wait after STOP_ROUNDS_MAX rounds.
    """
    for _ in range(STOP_ROUNDS_MAX):
        try:
            return await attempt()
        except StopsPending:
            await work.fire_stops(symbol)
    return await attempt()


async def behind_uncross(work: WaitingWork, attempt: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Continue every uncross that is not over, then send a command again.

    Raises UncrossPending if an uncross is not over after STOP_ROUNDS_MAX rounds, and what
    `refuse` makes of another refusal of the command.
    """
    for left in reversed(range(STOP_ROUNDS_MAX)):
        for symbol in await work.firing_symbols():
            with suppress(UnknownSymbol):  # the instrument was delisted meanwhile
                await work.fire_stops(symbol)
        try:
            return await attempt()
        except ResponseError as error:
            with suppress(*() if left == 0 else (UncrossPending,)):
                refuse(str(error))
    raise AssertionError("the last round returns or raises")
