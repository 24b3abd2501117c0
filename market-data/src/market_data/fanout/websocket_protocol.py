"""The WebSocket connection under the fan-out: that of the venue, with the feed's bounds."""

from market_data.limits import CLIENT_FRAGMENTS_MAX, CLOSE_TIMEOUT_S, SEND_BUFFER_BYTES
from tapewire.web.websocket_protocol import SCOPE_EXTENSION, SocketProtocol

__all__ = ["SCOPE_EXTENSION", "FeedSocketProtocol"]


class FeedSocketProtocol(SocketProtocol):
    """One client of the feed; pass the class as `uvicorn.Config(ws=FeedSocketProtocol)`."""

    send_buffer_bytes: int | None = SEND_BUFFER_BYTES
    close_timeout_s: float = CLOSE_TIMEOUT_S
    fragments_max: int = CLIENT_FRAGMENTS_MAX
