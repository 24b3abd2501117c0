"""The WebSocket endpoint: accept, adopt the connection for the hub, say hello."""

from fastapi import APIRouter, WebSocket

from market_data.errors import CLIENT_ERRORS_MAX, CloseCode
from market_data.feed import Feed
from market_data.frames import text_frame
from market_data.hub import EVERY_SYMBOL, Hub
from market_data.protocol import connected_message, encoded, error_message
from market_data.session import Session
from market_data.websocket_protocol import SCOPE_EXTENSION, FeedSocketProtocol

router = APIRouter()


@router.websocket("/ws/market-data")
async def market_data(websocket: WebSocket) -> None:
    """Every trade of every symbol, in order, each exactly once (docs/protocol.md)."""
    hub: Hub = websocket.app.state.hub
    feed: Feed = websocket.app.state.feed
    await websocket.accept()
    socket: FeedSocketProtocol = websocket.scope["extensions"][SCOPE_EXTENSION]
    # What is published but not flushed would come both in the hello's positions and after it.
    hub.flush()
    session = hub.connect(socket, frozenset({("trades", EVERY_SYMBOL)}), on_text=answer)
    socket.adopt(session)
    hello = connected_message(feed.sequencer.epoch, ["trades"], feed.sequencer.seqs)
    session.send(text_frame(encoded(hello)))


def answer(session: Session, text: str) -> None:  # noqa: ARG001 (no message is understood yet)
    """Answer one message of a client; one that keeps sending wrong ones is closed."""
    wrong = 1 + (session.context if isinstance(session.context, int) else 0)
    session.context = wrong
    session.send(text_frame(encoded(error_message("unknown_message", "Nothing is expected here."))))
    if wrong >= CLIENT_ERRORS_MAX:
        session.close(CloseCode.TOO_MANY_ERRORS, "too many errors")
