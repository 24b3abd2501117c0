"""The permissions of an API key, and the identity behind it: `TAPEWIRE_AUTH=keys`."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from order_gateway.rate_limit import RateLimits
from tapewire.api_keys.text import Identity, Permission
from tapewire.api_keys.verifier import KeyVerifier, identify
from tapewire.errors import (
    AccountMismatch,
    AuthenticationFailed,
    InvalidField,
    PermissionDenied,
)
from tapewire.values.account_names import ACCOUNT_HEADER, account_in_headers

ADMIN_PREFIX = "/v1/admin/"
READING_METHODS = frozenset({"GET", "HEAD"})
# Operations over WebSocket that change nothing; every other operation needs `trade`.
READ_OPERATIONS = frozenset(
    {
        "order", "open_orders", "history", "fills", "account", "order_list", "open_lists", "ping",
    }
)  # fmt: skip

Headers = Iterable[tuple[bytes, bytes]]


class Authentication:
    """Turns keys into identities, and counts wrong keys against the address that sent them."""

    def __init__(self, verifier: KeyVerifier, limits: RateLimits) -> None:
        self.verifier = verifier
        self._limits = limits

    async def by_headers(self, headers: Headers, address: str | None) -> Identity:
        """The identity of a request. Raises AuthenticationFailed, RateLimited, Unavailable."""
        with self._charging(address):
            return await identify(self.verifier, headers)

    async def by_text(self, text: str, address: str | None) -> Identity:
        """The identity of a key. Raises AuthenticationFailed, RateLimited, Unavailable."""
        with self._charging(address):
            return await self.verifier.verify(text)

    @contextmanager
    def _charging(self, address: str | None) -> Iterator[None]:
        """Refuse an address whose bucket is empty; charge an address for a wrong key."""
        self._limits.check_address(address, time.monotonic_ns())
        try:
            yield
        except AuthenticationFailed:
            self._limits.take_address(address, time.monotonic_ns())
            raise


def check_request(identity: Identity, method: str, path: str) -> None:
    """Check that a key permits a request. Raises PermissionDenied."""
    if path.startswith(ADMIN_PREFIX):
        _check(identity, Permission.ADMIN)
    elif method in READING_METHODS:
        _check(identity, Permission.READ)
    else:
        _check(identity, Permission.TRADE)


def check_operation(identity: Identity, operation: str) -> None:
    """Check that a key permits an operation over WebSocket. Raises PermissionDenied."""
    _check(identity, Permission.READ if operation in READ_OPERATIONS else Permission.TRADE)


def check_account_header(identity: Identity, headers: Headers) -> None:
    """Check that `X-Account`, if sent, names the account of the key. Raises AccountMismatch."""
    try:
        named = account_in_headers(headers)
    except InvalidField:
        raise AccountMismatch(ACCOUNT_HEADER) from None
    if named not in {None, identity.account}:
        raise AccountMismatch(ACCOUNT_HEADER)


def check_account_parameter(identity: Identity, name: str | None) -> None:
    """Check that `account`, if sent, names the account of the key. Raises AccountMismatch."""
    if name not in {None, identity.account}:
        raise AccountMismatch("account")


def _check(identity: Identity, permission: Permission) -> None:
    if not identity.allows(permission):
        raise PermissionDenied(f"The request needs a key with the permission `{permission}`.")
