"""Who asks, proven by an API key: `TAPEWIRE_AUTH=keys`. An open gateway has none of this.

`Guard` stands before every route of `/v1` and lets nothing pass that is not named public here, so
a route that is added later is not open by mistake. The WebSocket asks `Authentication` itself.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from order_gateway.rate_limit import RateLimits
from tapewire.api_keys.text import Identity, Permission
from tapewire.api_keys.verifier import KeyVerifier, identify
from tapewire.errors import (
    AccountMismatch,
    AuthenticationFailed,
    PermissionDenied,
    Refusal,
    Unavailable,
)
from tapewire.web.problem import refusal_response

# Where a request's identity stands in its scope.
IDENTITY = "tapewire.identity"
GUARDED_PREFIX = "/v1/"
ADMIN_PREFIX = "/v1/admin/"
PUBLIC_PATH = "/v1/instruments"
READING_METHODS = frozenset({"GET", "HEAD"})
# Operations over WebSocket that only read; whatever is not here needs `trade`.
READ_OPERATIONS = frozenset({"order", "open_orders", "history", "fills", "ping"})

Headers = Iterable[tuple[bytes, bytes]]


class Authentication:
    """Turns keys into identities, and counts wrong ones against their address."""

    def __init__(self, verifier: KeyVerifier, limits: RateLimits) -> None:
        self.verifier = verifier
        self._limits = limits

    async def by_headers(self, headers: Headers, address: str | None) -> Identity:
        """Who sent these headers. Raises AuthenticationFailed, RateLimited, Unavailable."""
        with self._charging(address):
            return await identify(self.verifier, headers)

    async def by_text(self, text: str, address: str | None) -> Identity:
        """Whose key this is. Raises AuthenticationFailed, RateLimited, Unavailable."""
        with self._charging(address):
            return await self.verifier.verify(text)

    @contextmanager
    def _charging(self, address: str | None) -> Iterator[None]:
        """Look at no key of an address that has used up its bucket; charge it for a wrong one."""
        self._limits.check_address(address, time.monotonic_ns())
        try:
            yield
        except AuthenticationFailed:
            self._limits.take_address(address, time.monotonic_ns())
            raise


class Guard:
    """ASGI middleware: a request for `/v1` passes with a key that permits it, or not at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the identity in the scope, or answer with the reason why there is none."""
        if scope["type"] != "http" or is_public(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            scope[IDENTITY] = await _admit(scope)
        except (Refusal, Unavailable) as error:
            await refusal_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_public(method: str, path: str) -> bool:
    """Whether a request needs no key: what is traded, and all that is not of `/v1`."""
    if not path.startswith(GUARDED_PREFIX):
        return True
    if method not in READING_METHODS:
        return False
    return path == PUBLIC_PATH or path.startswith(f"{PUBLIC_PATH}/")


def check_request(identity: Identity, method: str, path: str) -> None:
    """Whether a key permits a request. Raises PermissionDenied."""
    if path.startswith(ADMIN_PREFIX):
        _check(identity, Permission.ADMIN)
    elif method in READING_METHODS:
        _check(identity, Permission.READ)
    else:
        _check(identity, Permission.TRADE)


def check_operation(identity: Identity, operation: str) -> None:
    """Whether a key permits an operation over WebSocket. Raises PermissionDenied."""
    _check(identity, Permission.READ if operation in READ_OPERATIONS else Permission.TRADE)


def check_account(identity: Identity, named: list[str], field: str) -> None:
    """Refuse every other account than the key's, or its own twice. Raises AccountMismatch."""
    if named and named != [identity.account]:
        raise AccountMismatch(field)


def named_accounts(headers: Headers) -> list[str]:
    """Every value of `X-Account`."""
    return [value.decode("latin-1") for name, value in headers if name == b"x-account"]


def _check(identity: Identity, permission: Permission) -> None:
    if not identity.allows(permission):
        raise PermissionDenied(f"This needs a key with the permission `{permission}`.")


async def _admit(scope: Scope) -> Identity:
    state, headers = scope["app"].state, scope["headers"]
    client = scope.get("client")
    address: str | None = None if client is None else client[0]
    authentication: Authentication = state.authentication
    identity = await authentication.by_headers(headers, address)
    try:
        check_account(identity, named_accounts(headers), "X-Account")
        check_request(identity, scope["method"], scope["path"])
    except Refusal as error:
        limits: RateLimits = state.rate_limits
        error.headers = limits.admit(identity.account, address, 1, time.monotonic_ns())
        raise
    return identity
