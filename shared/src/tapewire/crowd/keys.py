"""API keys of the demo crowd at a venue with keys: made by the launcher, read by the crowd."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

import msgspec

from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.text import Permission
from tapewire.crowd.traders import MAKERS, TAKERS
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.redis.client import RedisAddress
from tapewire.values.types import Account

LABEL = "demo crowd"
# A crowd that is killed leaves keys behind; they end by themselves.
KEPT_S = 7 * 24 * 3_600
OPERATOR = Account("demo-operator")
FILE_NAME = "demo-keys.json"
TIMEOUT_S = 2.0
FILE_BYTES_MAX = 65_536


class CrowdKeys:
    """The keys of one crowd: in Redis, and in a file that only its owner can read."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        """The file is left in `folder`."""
        self.path = folder / FILE_NAME
        self._address = RedisAddress(
            redis_url, connect_timeout_s=TIMEOUT_S, timeout_s=TIMEOUT_S, client_name="crowd"
        )

    def make(self) -> None:
        """Make a key for each trader and an admin key; keys of an earlier crowd are revoked.

        Raises ConfigurationError, Conflict at the limit of keys, Unavailable.
        """
        keys = asyncio.run(self._renew())
        try:
            self.path.unlink(missing_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(keys))
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be written: {error.strerror}") from None

    def drop(self) -> None:
        """Revoke the keys if Redis answers, and remove the file. Keys left over end by KEPT_S."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        with contextlib.suppress(TapewireError):
            asyncio.run(self._revoke())

    async def _renew(self) -> dict[Account, str]:
        store = ApiKeyStore.open(self._address)
        try:
            await _revoke_all(store)
            expires_us = (time.time_ns() // 1_000_000_000 + KEPT_S) * 1_000_000
            made = {}
            for account in (OPERATOR, *MAKERS, *TAKERS):
                permission = Permission.ADMIN if account == OPERATOR else Permission.TRADE
                key = await store.create(account, [permission], label=LABEL, expires_us=expires_us)
                made[account] = key.text
            return made
        finally:
            await store.close()

    async def _revoke(self) -> None:
        store = ApiKeyStore.open(self._address)
        try:
            await _revoke_all(store)
        finally:
            await store.close()


async def _revoke_all(store: ApiKeyStore) -> None:
    for record in await store.read_many(await store.ids()):
        if record.label == LABEL and record.revoked_us is None:
            await store.revoke(record.key_id)


def read_keys(path: Path) -> dict[str, str]:
    """The keys of such a file, by account. Raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            keys = msgspec.json.decode(file.read(FILE_BYTES_MAX), type=dict[str, str])
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no file of keys: {error}") from None
    missing = {OPERATOR, *MAKERS, *TAKERS} - keys.keys()
    if missing:
        raise ConfigurationError(f"{path} has no key of {', '.join(sorted(missing))}")
    return keys
