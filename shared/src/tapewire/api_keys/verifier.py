"""Verifies API keys for every service and transport.

The verifier remembers a key for KEY_CACHE_S, so that not every request pays a round trip. A revoked
key is refused after at most KEY_CACHE_S. An expired key is refused at once, by the clock of the
process. Unknown keys are not remembered.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.text import ApiKey, Identity, proves, split_key
from tapewire.errors import KeyExpired, KeyInvalid, KeyRequired, KeyRevoked
from tapewire.limits import KEY_CACHE_S, KEYS_CACHED_MAX

AUTHORIZATION = b"authorization"
# Closes a WebSocket whose key is not valid. Codes from 4500 on: the client must be corrected.
KEY_CLOSE_CODE = 4502

_SCHEME = "bearer"


class _Read(NamedTuple):
    record: ApiKey
    identity: Identity
    read_s: float


class KeyVerifier:
    """Turns the text of a key into an identity. Safe to share by all connections of a process."""

    def __init__(
        self,
        store: ApiKeyStore,
        *,
        cache_s: float = KEY_CACHE_S,
        keys_cached_max: int = KEYS_CACHED_MAX,
        monotonic_s: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._cache_s = cache_s
        self._keys_cached_max = keys_cached_max
        self._monotonic_s = monotonic_s
        self._wall_ns = wall_ns
        # The key that was read longest ago stands first.
        self._cache: OrderedDict[str, _Read] = OrderedDict()

    async def verify(self, text: str) -> Identity:
        """The identity of a key.

        Raises KeyInvalid for a malformed or unknown key and for a wrong secret, all alike. Raises
        KeyRevoked or KeyExpired only if the secret is right. Raises Unavailable if Redis does not
        answer.
        """
        parts = split_key(text)
        if parts is None:
            raise KeyInvalid
        key_id, secret = parts
        known = await self._find(key_id)
        if not proves(None if known is None else known.record, secret) or known is None:
            raise KeyInvalid
        return self._valid(known)

    async def named(self, key_id: str) -> ApiKey:
        """The key of an id, for callers that prove in another way that it is theirs.

        Raises KeyInvalid if there is no such key, KeyRevoked, KeyExpired, Unavailable.
        """
        known = await self._find(key_id)
        if known is None:
            raise KeyInvalid
        self._valid(known)
        return known.record

    async def recheck(self, identity: Identity) -> Identity:
        """Read the key of an open connection from Redis again, past the cache.

        Raises KeyRevoked, KeyExpired, Unavailable, and KeyInvalid if the key no longer exists.
        """
        self._cache.pop(identity.key_id, None)
        known = await self._find(identity.key_id)
        if known is None:
            raise KeyInvalid
        return self._valid(known)

    def check_time(self, identity: Identity) -> None:
        """Check the expiry of a key without Redis. Raises KeyExpired."""
        expires_us = identity.expires_us
        if expires_us is not None and self._wall_ns() >= expires_us * 1_000:
            raise KeyExpired

    def _valid(self, known: _Read) -> Identity:
        if known.record.revoked_us is not None:
            raise KeyRevoked
        self.check_time(known.identity)
        return known.identity

    async def _find(self, key_id: str) -> _Read | None:
        known = self._cache.get(key_id)
        now_s = self._monotonic_s()
        if known is not None and now_s - known.read_s < self._cache_s:
            return known
        record = await self._store.read(key_id)
        if record is None:
            self._cache.pop(key_id, None)
            return None
        # The age counts from before the read, because the answer can be as old as that.
        known = _Read(record, record.identity, now_s)
        self._cache[key_id] = known
        self._cache.move_to_end(key_id)
        if len(self._cache) > self._keys_cached_max:
            self._cache.popitem(last=False)
        return known


def bearer_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The text after `Authorization: Bearer`; None without this header.

    `headers` as ASGI has them, names in lower case. Raises KeyInvalid for a second header and for
    another scheme.
    """
    values = [value for name, value in headers if name == AUTHORIZATION]
    if not values:
        return None
    scheme, _, text = values[0].decode("latin-1").partition(" ")
    if len(values) > 1 or scheme.lower() != _SCHEME:
        raise KeyInvalid
    return text.strip(" ")


async def identify(verifier: KeyVerifier, headers: Iterable[tuple[bytes, bytes]]) -> Identity:
    """The identity that sent a request. Raises KeyRequired and the errors of `verify`."""
    text = bearer_key(headers)
    if text is None:
        raise KeyRequired
    return await verifier.verify(text)
