"""The state of a WebSocket connection beside its session: account, errors, waiting requests."""

import time
from collections.abc import Iterable, Iterator

from market_data.clients.authentication import Login
from market_data.errors import RequestError
from market_data.fanout.session import Session
from tapewire.api_keys.text import Identity

ERRORS_MAX = 10
"""Invalid requests of one connection after which the service closes it."""

REQUESTS_PER_S = 10.0
REQUESTS_BURST = 50.0
"""A client may send REQUESTS_BURST requests at once; the allowance grows by REQUESTS_PER_S."""


class ClientState:
    """One client: its account, its allowance of requests, the requests that wait."""

    __slots__ = (
        "_requests_left", "_seen_at_s", "address", "errors", "is_busy", "login", "waiting",
    )  # fmt: skip

    def __init__(self, login: Login | None = None, address: str | None = None) -> None:
        self.login = login
        self.address = address
        self.errors = 0
        # A request of this client waits for Redis; later requests wait behind it.
        self.is_busy = False
        # Requests that arrived meanwhile; they are answered in order.
        self.waiting: list[str] = []
        self._requests_left = REQUESTS_BURST
        self._seen_at_s = time.monotonic()

    @property
    def account(self) -> str | None:
        """The account whose private channels the client may have."""
        return None if self.login is None else self.login.account

    def take_turn(self) -> None:
        """Spend one request of the client's allowance. Raises RequestError rate_limited."""
        now_s = time.monotonic()
        self._requests_left = min(
            REQUESTS_BURST, self._requests_left + (now_s - self._seen_at_s) * REQUESTS_PER_S
        )
        self._seen_at_s = now_s
        if self._requests_left < 1:
            raise RequestError("rate_limited", f"at most {REQUESTS_PER_S:g} requests a second")
        self._requests_left -= 1


def state_of(session: Session) -> ClientState:
    """The state of a session that a conversation opened."""
    state = session.context
    if not isinstance(state, ClientState):
        raise TypeError("the session was not opened by a conversation")
    return state


def bearers(sessions: Iterable[Session]) -> Iterator[tuple[Identity, Session]]:
    """The sessions with an API key, each with the identity of the key."""
    for session in sessions:
        login = state_of(session).login
        if login is not None and login.identity is not None:
            yield login.identity, session
