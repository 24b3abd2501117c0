"""Ends the connections whose key was revoked or expired, within KEY_RECHECK_S and a round trip.

While Redis is away no key can be revoked and nothing private happens, so connections stay open. A
key that expires needs no Redis to end its connections.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from tapewire.api_keys.text import Identity, Permission
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.errors import AuthenticationFailed, PermissionDenied, Refusal, Unavailable
from tapewire.limits import COMMANDS_PER_ROUND_TRIP_MAX, KEY_RECHECK_S

logger = logging.getLogger(__name__)

Connection = TypeVar("Connection")


class KeyWatch(Generic[Connection]):
    """Rechecks the keys of all open connections; run it as a supervised task."""

    def __init__(
        self,
        verifier: KeyVerifier,
        bearers: Callable[[], Iterable[tuple[Identity, Connection]]],
        end: Callable[[Connection, Refusal], None],
        *,
        interval_s: float = KEY_RECHECK_S,
    ) -> None:
        """`bearers` lists the open connections with their identities; `end` closes one of them."""
        self._verifier = verifier
        self._bearers = bearers
        self._end = end
        self._interval_s = interval_s

    async def run(self) -> None:
        """Check every interval, for ever."""
        while True:
            await asyncio.sleep(self._interval_s)
            await self.check()

    async def check(self) -> None:
        """Read each key once, however many connections it has, and end those of a bad key."""
        connections: dict[Identity, list[Connection]] = {}
        for identity, connection in self._bearers():
            connections.setdefault(identity, []).append(connection)
        identities = list(connections)
        for first in range(0, len(identities), COMMANDS_PER_ROUND_TRIP_MAX):
            part = identities[first : first + COMMANDS_PER_ROUND_TRIP_MAX]
            faults = await asyncio.gather(*map(self._fault, part))
            for identity, fault in zip(part, faults, strict=True):
                if fault is not None:
                    for connection in connections[identity]:
                        self._end(connection, fault)

    async def _fault(self, identity: Identity) -> Refusal | None:
        """Why the key opens nothing any more; None if it still does, or Redis cannot be asked."""
        try:
            self._verifier.check_time(identity)
            identity = await self._verifier.recheck(identity)
        except AuthenticationFailed as error:
            return error
        except Unavailable as error:
            logger.debug("a key could not be rechecked: %s", error)
            return None
        if not identity.allows(Permission.READ):
            return PermissionDenied("The key does not permit to read any more.")
        return None
