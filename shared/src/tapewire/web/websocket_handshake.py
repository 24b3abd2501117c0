"""The parser of a WebSocket connection until it is accepted, or refused as every answer is."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from websockets.http11 import Response
from websockets.server import ServerProtocol


class Handshake(ServerProtocol):
    """Adds the headers of every answer to a refusal; uvicorn adds them to an acceptance."""

    def __init__(
        self,
        *,
        headers: Sequence[tuple[bytes, bytes]],
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Take what a parser takes, and the headers."""
        super().__init__(**options)
        self._headers = headers

    def send_response(self, response: Response) -> None:
        """Send it, in whatever layer it was made."""
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            for name, value in self._headers:
                response.headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        super().send_response(response)
