"""Ends the connections whose key is revoked or expires, within KEY_RECHECK_S and a round trip.

Both services run this watch. Expiry is checked without Redis. While Redis is unreachable no key can
be revoked and no private message is published, so the connections of other keys stay open.
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
    """Checks the keys of all open connections every KEY_RECHECK_S; run it as a supervised task."""

    def __init__(
        self,
        verifier: KeyVerifier,
        bearers: Callable[[], Iterable[tuple[Identity, Connection]]],
        end: Callable[[Connection, Refusal], None],
        *,
        interval_s: float = KEY_RECHECK_S,
    ) -> None:
        """`bearers` lists the open connections with their identities; `end` closes one of them.

        `interval_s` is the time between two checks.
        """
        self._verifier = verifier
        self._bearers = bearers
        self._end = end
        self._interval_s = interval_s

    async def run(self) -> None:
        """Check until the task is cancelled."""
        while True:
            await asyncio.sleep(self._interval_s)
            await self.check()

    async def check(self) -> None:
        """Read each key of an open connection once; end the connections of each invalid key."""
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
        """Why a key is no longer valid; None if it is valid, or if Redis does not answer."""
        try:
            self._verifier.check_time(identity)
            identity = await self._verifier.recheck(identity)
        except AuthenticationFailed as error:
            return error
        except Unavailable as error:
            logger.debug("an API key could not be checked: %s", error)
            return None
        if not identity.allows(Permission.READ):
            return PermissionDenied("The key no longer has the permission `read`.")
        return None
