"""Work that is done piece by piece takes a bounded part of each turn of the event loop."""

import asyncio


class FairShare:
    """Lets others run after `units_max` units of work in one turn of the loop.

    All users of one object share the bound, so that a hundred small pieces of work that become due
    together do not add up to one long block.
    """

    def __init__(self, units_max: int) -> None:
        self._units_max = units_max
        self._taken = 0

    async def take(self, units: int) -> None:
        """Wait for a turn with room; the caller then does `units` of work without waiting."""
        # Each turn serves as many waiters as it has room for, so there is no event to wait for.
        while self._taken >= self._units_max:  # noqa: ASYNC110
            await asyncio.sleep(0)
        if not self._taken:
            asyncio.get_running_loop().call_soon(self._begin_turn)
        self._taken += units

    def _begin_turn(self) -> None:
        self._taken = 0
