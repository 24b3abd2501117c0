"""Ends connections whose key was revoked or whose key's time is over, within KEY_RECHECK_S."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from order_gateway.ws.messages import NO_ID, error_frame
from tapewire.api_keys.verifier import KEY_CLOSE_CODE
from tapewire.errors import AuthenticationFailed, Unavailable
from tapewire.limits import COMMANDS_PER_ROUND_TRIP_MAX, KEY_RECHECK_S

if TYPE_CHECKING:
    from collections.abc import Collection

    from order_gateway.ws.session import Session
    from tapewire.api_keys.verifier import KeyVerifier


class KeyWatch:
    """Looks at the key of every open connection again and again."""

    def __init__(
        self,
        verifier: KeyVerifier,
        sessions: Collection[Session],
        *,
        interval_s: float = KEY_RECHECK_S,
    ) -> None:
        """`sessions` is looked at each time, so it may change."""
        self._verifier = verifier
        self._sessions = sessions
        self._interval_s = interval_s

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(self._interval_s)
            await self.look()

    async def look(self) -> None:
        """Once: each key is read once, however many connections it has."""
        by_key: dict[str, list[Session]] = {}
        for session in self._sessions:
            if session.identity is not None:
                by_key.setdefault(session.identity.key_id, []).append(session)
        groups = list(by_key.values())
        for first in range(0, len(groups), COMMANDS_PER_ROUND_TRIP_MAX):
            part = groups[first : first + COMMANDS_PER_ROUND_TRIP_MAX]
            await asyncio.gather(*(self._look_at(sessions) for sessions in part))

    async def _look_at(self, sessions: list[Session]) -> None:
        identity = sessions[0].identity
        if identity is None:
            return
        try:
            self._verifier.check_time(identity)
            await self._verifier.recheck(identity)
        except AuthenticationFailed as error:
            for session in sessions:
                if not session.closed:
                    session.send(error_frame(NO_ID, error))
                    session.close(KEY_CLOSE_CODE, error.code)
        except Unavailable:
            # Without Redis nothing can be revoked and nothing traded; it is asked again.
            return
