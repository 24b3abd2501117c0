"""The parser of a WebSocket connection until the service accepts or refuses the connection."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from msgspec import json
from websockets.http11 import Response
from websockets.server import ServerProtocol

from tapewire.web.problem import PROBLEM_MEDIA_TYPE, problem_of

_CODES = {HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error"}
_PLAIN_TEXT = "text/plain"


class Handshake(ServerProtocol):
    """Gives refusals the headers of every answer, and a problem as their body.

    uvicorn adds the headers to an acceptance.
    """

    def __init__(
        self,
        *,
        headers: Sequence[tuple[bytes, bytes]],
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Take the options of a parser, and the headers of every answer."""
        super().__init__(**options)
        self._headers = headers

    def send_response(self, response: Response) -> None:
        """Send an acceptance or a refusal of any layer."""
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            if response.headers.get("Content-Type", "").startswith(_PLAIN_TEXT):
                _describe(response)
            for name, value in self._headers:
                response.headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        super().send_response(response)


def _describe(response: Response) -> None:
    """Put a problem in the place of the text of a refusal of the parser or of the server."""
    status = response.status_code
    sentence = bytes(response.body or b"").decode().partition("\n")[0]
    detail = sentence or "The service did not accept the WebSocket connection."
    problem = problem_of(_CODES.get(HTTPStatus(status), "http_error"), detail, status=status)
    response.body = json.encode(problem) + b"\n"
    for name, value in (
        ("Content-Type", PROBLEM_MEDIA_TYPE),
        ("Content-Length", str(len(response.body))),
    ):
        del response.headers[name]
        response.headers[name] = value
