"""`WS /v1/ws`: the connections of the gateway, from handshake to drain."""

import asyncio
import logging
import re

from fastapi import APIRouter, WebSocket
from fastapi.responses import Response

from order_gateway.health import SERVICE
from order_gateway.incoming import ACCOUNT_PATTERN, read_account
from order_gateway.operations import Operations
from order_gateway.rate_limit import RateLimits
from order_gateway.ws_messages import hello_frame
from order_gateway.ws_orders import PlacedOrders
from order_gateway.ws_session import IN_FLIGHT_MAX, Session
from tapewire.errors import InvalidField, TapewireError
from tapewire.json_text import shown_name
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.problem import problem_response
from tapewire.types import Account
from tapewire.websocket_protocol import SCOPE_EXTENSION, SocketProtocol

logger = logging.getLogger(__name__)

SERVICE_RESTART = 1012
MESSAGE_BYTES_MAX = REQUEST_BODY_BYTES_MAX
ENDINGS_TIMEOUT_S = 5.0

_PARAMETERS = frozenset({"account", "cancel_on_disconnect"})
_ACCOUNT = re.compile(ACCOUNT_PATTERN, re.ASCII)

router = APIRouter()


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
        self.begun = False

    def open(
        self, socket: SocketProtocol, account: Account, *, cancel_on_disconnect: bool
    ) -> Session:
        """Take an accepted connection in and greet it."""
        orders = PlacedOrders(self._operations, account) if cancel_on_disconnect else None
        session = Session(
            socket,
            self._operations,
            self._limits,
            account=account,
            address=None if socket.client is None else socket.client[0],
            orders=orders,
            on_closed=self._ended,
        )
        self.sessions.add(session)
        session.send(
            hello_frame(
                {
                    "service": SERVICE,
                    "account": account,
                    "cancel_on_disconnect": cancel_on_disconnect,
                    "in_flight_max": IN_FLIGHT_MAX,
                    "message_bytes_max": MESSAGE_BYTES_MAX,
                }
            )
        )
        return session

    async def check(self) -> None:
        """The readiness check. Raises TapewireError once the drain has begun."""
        if self.begun:
            raise TapewireError("The process is about to stop.")

    async def run(self) -> None:
        """Stop: answer what was read, close with 1012, cancel for those that asked for it."""
        self.begun = True
        logger.info("stopping: %d connections to be closed", len(self.sessions))
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
        account, cancel_on_disconnect = _read_wishes(websocket)
    except InvalidField as error:
        await websocket.send_denial_response(
            problem_response(error.code, str(error), field=error.field)
        )
        return
    await websocket.accept()
    socket: SocketProtocol = websocket.scope["extensions"][SCOPE_EXTENSION]
    socket.adopt(entry.open(socket, account, cancel_on_disconnect=cancel_on_disconnect))


def _read_wishes(websocket: WebSocket) -> tuple[Account, bool]:
    """The account, and whether its orders end with the connection. Raises InvalidField."""
    pairs = websocket.query_params.multi_items()
    wishes = dict(pairs)
    if len(wishes) != len(pairs):
        raise InvalidField("query", "duplicate_field", "A parameter stands twice in the query.")
    unknown = next((name for name in wishes if name not in _PARAMETERS), None)
    if unknown is not None:
        shown = shown_name(unknown)
        raise InvalidField(shown, "unknown_field", f"{shown} is not a parameter of this path.")
    flag = wishes.get("cancel_on_disconnect", "false")
    if flag not in {"true", "false"}:
        raise InvalidField(
            "cancel_on_disconnect", "invalid_value", "cancel_on_disconnect must be true or false."
        )
    return _read_account(websocket, wishes.get("account")), flag == "true"


def _read_account(websocket: WebSocket, wanted: str | None) -> Account:
    """From the header as over REST, or from the query: a browser cannot set headers here."""
    named = read_account(websocket)
    if wanted is None:
        return named
    if not _ACCOUNT.fullmatch(wanted):
        raise InvalidField("account", "invalid_account", "account is not the name of an account.")
    if "x-account" in websocket.headers and named != wanted:
        raise InvalidField("account", "invalid_account", "account and X-Account are not the same.")
    return Account(wanted)


async def _deny(websocket: WebSocket, code: str, detail: str) -> None:
    response: Response = problem_response(code, detail, headers={"Retry-After": "1"})
    await websocket.send_denial_response(response)
