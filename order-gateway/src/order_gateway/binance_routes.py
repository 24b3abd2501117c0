"""REST of the surface: every path below `/api`, `/sapi`, `/fapi` and `/dapi`, as middleware.

It stands before the other routes, because each of its errors has Binance's form, unknown paths
included, and because it reads parameters wherever clients put them. Parameters that a call does not
read are ignored, as at Binance.
"""

import logging
import re
from collections import Counter
from http import HTTPStatus

from fastapi import APIRouter, WebSocket
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from order_gateway.binance.callers import Callers
from order_gateway.binance.calls import REST, Call, allowed_methods
from order_gateway.binance.connections import BinanceConnections
from order_gateway.binance.context import MILLISECOND_US, Context
from order_gateway.binance.errors import UNKNOWN, BinanceError, error_of, invalid
from order_gateway.binance.fields import Fields, read_form
from order_gateway.binance.signature import form_payload
from order_gateway.binance.surface import Surface
from order_gateway.binance.usage import Usage, UsageLimits
from order_gateway.binance.user_streams import UserStreams
from order_gateway.catalogue import Catalogue
from order_gateway.operations import Operations
from order_gateway.rate_limit import RateLimits
from order_gateway.settings import GatewaySettings
from order_gateway.state import state_of, state_of_scope
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.binance.answers import is_surface
from tapewire.errors import Refusal, Unavailable
from tapewire.limits import REQUEST_BODY_BYTES_MAX
from tapewire.matching.queries import Queries
from tapewire.redis.client import AsyncRedis
from tapewire.web.direct_route import json_response
from tapewire.web.problem import count_problem
from tapewire.web.rate_limit import client_network
from tapewire.web.websocket_protocol import SCOPE_EXTENSION, SocketProtocol

logger = logging.getLogger(__name__)

KEY_HEADER, UNIT_HEADER = b"x-mbx-apikey", b"x-mbx-time-unit"
METRIC = "binance{}"
_UNITS = {"MICROSECOND": 1, "MILLISECOND": MILLISECOND_US}
_UNSUPPORTED = -1020
_HEADERS = frozenset({KEY_HEADER, UNIT_HEADER})
_PRINTABLE = re.compile(r"[!-~]{1,128}", re.ASCII)


def make_connections(
    settings: GatewaySettings,
    reader: AsyncRedis,
    *,
    operations: Operations,
    queries: Queries,
    catalogue: Catalogue,
    verifier: KeyVerifier,
    limits: RateLimits,
    refusals: Counter[str],
    master: bytes | None,
) -> BinanceConnections:
    """The surface over the objects of a gateway; `reader` reads market data and account logs.

    `master` is the master secret of signed calls, if there is one.
    """
    of_usage = UsageLimits(
        weight_per_minute=settings.binance_weight_per_minute,
        orders_per_ten_s=settings.binance_orders_per_10_s,
        orders_per_day=settings.binance_orders_per_day,
    )
    needs_keys = settings.venue.auth == "keys"
    surface = Surface(
        operations,
        queries,
        catalogue,
        reader,
        callers=Callers(verifier, limits, needs_keys=needs_keys, master=master),
        limits=limits,
        usage=Usage(of_usage, settings.rate_limit_names_max),
    )
    return BinanceConnections(
        surface,
        UserStreams(reader, queries, catalogue, surface.names),
        drain_timeout_s=settings.graceful_shutdown_timeout_s,
        on_refused=lambda code: refusals.update((METRIC.format(code),)),
    )


router = APIRouter()


@router.websocket("/ws-api/v3")
async def websocket_api(websocket: WebSocket) -> None:
    """Calls, session and user data stream over a WebSocket (docs/binance.md)."""
    state = state_of(websocket)
    if state.entry.begun:
        await _deny(websocket, error_of(Unavailable("This process is about to stop.")))
        return
    query = websocket.query_params
    try:
        us_per_unit = read_unit(query.get("timeUnit", "MILLISECOND"))
        shows_limits = Fields(dict(query)).flag("returnRateLimits", default=True)
    except BinanceError as error:
        await _deny(websocket, error)
        return
    await websocket.accept()
    socket: SocketProtocol = websocket.scope["extensions"][SCOPE_EXTENSION]
    socket.adopt(state.binance.open(socket, us_per_unit=us_per_unit, shows_limits=shows_limits))


