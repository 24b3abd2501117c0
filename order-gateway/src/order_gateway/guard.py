"""ASGI middleware before every route, and the account of a request.

`Guard` of a venue with keys lets no request to `/v1` pass without one. `LocalAdministration` of an
open venue lets clients of this machine alone administer it.

Every path is guarded unless it is public here, so that a new route is not open by mistake. The
WebSocket checks its key itself, because a browser sends it in the first message.
"""

import time

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from order_gateway.authentication import READING_METHODS, check_account_header, check_request
from order_gateway.state import state_of, state_of_scope
from tapewire.api_keys.text import Identity
from tapewire.errors import AdministrationIsLocal, KeyRequired, Refusal, Unavailable
from tapewire.values.account_names import DEFAULT_ACCOUNT, account_in_headers
from tapewire.values.types import Account
from tapewire.web.exposure import is_loopback
from tapewire.web.problem import count_problem, refusal_response

# The key of a request's identity in its scope.
IDENTITY = "tapewire.identity"
GUARDED_PREFIX = "/v1/"
PUBLIC_PATHS = frozenset({"/v1/instruments", "/v1/time"})
PUBLIC_PREFIX = "/v1/instruments/"
ADMINISTRATION_PATHS = frozenset({"/admin", "/v1/admin"})
ADMINISTRATION_PREFIX = "/v1/admin/"


class Guard:
    """Refuses requests whose key is missing, wrong, or does not permit them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the identity into the scope, or answer with the refusal."""
        if scope["type"] != "http" or is_public(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            scope[IDENTITY] = await _admit(scope)
        except (Refusal, Unavailable) as error:
            count_problem(scope, error.code)
            await refusal_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class LocalAdministration:
    """Refuses requests of administrators that come from another machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the refusal."""
        if scope["type"] != "http" or not is_administration(scope["path"]) or is_local(scope):
            await self._app(scope, receive, send)
            return
        error = AdministrationIsLocal()
        count_problem(scope, error.code)
        await refusal_response(error)(scope, receive, send)


def is_administration(path: str) -> bool:
    """Whether the organiser's page or a request of administrators has this path."""
    return path in ADMINISTRATION_PATHS or path.startswith(ADMINISTRATION_PREFIX)


def is_local(scope: Scope) -> bool:
    """Whether the request comes from this machine."""
    client = scope.get("client")
    if client is None:  # A server without addresses, such as a socket in the file system.
        return True
    address: str = client[0]
    # An IPv6 socket shows IPv4 addresses in this form.
    return is_loopback(address.removeprefix("::ffff:"))


def is_public(method: str, path: str) -> bool:
    """Whether a request needs no key: reads of instruments and time, and paths outside `/v1`."""
    if not path.startswith(GUARDED_PREFIX):
        return True
    if method not in READING_METHODS:
        return False
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIX)


def read_account(connection: HTTPConnection) -> Account:
    """The account of a request: of its key; at an open gateway the header `X-Account`, or `demo`.

    Raises a Refusal.
    """
    identity: Identity | None = connection.scope.get(IDENTITY)
    if identity is not None:
        return identity.account
    if state_of(connection).needs_keys:
        raise KeyRequired
    return account_in_headers(connection.scope["headers"]) or DEFAULT_ACCOUNT


async def _admit(scope: Scope) -> Identity:
    state, headers = state_of_scope(scope), scope["headers"]
    client = scope.get("client")
    address: str | None = None if client is None else client[0]
    identity = await state.authentication.by_headers(headers, address)
    try:
        check_account_header(identity, headers)
        check_request(identity, scope["method"], scope["path"])
    except Refusal as error:
        error.headers = state.rate_limits.admit(identity.account, address, 1, time.monotonic_ns())
        raise
    return identity
