"""`WS /v1/ws`: the handshake of order entry over WebSocket."""

from fastapi import APIRouter, WebSocket

from order_gateway.guard import read_account
from order_gateway.state import state_of
from order_gateway.ws.entry import Wishes
from tapewire.api_keys.text import Identity
from tapewire.api_keys.verifier import AUTHORIZATION
from tapewire.errors import InvalidField, Refusal, Unavailable
from tapewire.values.account_names import ACCOUNT_HEADER, account_in_headers, account_named
from tapewire.values.json_text import shown_name
from tapewire.values.types import Account
from tapewire.web.problem import count_problem, problem_response, refusal_response
from tapewire.web.websocket_protocol import SCOPE_EXTENSION, SocketProtocol

PARAMETERS = ("account", "cancel_on_disconnect")

router = APIRouter()


@router.websocket("/ws")
async def order_entry(websocket: WebSocket) -> None:
    """The operations of REST, many in flight, answered in order (docs/protocol.md)."""
    state = state_of(websocket)
    entry = state.entry
    if entry.begun:
        await _deny(websocket, "draining", "This process is about to stop; connect again.")
        return
    try:
        wishes = _read_wishes(websocket)
        account, identity = await _identify(websocket, wishes)
    except (Refusal, Unavailable) as error:
        count_problem(websocket.scope, error.code)
        await websocket.send_denial_response(refusal_response(error))
        return
    await websocket.accept()
    socket: SocketProtocol = websocket.scope["extensions"][SCOPE_EXTENSION]
    if account is None:
        socket.adopt(entry.wait_for_key(socket, state.authentication, wishes))
        return
    socket.adopt(
        entry.open(
            socket, account, cancel_on_disconnect=wishes.cancel_on_disconnect, identity=identity
        )
    )


async def _identify(websocket: WebSocket, wishes: Wishes) -> tuple[Account | None, Identity | None]:
    """The account of a connection and its key; no account while the key is yet to come.

    Raises a Refusal, Unavailable.
    """
    state = state_of(websocket)
    if not state.needs_keys:
        return _read_account(websocket, wishes), None
    headers = websocket.scope["headers"]
    if all(name != AUTHORIZATION for name, _ in headers):
        return None, None
    client = websocket.client
    address = None if client is None else client.host
    identity = await state.authentication.by_headers(headers, address)
    wishes.check(identity)
    return identity.account, identity


def _read_wishes(websocket: WebSocket) -> Wishes:
    """The options of the handshake, without the key. Raises InvalidField."""
    pairs = websocket.query_params.multi_items()
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise InvalidField("query", "duplicate_field", "A parameter stands twice in the query.")
    unknown = next((name for name in parameters if name not in PARAMETERS), None)
    if unknown is not None:
        shown = shown_name(unknown)
        raise InvalidField(shown, "unknown_field", f"{shown} is not a parameter of this path.")
    flag = parameters.get("cancel_on_disconnect", "false")
    if flag not in {"true", "false"}:
        raise InvalidField(
            "cancel_on_disconnect", "invalid_value", "cancel_on_disconnect must be true or false."
        )
    return Wishes(websocket.scope["headers"], parameters.get("account"), flag == "true")


def _read_account(websocket: WebSocket, wishes: Wishes) -> Account:
    """From the header as over REST, or from the query: a browser cannot set headers here."""
    if wishes.account is None:
        return read_account(websocket)
    try:
        account = account_named(wishes.account)
    except ValueError:
        raise InvalidField(
            "account", "invalid_account", "account is not the name of an account."
        ) from None
    if account_in_headers(wishes.headers) not in {None, account}:
        raise InvalidField(
            "account", "invalid_account", f"account and {ACCOUNT_HEADER} are not the same."
        )
    return account


async def _deny(websocket: WebSocket, code: str, detail: str) -> None:
    count_problem(websocket.scope, code)
    response = problem_response(code, detail, headers={"Retry-After": "1"})
    await websocket.send_denial_response(response)
