"""API keys in Redis: created, listed, revoked, read.

The journal does not record keys, because they are no state of a market. The store has a connection
of its own, so that keys and orders do not wait for each other.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, Self

from tapewire import keys
from tapewire.api_keys.text import (
    ApiKey,
    NewKey,
    Permission,
    is_key_id,
    make_key,
    read_record,
    write_record,
)
from tapewire.errors import Conflict, KeyNotFound, OutcomeUnknown, RedisUnavailable
from tapewire.limits import API_KEY_KEPT_S, API_KEYS_MAX, COMMANDS_PER_ROUND_TRIP_MAX
from tapewire.matching.batcher import Batcher
from tapewire.packed.records import read_pairs
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async
from tapewire.redis.failovers import FailoverGuard
from tapewire.values.types import Account

_MICROSECONDS = 1_000_000


class ApiKeyStore:
    """All keys of the venue. Safe to share by all requests of a process.

    Every method raises Unavailable if Redis does not answer in time.
    """

    def __init__(
        self, client: AsyncRedis, *, timeout_s: float, guard: FailoverGuard | None = None
    ) -> None:
        self._client = client
        self._batcher = Batcher(client, timeout_s=timeout_s, guard=guard)

    @classmethod
    def open(cls, address: RedisAddress, guard: FailoverGuard | None = None) -> Self:
        """Make a store; it connects with its first command."""
        return cls(open_async(address), timeout_s=address.timeout_s, guard=guard)

    async def close(self) -> None:
        """Disconnect."""
        await self._batcher.close()
        await self._client.aclose()

    async def read(self, key_id: str) -> ApiKey | None:
        """Read one key; None if Redis has no key with this id, or has deleted it."""
        fields = await self._ask("HGETALL", keys.api_key(key_id))
        return read_record(key_id, read_pairs(fields))

    async def create(
        self,
        account: Account,
        permissions: Iterable[Permission],
        *,
        label: str = "",
        expires_us: int | None = None,
        public_key: str = "",
    ) -> NewKey:
        """Create a key; `expires_us` in microseconds since 1970. Raises Conflict at the limit.

        Signed calls of the key are checked with its `public_key` (public_keys.py), if given.
        """
        new = make_key(
            account,
            permissions,
            label=label,
            created_us=time.time_ns() // 1_000,
            expires_us=expires_us,
            public_key=public_key,
        )
        key_id = new.record.key_id
        name = keys.api_key(key_id)
        fields = [part for pair in write_record(new.record).items() for part in pair]
        await self._change("HSET", name, *fields)
        if expires_us is not None:
            await self._change("EXPIREAT", name, expires_us // _MICROSECONDS + API_KEY_KEPT_S)
        # The count includes the new key, so that two keys created at once cannot pass the limit.
        await self._change("SADD", keys.API_KEYS, key_id)
        if await self._is_over_the_limit():
            await self._change("SREM", keys.API_KEYS, key_id)
            await self._change("DEL", name)
            raise Conflict("keys_limit", f"The venue has {API_KEYS_MAX} keys; revoke some.")
        return new

    async def revoke(self, key_id: str) -> ApiKey:
        """Revoke a key for good; to revoke it again is no error. Raises KeyNotFound."""
        record = await self.read(key_id) if is_key_id(key_id) else None
        if record is None:
            raise KeyNotFound("No key has this id.")
        if record.revoked_us is None:
            name = keys.api_key(key_id)
            await self._change("HSET", name, "revoked_us", str(time.time_ns() // 1_000))
            await self._change("EXPIRE", name, API_KEY_KEPT_S)
        return await self.read(key_id) or record

    async def ids(self) -> list[str]:
        """The id of every key, sorted. Redis may have deleted some of the keys after their end."""
        members = await self._ask("SMEMBERS", keys.API_KEYS)
        return sorted(member.decode() for member in members)

    async def read_many(self, key_ids: Sequence[str]) -> list[ApiKey]:
        """The keys with these ids; ids without a key are left out."""
        found: list[ApiKey | None] = []
        for first in range(0, len(key_ids), COMMANDS_PER_ROUND_TRIP_MAX):
            part = key_ids[first : first + COMMANDS_PER_ROUND_TRIP_MAX]
            found += await asyncio.gather(*(self.read(key_id) for key_id in part))
        return [record for record in found if record is not None]

    async def _is_over_the_limit(self) -> bool:
        """Whether Redis holds more keys than the limit. Removes ids whose key Redis has deleted."""
        if await self._ask("SCARD", keys.API_KEYS) <= API_KEYS_MAX:
            return False
        known = await self.ids()
        kept = {record.key_id for record in await self.read_many(known)}
        for key_id in known:
            if key_id not in kept:
                await self._change("SREM", keys.API_KEYS, key_id)
        return len(kept) > API_KEYS_MAX

    async def _ask(self, *command: str | int) -> Any:  # noqa: ANN401 (a Redis reply)
        """Send a command that reads. A lost answer means that nothing was done."""
        try:
            return await self._batcher.submit(*command)
        except OutcomeUnknown:
            raise RedisUnavailable("Redis did not answer in time; nothing was done.") from None

    async def _change(self, *command: str | int) -> None:
        try:
            await self._batcher.submit(*command)
        except OutcomeUnknown:
            raise OutcomeUnknown(
                "The answer of Redis was lost. List the keys to see whether the change was made."
            ) from None
