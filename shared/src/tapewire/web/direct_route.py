"""Routes whose endpoints take the Request and give the Response, with nothing in between.

FastAPI documents them like any other, but solves no dependencies for them, which is a third of the
cost of a small request. Such an endpoint reads its own body, headers and path parameters.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

DirectEndpoint = Callable[[Request], Awaitable[Response]]


class DirectRoute(APIRoute):
    """To be used as `APIRouter(route_class=DirectRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself."""
        endpoint: DirectEndpoint = self.endpoint

        async def handle(request: Request) -> Response:
            return await endpoint(request)

        return handle