async def _deny(websocket: WebSocket, error: BinanceError) -> None:
    count_problem(websocket.scope, METRIC.format(error.code))
    await websocket.send_denial_response(json_response(error.body, error.status, error.headers))


class BinanceRest:
    """ASGI middleware that answers the paths of the surface and passes on all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] != "http" or not is_surface(scope["path"]):
            await self._app(scope, receive, send)
            return
        await (await _answer(scope, receive))(scope, receive, send)


async def _answer(scope: Scope, receive: Receive) -> Response:
    """The response to one request: its result or its error."""
    surface = state_of_scope(scope).binance.surface
    client = scope.get("client")
    address = None if client is None else client_network(client[0])
    call, context = REST.get((scope["method"], scope["path"])), None
    try:
        if call is None:
            raise _not_there(scope["method"], scope["path"])
        context = await _read(surface, call, scope, receive)
        surface.take_weight(call, context, address)
        answer = await surface.run(call, context, address)
    except BinanceError as error:
        return _refused(scope, error, surface, call, context)
    except ClientDisconnect:
        return _refused(scope, _not_whole(), surface, call, context)
    except Exception:
        logger.exception("a request of the Binance surface failed")
        failure = BinanceError(
            UNKNOWN, "An unknown error occurred while processing the request.", 500
        )
        return _refused(scope, failure, surface, call, context)
    return json_response(answer, headers=surface.headers(call, context, address))


async def _read(surface: Surface, call: Call, scope: Scope, receive: Receive) -> Context:
    """Parameters and caller of a request. Raises BinanceError, ClientDisconnect."""
    api_key, us_per_unit = _read_headers(scope)
    query: bytes = scope["query_string"]
    body = await _read_body(receive)
    fields = read_form(query, body)
    if call.permission is None:
        return Context(fields, None, us_per_unit)
    client = scope.get("client")
    try:
        identity = await surface.callers.identify(
            api_key, form_payload(query, body), fields, None if client is None else client[0]
        )
    except (Refusal, Unavailable) as error:
        raise error_of(error) from None
    return Context(fields, identity, us_per_unit)


def _read_headers(scope: Scope) -> tuple[str | None, int]:
    """The API key, and microseconds per unit of time. Raises BinanceError.

    Proxies disagree on which of two equal headers counts, so a second one is refused.
    """
    api_key, us_per_unit = None, MILLISECOND_US
    seen: set[bytes] = set()
    for name, value in scope["headers"]:
        if name not in _HEADERS:
            continue
        if name in seen:
            raise BinanceError(-1101, "Duplicate values for a parameter detected.")
        seen.add(name)
        if name == KEY_HEADER:
            text = value.decode("latin-1")
            api_key = text if _PRINTABLE.fullmatch(text) else None
        else:
            us_per_unit = read_unit(value.decode("latin-1"))
    return api_key, us_per_unit


def read_unit(text: str) -> int:
    """Microseconds per unit of time. Raises BinanceError (-1130)."""
    unit = _UNITS.get(text.upper())
    if unit is None:
        raise invalid("timeUnit")
    return unit


async def _read_body(receive: Receive) -> bytes:
    """The whole body. Raises BinanceError (413), ClientDisconnect."""
    body = b""  # A body is almost always one part.
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > REQUEST_BODY_BYTES_MAX:
            raise BinanceError(
                -1101,
                "Too many parameters sent for this endpoint.",
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
        if not message.get("more_body"):
            return body


def _not_there(method: str, path: str) -> BinanceError:
    """404 for an unknown path, 405 for a method that a path does not have."""
    methods = allowed_methods(path)
    if not methods:
        return BinanceError(_UNSUPPORTED, "This operation is not supported.", 404)
    return BinanceError(
        _UNSUPPORTED,
        f"The path does not take {method}.",
        405,
        headers={"Allow": ", ".join(methods)},
    )


def _not_whole() -> BinanceError:
    return BinanceError(UNKNOWN, "The request was not complete.")


def _refused(
    scope: Scope,
    error: BinanceError,
    surface: Surface,
    call: Call | None,
    context: Context | None,
) -> Response:
    count_problem(scope, METRIC.format(error.code))
    client = scope.get("client")
    address = None if client is None else client_network(client[0])
    headers = {} if call is None else surface.headers(call, context, address)
    return json_response(error.body, error.status, {**headers, **error.headers})
