"""Reads a request and answers it: account, body, query, rate limits."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.requests import HTTPConnection
from starlette.routing import Match
from starlette.types import Scope

from order_gateway.batch import orders_in
from order_gateway.errors import InvalidBody, UnsupportedMediaType
from order_gateway.guard import IDENTITY, is_administration, read_account
from order_gateway.replies import Reply
from order_gateway.state import state_of
from tapewire.api_keys.text import Identity
from tapewire.errors import InvalidField, Refusal, Unavailable
from tapewire.values.json_text import decode_json
from tapewire.values.types import Account
from tapewire.web.direct_route import JSON_MEDIA_TYPE, DirectRoute, json_response

CLIENT_PREFIX = "client:"
CHARSET = "utf-8"
# Paths that also fit `/orders/{order_id}`.
_NO_ORDER_IDS = frozenset({"batch", "replace"})


class AccountRoute(DirectRoute):
    """A direct route of an account; a refused request counts for the rate limits too."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does; no order has the name of another path."""
        match, child = super().matches(scope)
        if match is Match.FULL and child["path_params"].get("order_id") in _NO_ORDER_IDS:
            return Match.NONE, {}
        return match, child

    def refused(self, request: Request, error: Refusal) -> None:
        """Take the request from the buckets. Raises RateLimited."""
        error.headers = _admit(request, read_account(request), 1)


class VenueRoute(DirectRoute):
    """A direct route of the whole venue; a refused read of a trader counts like any other."""

    def refused(self, request: Request, error: Refusal) -> None:
        """Take a trader's request from the buckets. Raises RateLimited."""
        if not is_administration(request.url.path):
            error.headers = _admit(request, _account_of_key(request), 1)


Source = Callable[[Request], Awaitable[dict[str, Any]]]


async def answer(
    request: Request,
    operation: str,
    source: Source | None = None,
    path: Mapping[str, str] | None = None,
) -> Response:
    """Run one operation of an account, with the fields that `source` reads and those of the path.

    A refused request counts for the rate limits like any other.
    """
    account = read_account(request)
    try:
        params = {} if source is None else await source(request)
        for name in path or ():
            if name in params:
                raise InvalidField(name, "unknown_field", f"{name} is in the path already.")
    except Refusal as error:
        error.headers = _admit(request, account, 1)
        raise
    if path is not None:
        params.update(path)
    headers = _admit(request, account, orders_in(operation, params))
    return await _run(headers, lambda: state_of(request).operations.run(operation, account, params))


async def answer_trader(
    request: Request, reading: Callable[[], Awaitable[Reply]], account: Account | None = None
) -> Response:
    """Run a read of the venue that traders may repeat; it takes one token.

    Without `account` a request counts for the account of its key; without a key, for its address
    alone.
    """
    headers = _admit(request, account or _account_of_key(request), 1)
    return await _run(headers, reading)


def _account_of_key(request: Request) -> Account | None:
    identity: Identity | None = request.scope.get(IDENTITY)
    return None if identity is None else identity.account


async def _run(headers: Mapping[str, str], run: Callable[[], Awaitable[Reply]]) -> Response:
    """Run an admitted request; its answer or refusal carries the headers of the rate limits."""
    try:
        reply = await run()
    except (Refusal, Unavailable) as error:
        error.headers = headers
        raise
    return json_response(reply.answer, reply.status, {**headers, **reply.headers})


def respond(reply: Reply) -> Response:
    """A reply to an administrator, whose requests no rate limit counts."""
    return json_response(reply.answer, reply.status, reply.headers)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a body. Raises a Refusal."""
    _check_content_type(_header(request, b"content-type"))
    if any(value.strip().lower() != "identity" for value in _header(request, b"content-encoding")):
        raise UnsupportedMediaType(
            "Content-Encoding must be identity or left out: bodies are read uncompressed."
        )
    fields = decode_json(await request.body())
    if not isinstance(fields, dict):
        raise InvalidBody("The body must be a JSON object with the fields of the request.")
    return fields


def _check_content_type(values: list[str]) -> None:
    """Refuse a body that is not one JSON text in UTF-8. Raises UnsupportedMediaType.

    Proxies disagree on which of two equal headers counts, so a second one is refused.
    """
    if len(values) > 1:
        raise UnsupportedMediaType("Content-Type stands twice in the headers.")
    media_type, *parameters = "".join(values).split(";")
    if media_type.strip().lower() != JSON_MEDIA_TYPE:
        raise UnsupportedMediaType("Content-Type must be application/json.")
    for parameter in parameters:
        name, _, charset = parameter.partition("=")
        if name.strip().lower() == "charset" and charset.strip().strip('"').lower() != CHARSET:
            raise UnsupportedMediaType(
                "The charset in Content-Type must be utf-8 or left out: bodies are read as UTF-8."
            )


async def read_query(request: Request) -> dict[str, Any]:
    """The fields of a query string; the route has refused unknown and doubled ones already."""
    return dict(request.query_params)


def read_order_key(request: Request) -> dict[str, str]:
    """The order in a path: `42`, or `client:NAME` with the client order id."""
    return _read_key(request, "order_id")


def read_list_key(request: Request) -> dict[str, str]:
    """The list in a path: `42`, or `client:NAME` with the client list id."""
    return _read_key(request, "list_id")


def _read_key(request: Request, name: str) -> dict[str, str]:
    text: str = request.path_params[name]
    if text.startswith(CLIENT_PREFIX):
        return {f"client_{name}": text.removeprefix(CLIENT_PREFIX)}
    return {name: text}


def _admit(request: Request, account: Account | None, count: int) -> Mapping[str, str]:
    """Take orders from the buckets; the headers for the answer. Raises RateLimited."""
    address = None if request.client is None else request.client.host
    limits = state_of(request).rate_limits
    return limits.admit(account, address, count, time.monotonic_ns())


def _header(connection: HTTPConnection, wanted: bytes) -> list[str]:
    """Every value of a header, without a copy of all headers."""
    return [
        value.decode("latin-1") for name, value in connection.scope["headers"] if name == wanted
    ]
