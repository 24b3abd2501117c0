"""What is remembered of a connection beside its session."""

import time

from market_data.clients.authentication import Login
from market_data.errors import RequestError
from market_data.fanout.session import Session

# Requests of one client that may be wrong, over its life, before it is closed.
ERRORS_MAX = 10
REQUESTS_PER_S = 10.0
REQUESTS_BURST = 50.0


class ClientState:
    """One client: who it is, what it may still ask, what it waits for."""

    __slots__ = ("busy", "errors", "login", "requests_left", "seen_at_s", "waiting")

    def __init__(self, login: Login | None = None) -> None:
        self.login = login
        self.errors = 0
        self.requests_left = REQUESTS_BURST
        self.seen_at_s = time.monotonic()
        # Redis is asked for it: until the answer is here, nothing else may be asked for.
        self.busy = False
        # What it asked meanwhile; answered after the acknowledgement, so that comes first.
        self.waiting: list[str] = []

    @property
    def account(self) -> str | None:
        """Whose private channels it may have."""
        return None if self.login is None else self.login.account

    def take_turn(self) -> None:
        """Spend one request of the client's allowance. Raises RequestError rate_limited."""
        now_s = time.monotonic()
        self.requests_left = min(
            REQUESTS_BURST, self.requests_left + (now_s - self.seen_at_s) * REQUESTS_PER_S
        )
        self.seen_at_s = now_s
        if self.requests_left < 1:
            raise RequestError(
                "rate_limited", f"at most {REQUESTS_PER_S:g} requests a second, please"
            )
        self.requests_left -= 1


def state_of(session: Session) -> ClientState:
    """The state of a session that a conversation opened."""
    state = session.context
    if not isinstance(state, ClientState):
        raise TypeError("the session was not opened by a conversation")
    return state
