"""Routes whose endpoints take the Request and return the Response, and the JSON of a response.

FastAPI documents such routes like any other but solves no dependencies for them; dependency solving
is a third of the cost of a small request. A direct endpoint reads its own body, headers and path
parameters.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from msgspec import json

JSON_MEDIA_TYPE = "application/json"

DirectEndpoint = Callable[[Request], Awaitable[Response]]

_encode = json.Encoder().encode


class DirectRoute(APIRoute):
    """Route class: `APIRouter(route_class=DirectRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
        endpoint: DirectEndpoint = self.endpoint

        async def handle(request: Request) -> Response:
            return await endpoint(request)

        return handle


def json_response(
    answer: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON_MEDIA_TYPE,
) -> Response:
    """A structure or mapping as JSON, with a newline at its end for clients on a terminal."""
    return Response(_encode(answer) + b"\n", status, headers, media_type)
