"""The WebSocket endpoint: accept, hand the connection to a conversation, adopt it."""

from fastapi import APIRouter, Request, Response, WebSocket
from fastapi.responses import RedirectResponse

from market_data.clients.client_state import ClientState
from market_data.clients.protocol import error_message, read_query
from market_data.errors import CloseCode, RequestError
from market_data.http.incoming import address_of
from market_data.http.state import state_of
from market_data.limits import CLIENT_FRAGMENTS_MAX, CLOSE_TIMEOUT_S, SEND_BUFFER_BYTES
from tapewire.errors import Refusal, Unavailable
from tapewire.web.problem import problem_response, refusal_response
from tapewire.web.response_headers import PLAIN_ANSWER
from tapewire.web.websocket_protocol import SCOPE_EXTENSION, SocketProtocol


class FeedSocketProtocol(SocketProtocol):
    """One client of the feed; pass the class as `uvicorn.Config(ws=FeedSocketProtocol)`."""

    send_buffer_bytes: int | None = SEND_BUFFER_BYTES
    close_timeout_s: float = CLOSE_TIMEOUT_S
    fragments_max: int = CLIENT_FRAGMENTS_MAX


router = APIRouter()


@router.websocket("/ws/market-data")
async def market_data(websocket: WebSocket) -> None:
    """Every trade of every symbol, or the topics of the query (docs/protocol.md)."""
    conversations = state_of(websocket).conversations
    if not await is_admitted(websocket):
        return
    address = address_of(websocket)
    try:
        login = await conversations.identify(websocket.scope["headers"], address)
    except (Refusal, Unavailable) as error:
        conversations.errors += 1
        await websocket.send_denial_response(refusal_response(error))
        return
    await websocket.accept()
    socket: FeedSocketProtocol = websocket.scope["extensions"][SCOPE_EXTENSION]
    try:
        request = read_query(websocket.query_params.multi_items())
        session = await conversations.open(socket, request, ClientState(login, address))
    except RequestError as error:
        conversations.errors += 1
        await websocket.send_json(error_message(error))
        await websocket.close(CloseCode.INVALID_REQUEST, error.code)
        return
    socket.adopt(session)


@router.get("/", include_in_schema=False)
async def trading_page(request: Request) -> Response:
    """Send a browser on to the trading page, which the order gateway serves."""
    page = state_of(request).page
    url = page and page.url(request.headers.get("host", ""), request.url.scheme)
    if not url:
        return problem_response(
            "not_found", "The order gateway serves the page.", headers=PLAIN_ANSWER
        )
    return RedirectResponse(f"{url}/", headers=PLAIN_ANSWER)


async def is_admitted(websocket: WebSocket) -> bool:
    """Whether the process takes another client now; else the upgrade is denied, with a reason."""
    state = state_of(websocket)
    if state.drain.begun:
        await deny(websocket, "draining", "This process is about to stop; connect again.")
    elif not state.feed.started:
        await deny(websocket, "stale_data", "This process has just started; connect again.")
    elif state.audience.is_full:
        await deny(websocket, "overloaded", "The process is full; try again.")
    else:
        try:
            state.limit.admit(address_of(websocket))
        except Refusal as error:
            state.conversations.errors += 1
            await websocket.send_denial_response(refusal_response(error))
        else:
            return True
    return False


async def deny(websocket: WebSocket, code: str, detail: str) -> None:
    """Refuse an upgrade for now; the client may try again after a second."""
    await websocket.send_denial_response(
        problem_response(code, detail, headers={"Retry-After": "1"})
    )
