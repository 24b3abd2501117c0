"""Routes whose endpoints take the Request and return the Response directly.

FastAPI documents such routes like any other but solves no dependencies for them; dependency solving
is a third of the cost of a small request. A direct endpoint reads its own body, headers and path
parameters.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

DirectEndpoint = Callable[[Request], Awaitable[Response]]


class DirectRoute(APIRoute):
    """Route class: `APIRouter(route_class=DirectRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
        endpoint: DirectEndpoint = self.endpoint

        async def handle(request: Request) -> Response:
            return await endpoint(request)

        return handle
