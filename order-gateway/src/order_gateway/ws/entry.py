"""`WS /v1/ws`: the connections of the gateway, from handshake to drain."""

import asyncio
import logging
from dataclasses import dataclass

from fastapi import APIRouter, WebSocket
from fastapi.responses import Response

from order_gateway.authentication import (
    Authentication,
    check_account,
    check_operation,
    named_accounts,
)
from order_gateway.health import SERVICE
from order_gateway.incoming import read_account
from order_gateway.operations import Operations
from order_gateway.rate_limit import RateLimits
from order_gateway.ws.messages import PING, Connected, hello_frame
from order_gateway.ws.newcomer import Newcomer
from order_gateway.ws.orders import PlacedOrders
from order_gateway.ws.session import IN_FLIGHT_MAX, Session
from tapewire.api_keys.text import Identity
from tapewire.api_keys.verifier import AUTHORIZATION
from tapewire.errors import InvalidField, Refusal, TapewireError, Unavailable
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.values.account_names import account_named
from tapewire.values.json_text import shown_name
from tapewire.values.types import Account
from tapewire.web.problem import problem_response, refusal_response
from tapewire.web.websocket_protocol import SCOPE_EXTENSION, SocketProtocol

logger = logging.getLogger(__name__)

SERVICE_RESTART = 1012
MESSAGE_BYTES_MAX = REQUEST_BODY_BYTES_MAX
ENDINGS_TIMEOUT_S = 5.0

_PARAMETERS = frozenset({"account", "cancel_on_disconnect"})

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a handshake asks for: accounts of the header and of the query, and how it ends."""

    named: list[str]
    account: str | None
    cancel_on_disconnect: bool

    def check(self, identity: Identity) -> None:
        """Refuse another account than the key's, and a key that cannot read. Raises a Refusal."""
        check_account(identity, self.named, "X-Account")
        check_account(identity, [] if self.account is None else [self.account], "account")
        check_operation(identity, PING)


class Entry:
    """Every connection, and what is left to do for those that have ended."""

    def __init__(
        self, operations: Operations, limits: RateLimits, *, drain_timeout_s: float
    ) -> None:
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
        """Take an accepted connection in and greet it; `identity` is whose key it brought."""
        orders = PlacedOrders(self._operations, account) if cancel_on_disconnect else None
        session = Session(
            socket,
            self._operations,
            self._limits,
            account=account,
            address=None if socket.client is None else socket.client[0],
            orders=orders,
            on_closed=self._ended,
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
                )
            )
        )
        return session

    def wait_for_key(
        self, socket: SocketProtocol, authentication: Authentication, wishes: Wishes
    ) -> Newcomer:
        """Take in an accepted connection that has yet to say who it is."""
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
        """Stop: answer what was read, close with 1012, cancel for those that asked for it."""
        self.begun = True
        logger.info("stopping: %d connections to be closed", len(self.sessions))
        for newcomer in list(self.newcomers):
            newcomer.close(SERVICE_RESTART, "service restart")
        sessions = list(self.sessions)
        drains = [asyncio.create_task(session.drain(), name="drain") for session in sessions]
        if drains:
            _, late = await asyncio.wait(drains, timeout=self._drain_timeout_s)
            for task in late:
                task.cancel()
        for session in sessions:
            session.close(SERVICE_RESTART, "service restart")
        await self.close()

    async def close(self) -> None:
        """Wait for the cancellations of ended connections, in bounded time."""
        if self._endings:
            _, late = await asyncio.wait(self._endings, timeout=ENDINGS_TIMEOUT_S)
            for task in late:
                task.cancel()

    def _ended(self, session: Session) -> None:
        self.sessions.discard(session)
        if session.orders is not None:
            task = asyncio.create_task(_cancel_orders(session), name="cancel-on-disconnect")
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)


async def _cancel_orders(session: Session) -> None:
    """What a connection with cancel-on-disconnect asked for, however it ended."""
    await session.settled()
    if session.orders is not None:
        await session.orders.cancel()


@router.websocket("/ws")
async def order_entry(websocket: WebSocket) -> None:
    """The operations of REST, many in flight, answered in order (docs/protocol.md)."""
    entry: Entry = websocket.app.state.entry
    if entry.begun:
        await _deny(websocket, "draining", "This process is about to stop; connect again.")
        return
    try:
        wishes = _read_wishes(websocket)
        account, identity = await _identify(websocket, wishes)
    except (Refusal, Unavailable) as error:
        await websocket.send_denial_response(refusal_response(error))
        return
    await websocket.accept()
    socket: SocketProtocol = websocket.scope["extensions"][SCOPE_EXTENSION]
    if account is None:
        socket.adopt(entry.wait_for_key(socket, websocket.app.state.authentication, wishes))
        return
    socket.adopt(
        entry.open(
            socket, account, cancel_on_disconnect=wishes.cancel_on_disconnect, identity=identity
        )
    )


async def _identify(websocket: WebSocket, wishes: Wishes) -> tuple[Account | None, Identity | None]:
    """The account, None if its key is yet to come, and whose key it is. Raises a Refusal."""
    if not websocket.app.state.needs_keys:
        return _read_account(websocket, wishes), None
    headers = websocket.scope["headers"]
    if all(name != AUTHORIZATION for name, _ in headers):
        return None, None
    client = websocket.client
    authentication: Authentication = websocket.app.state.authentication
    identity = await authentication.by_headers(headers, None if client is None else client.host)
    wishes.check(identity)
    return identity.account, identity


def _read_wishes(websocket: WebSocket) -> Wishes:
    """What the handshake says beside a key. Raises InvalidField."""
    pairs = websocket.query_params.multi_items()
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise InvalidField("query", "duplicate_field", "A parameter stands twice in the query.")
    unknown = next((name for name in parameters if name not in _PARAMETERS), None)
    if unknown is not None:
        shown = shown_name(unknown)
        raise InvalidField(shown, "unknown_field", f"{shown} is not a parameter of this path.")
    flag = parameters.get("cancel_on_disconnect", "false")
    if flag not in {"true", "false"}:
        raise InvalidField(
            "cancel_on_disconnect", "invalid_value", "cancel_on_disconnect must be true or false."
        )
    named = named_accounts(websocket.scope["headers"])
    return Wishes(named, parameters.get("account"), flag == "true")


def _read_account(websocket: WebSocket, wishes: Wishes) -> Account:
    """From the header as over REST, or from the query: a browser cannot set headers here."""
    named = read_account(websocket)
    if wishes.account is None:
        return named
    try:
        account = account_named(wishes.account)
    except ValueError:
        raise InvalidField(
            "account", "invalid_account", "account is not the name of an account."
        ) from None
    if wishes.named and named != account:
        raise InvalidField("account", "invalid_account", "account and X-Account are not the same.")
    return account


async def _deny(websocket: WebSocket, code: str, detail: str) -> None:
    response: Response = problem_response(code, detail, headers={"Retry-After": "1"})
    await websocket.send_denial_response(response)
