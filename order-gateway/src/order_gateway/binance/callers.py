"""The caller of a signed call: from API key and signature to an identity.

With keys the API key is `tw_KEY_ID`, and its secret is derived from the venue's master secret. In
an open venue the API key is the name of the account, and the secret is the same text. Signatures
are checked in an open venue too, so that clients can test them.
"""

import logging
import re
import time
from collections.abc import Callable
from functools import partial

from order_gateway.binance.errors import BinanceError, error_of, key_missing, key_refused, missing
from order_gateway.binance.fields import SIGNATURE, Fields
from order_gateway.binance.signature import check_signature, check_time, signature_refused
from order_gateway.rate_limit import RateLimits
from tapewire.api_keys.public_keys import verifies
from tapewire.api_keys.signing import derive_secret
from tapewire.api_keys.text import KEY_ID_CHARACTERS, Identity, Permission
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.errors import AuthenticationFailed, ConfigurationError, RateLimited
from tapewire.values.account_names import account_named

logger = logging.getLogger(__name__)

_API_KEY = re.compile(rf"tw_([A-Za-z0-9]{{{KEY_ID_CHARACTERS}}})", re.ASCII)
_EVERYTHING = frozenset({Permission.READ, Permission.TRADE})


class Callers:
    """Proves the caller of a signed call. Safe to share by all connections of a process."""

    def __init__(
        self, verifier: KeyVerifier, limits: RateLimits, *, needs_keys: bool, master: bytes | None
    ) -> None:
        """`master` is the venue's master secret; without it no key of the venue can sign calls."""
        self._verifier = verifier
        self._limits = limits
        self._needs_keys = needs_keys
        self._master = master

    async def identify(
        self, api_key: str | None, payload: bytes, fields: Fields, address: str | None
    ) -> Identity:
        """The identity of a call that was signed within the last `recvWindow`.

        Raises BinanceError: -2014 without a key, -2015 for a wrong one, -1022 for a wrong
        signature, -1021 for a wrong time, -1102 without signature or timestamp. Raises Unavailable.
        """
        if not api_key:
            raise key_missing()
        try:
            self._limits.check_address(address, time.monotonic_ns())
            identity, check = await self._known(api_key)
            signature = fields.optional(SIGNATURE)
            if signature is None:
                raise missing(SIGNATURE)
            check(payload, signature)
        except RateLimited as error:
            raise error_of(error) from None
        except BinanceError as error:
            if error.code in {key_refused().code, signature_refused().code}:
                # A wrong signature is charged to the address like a wrong bearer key.
                self._limits.take_address(address, time.monotonic_ns())
            raise
        check_time(fields, time.time_ns() // 1_000_000)
        return identity

    async def _known(self, api_key: str) -> tuple[Identity, Callable[[bytes, str], None]]:
        """The identity that an API key names, and the check of its signatures.

        Raises BinanceError, Unavailable.
        """
        if not self._needs_keys:
            try:
                identity = Identity(account_named(api_key), _EVERYTHING, "", None)
            except ValueError:
                raise key_missing() from None
            return identity, partial(check_signature, api_key)
        match = _API_KEY.fullmatch(api_key)
        if match is None:
            raise key_missing()
        try:
            record = await self._verifier.named(match[1])
        except AuthenticationFailed:
            raise key_refused() from None
        if record.public_key:
            return record.identity, partial(_check_public_key, record.public_key)
        if self._master is None:
            raise key_refused()
        return record.identity, partial(check_signature, derive_secret(self._master, record.key_id))


def _check_public_key(public_key: str, payload: bytes, signature: str) -> None:
    """Check a signature in base64. Raises BinanceError (-1022, -2015)."""
    try:
        is_good = verifies(public_key, payload, signature)
    except ConfigurationError as error:
        logger.error("a signed call was refused: %s", error)
        raise key_refused() from None
    if not is_good:
        raise signature_refused()


def check_permission(identity: Identity, permission: Permission) -> None:
    """Check that a key permits a call. Raises BinanceError (-2015)."""
    if not identity.allows(permission):
        raise key_refused()
