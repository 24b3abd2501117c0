"""The REST operations: read the request, ask the engine, render what it answers."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from order_gateway.errors import (
    CANCEL_ERRORS,
    ORDER_ID_ERRORS,
    PLACE_ERRORS,
    UnsupportedMediaType,
)
from order_gateway.order_entry import find_instrument, read_command
from order_gateway.replies import render_instrument, render_instruments, render_order
from order_gateway.schemas import (
    CANCELED_EXAMPLE,
    FILLED_EXAMPLE,
    INSTRUMENT_EXAMPLE,
    ORDER_EXAMPLES,
    InstrumentReply,
    InstrumentsReply,
    OrderReply,
    OrderRequest,
)
from tapewire.direct_route import DirectRoute
from tapewire.errors import InvalidField, UnknownSymbol
from tapewire.limits import ACCOUNT_CHARACTERS_MAX, ORDER_ID_DIGITS_MAX
from tapewire.matching.engine import Engine, Placement
from tapewire.matching.queries import Queries
from tapewire.problem import problem_examples
from tapewire.types import Account, Instrument, Order, OrderCommand, OrderId, Symbol

JSON = "application/json"
DEFAULT_ACCOUNT = Account("demo")
REPLAY_HEADER = {"Idempotent-Replay": "true"}

_ACCOUNT = re.compile(rf"[A-Za-z0-9._:\-]{{1,{ACCOUNT_CHARACTERS_MAX}}}", re.ASCII)
_ORDER_ID = re.compile(rf"[1-9][0-9]{{0,{ORDER_ID_DIGITS_MAX - 1}}}", re.ASCII)

_ACCOUNT_PARAMETER: dict[str, Any] = {
    "name": "X-Account",
    "in": "header",
    "required": False,
    "description": "Whose order it is",
    "schema": {"type": "string", "default": DEFAULT_ACCOUNT, "pattern": f"^{_ACCOUNT.pattern}$"},
}
_ORDER_ID_PARAMETER: dict[str, Any] = {
    "name": "order_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{_ORDER_ID.pattern}$"},
    "example": "42",
}
_SYMBOL_PARAMETER: dict[str, Any] = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "example": "BTC-USDT",
}

router = APIRouter(prefix="/v1", route_class=DirectRoute)


def _answer(description: str, model: type, example: object) -> dict[str, Any]:
    return {
        "description": description,
        "model": model,
        "content": {JSON: {"example": example}},
    }


@router.post(
    "/orders",
    status_code=201,
    tags=["orders"],
    summary="Place an order",
    responses={
        201: _answer("The order, with what it traded at once", OrderReply, FILLED_EXAMPLE),
        200: _answer("The order that has this client_order_id already", OrderReply, FILLED_EXAMPLE)
        | {"headers": {"Idempotent-Replay": {"schema": {"const": "true"}}}},
        **problem_examples(*PLACE_ERRORS),
    },
    openapi_extra={
        "parameters": [_ACCOUNT_PARAMETER],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": OrderRequest.model_json_schema(), "examples": ORDER_EXAMPLES}
            },
        },
    },
)
async def place_order(request: Request) -> Response:
    """Match it against the book; a limit order rests with what is left, others expire with it.

    Safe to send again with the same `client_order_id`.
    """
    content_type, account = _read_headers(request)
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType("Content-Type must be application/json.")
    instruments: Mapping[Symbol, Instrument] = request.app.state.instruments
    command = read_command(await request.body(), account, instruments)
    placement = await _place(request.app.state.engine, command, instruments)
    order = placement.order
    return Response(
        render_order(order, instruments[order.symbol]),
        200 if placement.replayed else 201,
        headers=REPLAY_HEADER if placement.replayed else None,
        media_type=JSON,
    )


@router.get(
    "/orders/{order_id}",
    tags=["orders"],
    summary="Read an order",
    responses={
        200: _answer("The order", OrderReply, FILLED_EXAMPLE),
        **problem_examples(*ORDER_ID_ERRORS),
    },
    openapi_extra={"parameters": [_ORDER_ID_PARAMETER, _ACCOUNT_PARAMETER]},
)
async def read_order(request: Request) -> Response:
    """An open order, or one that closed within the last 24 hours."""
    _, account = _read_headers(request)
    queries: Queries = request.app.state.queries
    return _answer_order(request, await queries.order(account, _read_order_id(request)))


@router.delete(
    "/orders/{order_id}",
    tags=["orders"],
    summary="Cancel an order",
    responses={
        200: _answer("The order, canceled", OrderReply, CANCELED_EXAMPLE),
        **problem_examples(*CANCEL_ERRORS),
    },
    openapi_extra={"parameters": [_ORDER_ID_PARAMETER, _ACCOUNT_PARAMETER]},
)
async def cancel_order(request: Request) -> Response:
    """Take what is left of an open order out of the book."""
    _, account = _read_headers(request)
    engine: Engine = request.app.state.engine
    return _answer_order(request, await engine.cancel(account, _read_order_id(request)))


@router.get(
    "/instruments",
    tags=["instruments"],
    summary="List the instruments",
    responses={
        200: _answer("All", InstrumentsReply, {"instruments": [INSTRUMENT_EXAMPLE]}),
        **problem_examples("internal_error"),
    },
)
async def list_instruments(request: Request) -> Response:
    """What is traded here, with the steps and bounds of prices and quantities."""
    return Response(render_instruments(request.app.state.instruments.values()), media_type=JSON)


@router.get(
    "/instruments/{symbol}",
    tags=["instruments"],
    summary="Read an instrument",
    responses={
        200: _answer("The instrument", InstrumentReply, INSTRUMENT_EXAMPLE),
        **problem_examples("unknown_symbol", "internal_error"),
    },
    openapi_extra={"parameters": [_SYMBOL_PARAMETER]},
)
async def read_instrument(request: Request) -> Response:
    """One instrument."""
    symbol = request.path_params["symbol"]
    instrument = find_instrument(symbol, request.app.state.instruments)
    return Response(render_instrument(instrument), media_type=JSON)


async def _place(
    engine: Engine, command: OrderCommand, instruments: Mapping[Symbol, Instrument]
) -> Placement:
    try:
        return await engine.place(command)
    except UnknownSymbol:
        # The symbol was checked, so Redis came back without its data: tell it, then once more.
        await engine.publish_instruments(instruments)
        return await engine.place(command)


def _answer_order(request: Request, order: Order) -> Response:
    instrument = find_instrument(order.symbol, request.app.state.instruments)
    return Response(render_order(order, instrument), media_type=JSON)


def _read_headers(request: Request) -> tuple[str, Account]:
    """The content type and the account. Raises InvalidField."""
    content_type, accounts = "", []
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"x-account":
            accounts.append(value.decode("latin-1"))
    if not accounts:
        return content_type, DEFAULT_ACCOUNT
    if len(accounts) > 1 or not _ACCOUNT.fullmatch(accounts[0]):
        raise InvalidField(
            "X-Account",
            "invalid_account",
            f"X-Account must be one name of 1 to {ACCOUNT_CHARACTERS_MAX} letters, digits, dots, "
            "underscores, colons or hyphens.",
        )
    return content_type, Account(accounts[0])


def _read_order_id(request: Request) -> OrderId:
    text: str = request.path_params["order_id"]
    if not _ORDER_ID.fullmatch(text):
        raise InvalidField(
            "order_id",
            "invalid_order_id",
            f"order_id must be a whole number of at most {ORDER_ID_DIGITS_MAX} digits.",
        )
    return OrderId(text)
