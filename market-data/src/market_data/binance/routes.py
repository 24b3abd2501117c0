"""The WebSocket endpoints of the streams: `/ws` for plain messages, `/stream` for combined ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, WebSocket

from market_data.binance.conversation import StreamClient, StreamConversations
from market_data.binance.errors import StreamError
from market_data.binance.names import Form
from market_data.binance.requests import refusal
from market_data.errors import CloseCode
from market_data.http.feed_socket import FeedSocketProtocol, deny, is_admitted
from market_data.http.incoming import address_of
from market_data.http.state import FeedState
from tapewire.web.problem import problem_response
from tapewire.web.websocket_protocol import SCOPE_EXTENSION

PONG_TIMEOUT_S = 60.0
"""Seconds without an answer to a ping, after which a client is closed; as at Binance."""

_UNITS = {"MILLISECOND": False, "MICROSECOND": True}
_UNIT_DEFAULT = "MILLISECOND"
_PARAMETERS = ("streams", "timeUnit")

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState(FeedState):
    """The objects of a process, with those of the streams."""

    stream_conversations: StreamConversations


@router.websocket("/ws")
async def raw_stream(websocket: WebSocket) -> None:
    """Plain messages of the streams that the client subscribes to."""
    await _serve(websocket, (), is_combined=False)


@router.websocket("/ws/{names:path}")
async def named_raw_streams(websocket: WebSocket) -> None:
    """Plain messages of the streams in the path.

    A path such as `/ws/0` names no stream: clients number their connections so.
    """
    # A parameter `names` would have FastAPI import pydantic.v1 at the start, for this route alone.
    names = str(websocket.path_params["names"])
    has_streams = names and not names.isdecimal()
    await _serve(websocket, names.split("/") if has_streams else (), is_combined=False)


@router.websocket("/stream")
async def combined_streams(websocket: WebSocket) -> None:
    """Messages with the name of their stream; `?streams=a/b` subscribes."""
    names = websocket.query_params.get("streams", "")
    await _serve(websocket, names.split("/") if names else (), is_combined=True)


async def _serve(websocket: WebSocket, names: Sequence[str], *, is_combined: bool) -> None:
    if not await is_admitted(websocket):
        return
    state: StreamState = websocket.app.state
    if not state.books.loaded:
        # A client that is taken in earlier would have to be closed once the books are read.
        await deny(websocket, "stale_data", "This process has just started; connect again.")
        return
    query = websocket.query_params
    unit = query.get("timeUnit", _UNIT_DEFAULT).upper()
    fault = ""
    if doubled := [name for name in _PARAMETERS if len(query.getlist(name)) > 1]:
        fault = f"{doubled[0]} must be given once; streams are joined by /."
    elif unit not in _UNITS:
        fault = f"timeUnit must be one of {', '.join(_UNITS)}."
    elif "streams" in query and not is_combined:
        fault = "streams is a parameter of /stream; below /ws, streams are named in the path."
    if fault:
        await websocket.send_denial_response(problem_response("invalid_value", fault))
        return
    conversations = state.stream_conversations
    await websocket.accept()
    socket: FeedSocketProtocol = websocket.scope["extensions"][SCOPE_EXTENSION]
    socket.ping_timeout = PONG_TIMEOUT_S
    client = StreamClient(Form(is_combined, _UNITS[unit]), address_of(websocket))
    try:
        session = await conversations.open(socket, names, client)
    except StreamError as error:
        conversations.errors += 1
        await websocket.send_json(refusal(error))
        await websocket.close(CloseCode.INVALID_REQUEST, str(error))
        return
    socket.adopt(session)
