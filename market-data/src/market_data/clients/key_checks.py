"""Ends the connections whose key is revoked or expires, within KEY_RECHECK_S and a round trip.

Expiry is checked without Redis. While Redis is unreachable no key can be revoked, and no private
message is published.
"""

import asyncio
import logging

from market_data.clients.client_state import state_of
from market_data.clients.conversation import Conversations
from market_data.errors import CloseCode, RequestError
from market_data.fanout.hub import Hub
from market_data.fanout.session import Session
from tapewire.api_keys.text import Identity, Permission
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.errors import AuthenticationFailed, PermissionDenied, Refusal, Unavailable
from tapewire.limits import COMMANDS_PER_ROUND_TRIP_MAX, KEY_RECHECK_S

logger = logging.getLogger(__name__)


class KeyChecks:
    """Checks the keys of all connections every KEY_RECHECK_S; run it as a supervised task."""

    def __init__(self, hub: Hub, conversations: Conversations, verifier: KeyVerifier) -> None:
        self._hub = hub
        self._conversations = conversations
        self._verifier = verifier

    async def run(self) -> None:
        """Check until the task is cancelled."""
        while True:
            await asyncio.sleep(KEY_RECHECK_S)
            await self.check()

    async def check(self) -> None:
        """Check every key of an open connection once."""
        bearers: dict[Identity, list[Session]] = {}
        for session in self._hub.sessions:
            login = state_of(session).login
            if login is not None and login.identity is not None:
                bearers.setdefault(login.identity, []).append(session)
        identities = list(bearers)
        for first in range(0, len(identities), COMMANDS_PER_ROUND_TRIP_MAX):
            part = identities[first : first + COMMANDS_PER_ROUND_TRIP_MAX]
            for identity, error in zip(
                part, await asyncio.gather(*map(self._fault, part)), strict=True
            ):
                if error is not None:
                    self._end(bearers[identity], error)

    async def _fault(self, identity: Identity) -> Refusal | None:
        """Why a key is no longer accepted; None if it is."""
        try:
            self._verifier.check_time(identity)
            identity = await self._verifier.recheck(identity)
        except AuthenticationFailed as error:
            return error
        except Unavailable as error:
            logger.debug("a key could not be checked: %s", error)
            return None
        if not identity.allows(Permission.READ):
            return PermissionDenied("The key does not permit to read any more.")
        return None

    def _end(self, sessions: list[Session], error: Refusal) -> None:
        for session in sessions:
            self._conversations.end(
                session, CloseCode.NOT_AUTHENTICATED, RequestError(error.code, str(error))
            )
