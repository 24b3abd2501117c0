"""A gateway that wants API keys, and the keys for it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import redis

from tapewire import keys
from tapewire.api_keys.text import Permission, make_key, write_record
from tapewire.limits import ACCOUNTS_MAX
from tapewire.matching.command_limits import MatchingLimits
from tapewire.values.types import Account
from tests.support.running.functions import call_function
from tests.support.running.processes import Service, running_gateway
from tests.support.transport.order_bodies import body
from tests.support.transport.raw_websocket import RawWebSocket
from tests.support.transport.rest import JSON


@dataclass(frozen=True, slots=True)
class KeyVenue:
    """One gateway in keys mode, a client of it without a key, and the Redis beneath."""

    service: Service
    api: httpx.Client
    redis: redis.Redis

    def key(
        self,
        account: str,
        *permissions: Permission,
        expires_us: int | None = None,
        created_us: int = 1,
    ) -> str:
        """Write a new key into Redis and open its account; returns the text of the key.

        Without `permissions` the key may trade.
        """
        call_function(
            self.redis, "open_account", keys.account(account), "", MatchingLimits().packed(),
            account, ACCOUNTS_MAX,
        )  # fmt: skip
        new = make_key(
            Account(account),
            permissions or (Permission.TRADE,),
            label="test",
            created_us=created_us,
            expires_us=expires_us,
        )
        fields: dict[Any, Any] = dict(write_record(new.record))
        self.redis.hset(keys.api_key(new.record.key_id), mapping=fields)
        self.redis.sadd(keys.API_KEYS, new.record.key_id)
        return new.text

    def revoke(self, key: str) -> None:
        """Revoke a key as `tapewire key revoke` does."""
        self.redis.hset(keys.api_key(key[3:15]), "revoked_us", "2")

    def ask(self, method: str, path: str, key: str | None, **headers: str) -> httpx.Response:
        """Send a request with a key and further headers; POST, PUT and PATCH carry an order."""
        sent = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        content = body() if method in {"POST", "PUT", "PATCH"} else None
        return self.api.request(method, path, headers=sent, content=content)

    def socket(self, query: str = "", headers: Sequence[str] = ()) -> RawWebSocket:
        """A WebSocket with these header lines."""
        return RawWebSocket(self.service.port, f"/v1/ws{query}", headers=headers)

    def commands(self) -> int:
        """Number of commands that the venue has accepted."""
        count: Any = self.redis.xlen(keys.JOURNAL)
        return int(count)


@contextmanager
def running_key_venue(
    redis_url: str, log_dir: Path, variables: Mapping[str, str] | None = None
) -> Iterator[KeyVenue]:
    """A gateway with `TAPEWIRE_AUTH=keys` and the log level debug."""
    settings = {
        "TAPEWIRE_AUTH": "keys", "TAPEWIRE_LOG_LEVEL": "debug", "TAPEWIRE_FUNDS": "unchecked",
    } | dict(variables or {})  # fmt: skip
    with (
        running_gateway(redis_url, log_dir, settings) as service,
        httpx.Client(base_url=service.url, timeout=30) as api,
        redis.Redis.from_url(redis_url) as client,
    ):
        yield KeyVenue(service, api, client)
