"""Routes whose endpoints take the Request and return the Response, and the JSON of a response.

FastAPI documents such routes like any other but solves no dependencies for them; dependency solving
is a third of the cost of a small request. A direct endpoint reads its own body, headers and path
parameters. What its document does not mention is refused: a query parameter or a body that an
endpoint does not read would be ignored in silence, although the client meant something by it.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from msgspec import json

from tapewire.errors import InvalidField, Refusal
from tapewire.values.json_text import decode_json, shown_name

JSON_MEDIA_TYPE = "application/json"

DirectEndpoint = Callable[[Request], Awaitable[Response]]

_encode = json.Encoder().encode
_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class DirectRoute(APIRoute):
    """Route class: `APIRouter(route_class=DirectRoute)`.

    `openapi_extra` says which query parameters the endpoint reads and whether it reads a body.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself, behind the check of the request."""
        endpoint: DirectEndpoint = self.endpoint
        extra = self.openapi_extra or {}
        parameters = extra.get("parameters", ())
        known = frozenset(item["name"] for item in parameters if item["in"] == "query")
        reads_body = "requestBody" in extra

        async def handle(request: Request) -> Response:
            try:
                if request.scope["query_string"]:
                    _check_query(request, known)
                if not reads_body:
                    await _check_body(request, known)
            except Refusal as error:
                self.refused(request, error)
                raise
            return await endpoint(request)

        return handle

    def refused(self, request: Request, error: Refusal) -> None:
        """Called before a request is refused for an unread query or body."""


def json_response(
    answer: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON_MEDIA_TYPE,
) -> Response:
    """A structure or mapping as JSON, with a newline at its end for clients on a terminal."""
    return Response(_encode(answer) + b"\n", status, headers, media_type)


def _check_query(request: Request, known: frozenset[str]) -> None:
    """Refuse a parameter that is not read, and one that stands twice. Raises InvalidField."""
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        shown = shown_name(name)
        if name not in known:
            allowed = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise InvalidField(
                shown, "unknown_field", f"{shown} is not a query parameter of this path; {allowed}."
            )
        if name in seen:
            raise InvalidField(shown, "duplicate_field", f"{shown} stands twice in the query.")
        seen.add(name)


async def _check_body(request: Request, known: frozenset[str]) -> None:
    """Refuse a body that is not read, unless it says nothing. Raises InvalidField, Refusal."""
    if not any(name in _BODY_HEADERS and value != b"0" for name, value in request.scope["headers"]):
        return
    body = await request.body()
    document = decode_json(body) if body.strip() else {}
    if document == {}:
        return
    name = shown_name(next(iter(document))) if isinstance(document, dict) else "body"
    instead = "send it in the query" if name in known else "leave it out"
    raise InvalidField(
        name, "unknown_field", f"This path reads no body, so {name} would be ignored; {instead}."
    )
