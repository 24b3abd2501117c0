"""What the guard calls public, and what each permission opens; pure parts."""

import pytest

from order_gateway.authentication import (
    READ_OPERATIONS,
    check_account_header,
    check_account_parameter,
    check_operation,
    check_request,
)
from order_gateway.guard import is_public
from order_gateway.ws.messages import OPERATIONS
from tapewire.api_keys.text import Identity, Permission
from tapewire.errors import AccountMismatch, InvalidField, PermissionDenied
from tapewire.values.account_names import account_in_headers
from tapewire.values.types import Account


def bearer(*permissions: Permission) -> Identity:
    """An identity with these permissions."""
    return Identity(Account("alice"), frozenset(permissions), "x" * 12, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/v1/instruments"),
        ("HEAD", "/v1/instruments"),
        ("GET", "/v1/instruments/BTC-USDT"),
        ("GET", "/v1/time"),
    ],
)
def test_public_paths_are_few(method: str, path: str) -> None:
    """What is traded, and what is not of the interface."""
    assert is_public(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/orders"),
        ("GET", "/v1/"),
        ("GET", "/v1/instrumentsx"),
        ("GET", "/v1/admin/keys"),
        ("POST", "/v1/instruments"),
        ("DELETE", "/v1/instruments/BTC-USDT"),
        ("OPTIONS", "/v1/instruments"),
        ("GET", "/v1/later"),
    ],
)
def test_everything_else_is_not(method: str, path: str) -> None:
    """Also paths and methods that do not exist yet."""
    assert not is_public(method, path)


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/v1/orders", Permission.READ),
        ("HEAD", "/v1/fills", Permission.READ),
        ("POST", "/v1/orders", Permission.TRADE),
        ("BREW", "/v1/orders", Permission.TRADE),
        ("GET", "/v1/admin/keys", Permission.ADMIN),
        ("POST", "/v1/admin/keys", Permission.ADMIN),
    ],
)
def test_a_request_needs_its_permission(method: str, path: str, needed: Permission) -> None:
    """Reading methods read, all others trade, and administration is of its own."""
    check_request(bearer(needed), method, path)
    others = set(Permission) - {needed}
    if needed is Permission.READ:
        others.discard(Permission.TRADE)
    with pytest.raises(PermissionDenied, match=f"`{needed}`"):
        check_request(bearer(*others), method, path)


@pytest.mark.parametrize("operation", [*OPERATIONS, "later"])
def test_an_operation_needs_its_permission(operation: str) -> None:
    """One that is not known to read only needs to trade."""
    check_operation(bearer(Permission.TRADE), operation)
    if operation in READ_OPERATIONS:
        check_operation(bearer(Permission.READ), operation)
    else:
        with pytest.raises(PermissionDenied):
            check_operation(bearer(Permission.READ), operation)
    with pytest.raises(PermissionDenied):
        check_operation(bearer(Permission.ADMIN), operation)


def test_only_the_own_account_may_be_named() -> None:
    """Once, or not at all."""
    check_account_header(bearer(), [(b"host", b"x"), (b"x-account", b"alice")])
    check_account_header(bearer(), [])
    for named in ([b"bob"], [b"alice", b"alice"], [b"alice", b"bob"], [b""]):
        with pytest.raises(AccountMismatch):
            check_account_header(bearer(), [(b"x-account", name) for name in named])
    for name in (None, "alice"):
        check_account_parameter(bearer(), name)
    for name in ("bob", "", "a b"):
        with pytest.raises(AccountMismatch):
            check_account_parameter(bearer(), name)


def test_one_header_names_the_account_of_an_open_gateway() -> None:
    """Without it there is none; a second one, or one that is no name, is refused."""
    assert account_in_headers([(b"x-account", b"alice"), (b"host", b"x")]) == "alice"
    assert account_in_headers([(b"host", b"x")]) is None
    for named in ([b""], [b"a b"], [b"alice", b"alice"], [b"\xe4"]):
        with pytest.raises(InvalidField) as caught:
            account_in_headers([(b"x-account", name) for name in named])
        assert (caught.value.code, caught.value.field) == ("invalid_account", "X-Account")
