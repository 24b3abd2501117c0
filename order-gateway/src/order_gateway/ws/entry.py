"""The connections of `WS /v1/ws`, from the accepted handshake to the drain."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from order_gateway.authentication import (
    Authentication,
    Headers,
    check_account_header,
    check_account_parameter,
    check_operation,
)
from order_gateway.health import SERVICE
from order_gateway.operations import Operations
from order_gateway.rate_limit import RateLimits
from order_gateway.ws.messages import PING, Connected, hello_frame
from order_gateway.ws.newcomer import Newcomer
from order_gateway.ws.orders import PlacedOrders
from order_gateway.ws.session import IN_FLIGHT_MAX, Session
from tapewire.api_keys.text import Identity
from tapewire.errors import Refusal, TapewireError
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.values.modes import Clock
from tapewire.values.types import Account
from tapewire.web.websocket_protocol import SocketProtocol

logger = logging.getLogger(__name__)

SERVICE_RESTART = 1012
MESSAGE_BYTES_MAX = REQUEST_BODY_BYTES_MAX
ENDINGS_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The parameters of a handshake beside its key; `account` is the query parameter."""

    headers: Headers
    account: str | None
    cancel_on_disconnect: bool

    def check(self, identity: Identity) -> None:
        """Refuse an account other than the key's, and a key that cannot read. Raises a Refusal."""
        check_account_header(identity, self.headers)
        check_account_parameter(identity, self.account)
        check_operation(identity, PING)


class Connection(Protocol):
    """A WebSocket connection of either interface of the gateway: the methods that end it."""

    async def drain(self) -> None:
        """Wait until every request that was read is answered."""

    def close(self, code: int, reason: str) -> None:
        """End the connection."""

    def end_for_key(self, fault: Refusal) -> None:
        """End the connection because its key is revoked or expired."""


async def drain_all(sessions: Sequence[Connection], timeout_s: float) -> None:
    """Answer all read requests, for `timeout_s` at most; close all connections with 1012."""
    drains = [asyncio.create_task(session.drain(), name="drain") for session in sessions]
    if drains:
        _, late = await asyncio.wait(drains, timeout=timeout_s)
        for task in late:
            task.cancel()
    for session in sessions:
        session.close(SERVICE_RESTART, "service restart")


class Entry:
    """All open connections, and the cancellations that ended connections still need."""

    def __init__(
        self,
        operations: Operations,
        limits: RateLimits,
        refusals: Counter[str],
        *,
        drain_timeout_s: float,
    ) -> None:
        """`refusals` counts refused requests by code."""
        self._clock: Clock = "venue" if operations.clock is None else "recorded"
        self._refusals = refusals
        self._operations = operations
        self._limits = limits
        self._drain_timeout_s = drain_timeout_s
        self._endings: set[asyncio.Task[None]] = set()
        self.sessions: set[Session] = set()
        self.newcomers: set[Newcomer] = set()
        self.begun = False

    def open(
        self,
        socket: SocketProtocol,
        account: Account,
        *,
        cancel_on_disconnect: bool,
        identity: Identity | None = None,
    ) -> Session:
        """Start a session on an accepted connection; `identity` belongs to its key, or is None."""
        orders = PlacedOrders(self._operations, account) if cancel_on_disconnect else None
        session = Session(
            socket,
            self._operations,
            self._limits,
            account=account,
            address=None if socket.client is None else socket.client[0],
            orders=orders,
            on_closed=self._ended,
            refusals=self._refusals,
            identity=identity,
        )
        self.sessions.add(session)
        session.send(
            hello_frame(
                Connected(
                    service=SERVICE,
                    account=account,
                    cancel_on_disconnect=cancel_on_disconnect,
                    in_flight_max=IN_FLIGHT_MAX,
                    message_bytes_max=MESSAGE_BYTES_MAX,
                    clock=self._clock,
                )
            )
        )
        return session

    def wait_for_key(
        self, socket: SocketProtocol, authentication: Authentication, wishes: Wishes
    ) -> Newcomer:
        """Keep an accepted connection until its first message brings a key."""
        address = None if socket.client is None else socket.client[0]

        async def authenticate(text: str) -> Identity:
            identity = await authentication.by_text(text, address)
            wishes.check(identity)
            return identity

        def open_session(identity: Identity) -> Session:
            return self.open(
                socket,
                identity.account,
                cancel_on_disconnect=wishes.cancel_on_disconnect,
                identity=identity,
            )

        newcomer = Newcomer(
            socket,
            authenticate=authenticate,
            open_session=open_session,
            on_ended=self.newcomers.discard,
        )
        self.newcomers.add(newcomer)
        return newcomer

    async def check(self) -> None:
        """The readiness check. Raises TapewireError once the drain has begun."""
        if self.begun:
            raise TapewireError("The process is about to stop.")

    async def run(self) -> None:
        """Stop: answer every request that was read, close with 1012, cancel on disconnect."""
        self.begun = True
        logger.info("stopping: %d connections to be closed", len(self.sessions))
        for newcomer in list(self.newcomers):
            newcomer.close(SERVICE_RESTART, "service restart")
        await drain_all(list(self.sessions), self._drain_timeout_s)
        await self.close()

    async def close(self) -> None:
        """Wait for the cancellations of ended connections, at most ENDINGS_TIMEOUT_S."""
        if self._endings:
            _, late = await asyncio.wait(self._endings, timeout=ENDINGS_TIMEOUT_S)
            for task in late:
                task.cancel()

    @property
    def open_count(self) -> int:
        """The number of open connections, including those without a key yet."""
        return len(self.sessions) + len(self.newcomers)

    def bearers(self) -> Iterator[tuple[Identity, Session]]:
        """Every session with an API key, and the identity of the key."""
        for session in self.sessions:
            if session.identity is not None:
                yield session.identity, session

    def _ended(self, session: Session) -> None:
        self.sessions.discard(session)
        if session.orders is not None:
            task = asyncio.create_task(_cancel_orders(session), name="cancel-on-disconnect")
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)


async def _cancel_orders(session: Session) -> None:
    """Cancel the orders of a connection that asked for cancel-on-disconnect."""
    await session.settled()
    if session.orders is not None:
        await session.orders.cancel()
