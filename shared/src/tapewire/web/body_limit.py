"""ASGI middleware that bounds request bodies, of known and of unknown length."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tapewire.errors import Refusal
from tapewire.web.problem import problem_response


class BodyTooLarge(Refusal):
    """The body exceeds the service's limit in bytes."""

    code = "body_too_large"
    status = 413


class BodyLimit:
    """ASGI middleware: answers 413 to a body over `bytes_max`.

    A declared length is checked at once, because the server holds the client to the declared
    length. Without a declared length the bytes are counted as they arrive, and the reader of the
    body gets BodyTooLarge.
    """

    def __init__(self, app: ASGIApp, *, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._sentence = f"The body is over the limit of {bytes_max} bytes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = -1
        chunked = False
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                chunked = True
        if length > self._bytes_max:
            response = problem_response(BodyTooLarge.code, self._sentence)
            await response(scope, receive, send)
        elif chunked:
            await self._app(scope, self._counted(receive), send)
        else:
            await self._app(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        received_bytes = 0

        async def receive_counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._bytes_max:
                raise BodyTooLarge(self._sentence)
            return message

        return receive_counted
