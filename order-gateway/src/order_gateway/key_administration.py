"""API keys: created, listed and revoked by an administrator."""

import time
from collections.abc import Mapping
from typing import Any

from order_gateway.admin_params import ApiKeyRequest, KeysParams
from order_gateway.cursors import read_key_cursor
from order_gateway.order_entry import read_moment, read_params
from order_gateway.replies import NO_HEADERS, Reply
from order_gateway.schemas import ApiKeyReply, ApiKeysReply, NewApiKeyReply
from tapewire.api_keys.signing import api_key, derive_secret
from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.text import ApiKey, Permission
from tapewire.errors import InvalidField
from tapewire.matching.engine import Engine
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Account

_Members = tuple[str, Account, list[Permission], str, str, str | None, str | None]


class KeyAdministration:
    """Every answer shows the keys as Redis has them."""

    def __init__(self, store: ApiKeyStore, engine: Engine, master: bytes | None) -> None:
        """`master` is the master secret of signed calls; without it new keys cannot sign."""
        self._master = master
        self._store = store
        self._engine = engine

    async def create(self, params: Mapping[str, Any]) -> Reply:
        """Create a key: 201, with its text, which is shown only once. Raises a Refusal.

        The account of the key is opened if it is new. Every answer has `Cache-Control: no-store`.
        """
        wanted = read_params(ApiKeyRequest, params)
        expires_us = None
        if wanted.expires_at is not None:
            expires_us = read_moment(wanted.expires_at, "expires_at")
            if expires_us <= time.time_ns() // 1_000:
                raise InvalidField(
                    "expires_at", "out_of_range", "expires_at must be later than now."
                )
        account = Account(wanted.account)
        await self._engine.open_account(account)
        new = await self._store.create(
            account,
            [Permission(name) for name in wanted.permissions],
            label=wanted.label,
            expires_us=expires_us,
        )
        key_id = new.record.key_id
        secret = None if self._master is None else derive_secret(self._master, key_id)
        answer = NewApiKeyReply(*_members(new.record), new.text, api_key(key_id), secret)
        return Reply(201, answer, NO_HEADERS)

    async def list(self, params: Mapping[str, Any]) -> Reply:
        """One page of the keys, by id, without their secrets. Raises a Refusal."""
        wanted = read_params(KeysParams, params)
        after = read_key_cursor(wanted.cursor)
        ids = [key_id for key_id in await self._store.ids() if key_id > after]
        page = ids[: wanted.limit]
        records = await self._store.read_many(page)
        cursor = page[-1] if len(ids) > len(page) else None
        keys = [ApiKeyReply(*_members(record)) for record in records]
        return Reply(200, ApiKeysReply(keys, cursor), NO_HEADERS)

    async def revoke(self, key_id: str) -> Reply:
        """Revoke a key for good; to revoke it again is no error. Raises KeyNotFound."""
        return Reply(200, ApiKeyReply(*_members(await self._store.revoke(key_id))), NO_HEADERS)


def _members(record: ApiKey) -> _Members:
    """The members of an ApiKeyReply, in order."""
    return (
        record.key_id,
        record.account,
        [permission for permission in Permission if permission in record.permissions],
        record.label,
        format_timestamp(record.created_us),
        _moment(record.expires_us),
        _moment(record.revoked_us),
    )


def _moment(moment_us: int | None) -> str | None:
    return None if moment_us is None else format_timestamp(moment_us)
