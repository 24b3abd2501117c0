"""Stopping without loss: not ready, no new clients, a farewell, then close code 1012.

Every client of the feed gets `reconnect` with the positions to resume from, and all messages
published until its connection is closed. Closing is spread over time, so that the clients do not
all reach the next process at once.
"""

import asyncio
import logging
import random
from collections.abc import Callable

from market_data.errors import CloseCode
from market_data.fanout.audience import Audience
from market_data.fanout.hub import Hub
from market_data.fanout.session import Session
from market_data.feed.feed import Feed
from market_data.topics import BALANCES
from tapewire.errors import TapewireError
from tapewire.web.websocket_frames import json_frame

logger = logging.getLogger(__name__)

TICK_S = 0.02

SPREAD_PER_CLIENT_S = 0.05
"""Seconds of spread per client, so that closing a few clients takes less than the whole spread."""


class Drain:
    """Closes all clients; `run` is called once, when the process has to stop."""

    def __init__(
        self, audience: Audience, *farewells: Callable[[int], None], spread_s: float
    ) -> None:
        """Each of `farewells` tells the clients of a hub within how many ms they are closed."""
        self._audience = audience
        self._farewells = farewells
        self._spread_s = spread_s
        self.begun = False

    async def check(self) -> None:
        """The readiness check. Raises TapewireError once the drain has begun."""
        if self.begun:
            raise TapewireError("The process is about to stop.")

    async def run(self) -> None:
        """Close every client within the spread; returns when all are closed."""
        self.begun = True
        sessions = self._audience.sessions
        spread_s = min(self._spread_s, SPREAD_PER_CLIENT_S * len(sessions))
        logger.info("stopping: %d clients to be closed within %g s", len(sessions), spread_s)
        for tell in self._farewells:
            tell(int(spread_s * 1000))
        self._audience.flush()
        random.shuffle(sessions)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        total = len(sessions)
        while sessions:
            elapsed_s = loop.time() - started_s
            over = elapsed_s >= spread_s
            due = total if over else int(total * elapsed_s / spread_s)
            sessions = _close_due(sessions, len(sessions) - (total - due), force=over)
            if sessions:
                await asyncio.sleep(TICK_S)


def tell_reconnect(hub: Hub, feed: Feed, within_ms: int) -> None:
    """Send `reconnect` to every client of the feed, with the positions of its topics."""
    for topics in hub.subscriptions:
        message = {
            "type": "reconnect",
            "within_ms": within_ms,
            "epoch": feed.sequencer.epoch,
            "since": {name: seq for name, seq in feed.seqs_of(topics).items() if name != BALANCES},
        }
        hub.tell(topics, json_frame(message))


def _close_due(sessions: list[Session], count: int, *, force: bool) -> list[Session]:
    """Close `count` sessions without lag (any, with `force`); returns the sessions left open."""
    left = []
    for session in sessions:
        if session.closed:
            count -= 1
        elif count > 0 and (force or session.lag == 0):
            session.close(CloseCode.SERVICE_RESTART, "service restart")
            count -= 1
        else:
            left.append(session)
    return left
