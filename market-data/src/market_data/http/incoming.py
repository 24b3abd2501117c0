"""The reading of requests in routes, their answers, and the documents of both."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from market_data.errors import StaleData, unknown_symbol
from market_data.http.state import state_of
from tapewire.errors import InvalidField
from tapewire.values.timestamps import parse_timestamp
from tapewire.web.direct_route import JSON_MEDIA_TYPE
from tapewire.web.problem import problem_examples
from tapewire.web.schemas import SchemaReference

BOOK_TIMEOUT_S = 1.0
"""A request for a book that is being read from Redis waits at most this long for it."""

POLL_INTERVAL_S = 0.01
INTEGER_DIGITS_MAX = 16

Choice = TypeVar("Choice")

SYMBOL: dict[str, Any] = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "description": "An instrument",
    "schema": {"type": "string"},
    "example": "BTC-USDT",
}
TIME: dict[str, Any] = {
    "type": "string",
    "format": "date-time",
    "example": "2026-01-31T12:00:00Z",
}
_INTEGER = {"schema": {"type": "integer"}}
_HEADERS: dict[str, Any] = {
    "RateLimit-Limit": _INTEGER | {"description": "Requests of the address at once"},
    "RateLimit-Remaining": _INTEGER | {"description": "Requests that are left"},
    "RateLimit-Reset": _INTEGER | {"description": "Seconds until all requests are available again"},
}


def parameter(
    name: str, text: str, schema: Mapping[str, Any], where: str = "query"
) -> dict[str, Any]:
    """One optional parameter of a request."""
    return {"name": name, "in": where, "required": False, "description": text, "schema": schema}


def integer(low: int, high: int, default: int | None = None) -> dict[str, Any]:
    """The schema of a whole number."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return schema if default is None else schema | {"default": default}


def answered(
    description: str, model: type | None, example: object, media_type: str = JSON_MEDIA_TYPE
) -> dict[str, Any]:
    """One documented answer."""
    content: dict[str, Any] = {"example": example}
    if model is not None:
        content["schema"] = SchemaReference(model)
    return {"description": description, "content": {media_type: content}, "headers": _HEADERS}


def refused(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The documented refusals of a route: its own codes, and those that every route has."""
    every = ("unknown_field", "duplicate_field", "rate_limited", "stale_data", "internal_error")
    return problem_examples(*codes, *(code for code in every if code not in codes))


def admit(request: Request) -> Mapping[str, str]:
    """Count a request; returns headers for its answer. Raises RateLimited, StaleData."""
    state = state_of(request)
    headers = state.limit.admit(address_of(request))
    if not state.feed.started:
        raise StaleData("This process has just started; ask again shortly.")
    if not state.feed.has_venue:
        raise StaleData("Redis holds no venue now; ask again shortly.")
    return headers


def respond(request: Request, body: bytes, headers: Mapping[str, str]) -> Response:
    """A JSON answer with a newline at its end; a large answer counts as more than one request."""
    state_of(request).limit.charge_answer(address_of(request), len(body))
    return Response(body + b"\n", headers=dict(headers), media_type=JSON_MEDIA_TYPE)


def address_of(connection: HTTPConnection) -> str | None:
    """The address of the client."""
    return None if connection.client is None else connection.client.host


async def traded_symbol(request: Request) -> str:
    """The symbol in the path. Raises UnknownSymbol if the venue has no such instrument."""
    symbol: str = request.path_params["symbol"]
    await check_traded(request, symbol)
    return symbol


async def recorded_symbol(request: Request) -> str:
    """The symbol in the path, also of an instrument that was delisted: its history stays.

    Raises UnknownSymbol if the venue never had such an instrument.
    """
    symbol: str = request.path_params["symbol"]
    if symbol not in state_of(request).feed.sequencer.delisted:
        await check_traded(request, symbol)
    return symbol


async def check_traded(request: Request, symbol: str) -> None:
    """Raise UnknownSymbol unless the venue has this instrument."""
    if not await state_of(request).feed.learns([symbol]):
        raise unknown_symbol(symbol)


async def booked_symbol(request: Request) -> str:
    """The symbol in the path, once its book is known. Raises UnknownSymbol."""
    symbol, state = await traded_symbol(request), state_of(request)
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + BOOK_TIMEOUT_S
    # Rare and short, so that an event per book would not pay.
    while state.feed.subscribed and state.books.is_stale(symbol):
        if loop.time() > deadline_s:
            break
        await asyncio.sleep(POLL_INTERVAL_S)
    return symbol


def read_integer(request: Request, name: str, default: int, *, low: int, high: int) -> int:
    """A whole number of the query. Raises InvalidField invalid_value, out_of_range."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise InvalidField(name, "invalid_value", f"{name} must be a whole number.")
    if len(text) > INTEGER_DIGITS_MAX or not low <= int(text) <= high:
        raise InvalidField(name, "out_of_range", f"{name} must be {low} to {high}.")
    return int(text)


def read_choice(request: Request, name: str, choices: Mapping[str, Choice], default: str) -> Choice:
    """A parameter with a fixed set of values. Raises InvalidField invalid_value."""
    text = request.query_params.get(name, default)
    if text not in choices:
        raise InvalidField(name, "invalid_value", f"{name} must be one of {', '.join(choices)}.")
    return choices[text]


def read_time_s(request: Request, name: str) -> int | None:
    """The first whole second that is not before a time of the query.

    Raises InvalidField invalid_value, out_of_range.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        time_us = parse_timestamp(text)
    except ValueError:
        raise InvalidField(
            name, "invalid_value", f"{name} must be a time such as 2026-01-31T12:00:00Z."
        ) from None
    if time_us < 0:
        raise InvalidField(name, "out_of_range", f"{name} must not be before 1970.")
    return -(-time_us // 1_000_000)
