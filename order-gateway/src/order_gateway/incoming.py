"""Reads a request and answers it: account, body, query, rate limits."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.requests import HTTPConnection
from starlette.exceptions import HTTPException

from order_gateway.batch import orders_in
from order_gateway.errors import InvalidBody, UnsupportedMediaType
from order_gateway.guard import read_account
from order_gateway.replies import Reply
from order_gateway.state import state_of
from tapewire.errors import InvalidField, Refusal, Unavailable
from tapewire.values.json_text import decode_json, shown_name
from tapewire.web.direct_route import JSON_MEDIA_TYPE, json_response

CLIENT_ORDER_PREFIX = "client:"
# A path that also fits `/orders/{order_id}`: only its own method may reach it.
BATCH_PATH = "batch"

Source = Callable[[Request], Awaitable[dict[str, Any]]]


async def answer(
    request: Request,
    operation: str,
    source: Source | None = None,
    path: Mapping[str, str] | None = None,
) -> Response:
    """Do one operation of an account, with the fields that `source` reads and those of the path.

    A refused request counts for the rate limits like any other.
    """
    state, account = state_of(request), read_account(request)
    limits = state.rate_limits
    address = None if request.client is None else request.client.host
    try:
        params = {} if source is None else await source(request)
        for name in path or ():
            if name in params:
                raise InvalidField(name, "unknown_field", f"{name} stands in the path already.")
    except Refusal as error:
        error.headers = limits.admit(account, address, 1, time.monotonic_ns())
        raise
    if path is not None:
        params.update(path)
    count = orders_in(operation, params)
    headers = limits.admit(account, address, count, time.monotonic_ns())
    try:
        reply = await state.operations.run(operation, account, params)
    except (Refusal, Unavailable) as error:
        error.headers = headers
        raise
    return json_response(reply.answer, reply.status, {**headers, **reply.headers})


def respond(reply: Reply) -> Response:
    """A reply to a request that no rate limit counts."""
    return json_response(reply.answer, reply.status, reply.headers)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a body. Raises a Refusal."""
    content_type = "".join(_header(request, b"content-type")[:1])
    if content_type.partition(";")[0].strip().lower() != JSON_MEDIA_TYPE:
        raise UnsupportedMediaType("Content-Type must be application/json.")
    fields = decode_json(await request.body())
    if not isinstance(fields, dict):
        raise InvalidBody("The body must be a JSON object with the fields of the request.")
    return fields


async def read_query(request: Request) -> dict[str, Any]:
    """The fields of a query string. Raises InvalidField if one stands twice."""
    pairs = request.query_params.multi_items()
    fields: dict[str, Any] = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = shown_name(next(name for name in names if names.count(name) > 1))
        raise InvalidField(twice, "duplicate_field", f"{twice} stands twice in the query.")
    return fields


def read_order_key(request: Request) -> dict[str, str]:
    """Which order the path names: `42`, or `client:NAME` for the name that the client gave."""
    text: str = request.path_params["order_id"]
    if text == BATCH_PATH:
        raise HTTPException(405)
    if text.startswith(CLIENT_ORDER_PREFIX):
        return {"client_order_id": text.removeprefix(CLIENT_ORDER_PREFIX)}
    return {"order_id": text}


def _header(connection: HTTPConnection, wanted: bytes) -> list[str]:
    """Every value of a header; without the framework's copy of all headers."""
    return [
        value.decode("latin-1") for name, value in connection.scope["headers"] if name == wanted
    ]
