"""WebSocket frames from server to client, built once for all clients."""

from tapewire.web.websocket_frames import close_frame, close_reason, text_frame

__all__ = ["close_frame", "close_reason", "text_frame"]
