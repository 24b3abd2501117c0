"""Requests to authenticate that wait for Redis."""

import asyncio
import contextlib
from collections.abc import Callable

from market_data.clients.authentication import Authenticator, Login
from market_data.clients.protocol import Request
from market_data.errors import RequestError
from tapewire.errors import Unavailable

Proven = Callable[[Login | RequestError], None]


class Logins:
    """One task for each of them; a client has at most one."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, request: Request, proven: Proven) -> None:
        """Find out who sends a request; `proven` is told, later."""
        task = asyncio.create_task(self._prove(request, proven))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End those that are under way."""
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _prove(self, request: Request, proven: Proven) -> None:
        outcome: Login | RequestError
        try:
            outcome = await self._authenticator.read_request(request)
        except RequestError as error:
            outcome = error
        except Unavailable as error:
            outcome = RequestError("unavailable", str(error))
        proven(outcome)
