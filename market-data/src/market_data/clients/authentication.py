"""The account of a connection: its private channels show only that account.

In a venue with keys, the account is the one of the API key in the header `Authorization: Bearer
KEY` of the upgrade or in the request `authenticate`. In an open venue the header `X-Account` or the
request `authenticate` names the account. A connection keeps its account until it closes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from market_data.clients.address_limit import AddressLimit
from market_data.clients.protocol import Request
from market_data.errors import RequestError
from tapewire.api_keys.text import Identity, Permission
from tapewire.api_keys.verifier import KeyVerifier, bearer_key
from tapewire.errors import AccountMismatch, InvalidField, PermissionDenied, Refusal
from tapewire.values.account_names import DEFAULT_ACCOUNT, account_in_headers, account_named
from tapewire.values.types import Account

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Login:
    """An account, and the key that proves it; no key in an open venue."""

    account: Account
    identity: Identity | None = None


class Authenticator:
    """Finds the account of a client, and verifies its key in a venue with keys."""

    def __init__(self, verifier: KeyVerifier | None, limit: AddressLimit) -> None:
        """Without a verifier the venue is open: clients name their account without a key."""
        self.verifier = verifier
        self._limit = limit

    @property
    def default(self) -> Login | None:
        """The account of a client that names none; None in a venue with keys."""
        return Login(DEFAULT_ACCOUNT) if self.verifier is None else None

    async def read_headers(self, headers: Headers, address: str | None) -> Login | None:
        """The account that an upgrade names, if any. Raises Refusal, Unavailable."""
        named = account_in_headers(headers)
        if self.verifier is None:
            return None if named is None else Login(named)
        with self._limit.keys(address):
            key = bearer_key(headers)
            return None if key is None else await self._prove(key, named)

    async def read_request(self, request: Request, address: str | None) -> Login:
        """The account of `authenticate`. Raises RequestError; Unavailable without Redis."""
        try:
            named = None if request.account is None else _account(request.account)
            if self.verifier is None:
                if request.key is not None:
                    raise RequestError("invalid_field", "key: this venue is open; name an account")
                return Login(named or DEFAULT_ACCOUNT)
            if request.key is None:
                raise RequestError("authentication_required", "send the field key")
            with self._limit.keys(address):
                return await self._prove(request.key, named)
        except Refusal as error:
            raise RequestError(error.code, str(error)) from None

    async def _prove(self, key: str, named: Account | None) -> Login:
        if self.verifier is None:
            raise AssertionError("an open venue has no keys")
        identity = await self.verifier.verify(key)
        if not identity.allows(Permission.READ):
            raise PermissionDenied("The key does not permit to read.")
        if named not in {None, identity.account}:
            raise AccountMismatch("account")
        return Login(identity.account, identity)


def _account(text: str) -> Account:
    try:
        return account_named(text)
    except ValueError as error:
        raise InvalidField("account", "invalid_account", f"account: {error}.") from None
