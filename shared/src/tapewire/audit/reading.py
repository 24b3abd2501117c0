"""What an audit reads beside the snapshots: all accounts at one moment, the journal's end, logs."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError, ResponseError

from tapewire import keys
from tapewire.audit.account_log import LogReader
from tapewire.audit.orders import UnreadableRecord
from tapewire.errors import ConfigurationError, RedisUnavailable, TapewireError
from tapewire.journal.entries import read_entry
from tapewire.matching.batcher import Batcher
from tapewire.redis_client import AsyncRedis
from tapewire.types import Account

# Accounts may be opened between listing them and reading them; then both are done again.
TOTALS_ATTEMPTS = 10
# The newest commands among which one is looked for that says whether funds are checked.
COMMANDS_LOOKED_AT = 1_000
LOG_PAGE_EVENTS = 500
_ORDER_OPS = frozenset({"place", "amend"})
_US_PER_S = 1_000_000


class AccountsMoved(TapewireError):
    """Accounts were opened during every attempt to read all of them."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Every account and the supply at one moment; texts as Redis has them."""

    # What could not be read is there without fields.
    accounts: Mapping[Account, Mapping[str, str]]
    supply: Mapping[str, str]
    # How long Redis did nothing else for it.
    blocked_us: int


class AuditReader:
    """Plain reads of one venue."""

    def __init__(self, client: AsyncRedis, batcher: Batcher) -> None:
        self._client: Any = client
        self._batcher = batcher

    async def epoch(self) -> str:
        """The venue's epoch. Raises ConfigurationError if there is no venue, RedisUnavailable."""
        found = await self._ask("GET", keys.EPOCH)
        if not found:
            raise ConfigurationError("this Redis holds no venue.")
        return _text(found)

    async def totals(self) -> Totals:
        """All accounts in one step. Raises AccountsMoved, RedisUnavailable."""
        for _ in range(TOTALS_ATTEMPTS):
            accounts = sorted(await self._ask("SMEMBERS", keys.ACCOUNTS))
            pipeline = self._client.pipeline(transaction=True)
            pipeline.time()
            pipeline.smembers(keys.ACCOUNTS)
            pipeline.hgetall(keys.SUPPLY)
            for account in accounts:
                pipeline.hgetall(keys.account(_text(account)))
            pipeline.time()
            try:
                found = await pipeline.execute(raise_on_error=False)
            except (RedisError, OSError) as error:
                raise RedisUnavailable(f"Redis did not answer ({error}).") from None
            start, listed, supply, *records, end = found
            if listed == set(accounts):
                return Totals(
                    {
                        Account(_text(name)): _texts(record)
                        for name, record in zip(accounts, records, strict=True)
                    },
                    _texts(supply),
                    (end[0] - start[0]) * _US_PER_S + end[1] - start[1],
                )
        raise AccountsMoved(
            f"accounts were opened during each of {TOTALS_ATTEMPTS} attempts; ask again later."
        )

    async def funds_checked(self) -> bool | None:
        """Whether the newest order was placed with its funds checked; None if it is long ago."""
        found = await self._ask("XREVRANGE", keys.JOURNAL, "+", "-", "COUNT", COMMANDS_LOOKED_AT)
        for entry_id, fields in found:
            entry = read_entry(entry_id, _pairs(fields))
            if entry.op in _ORDER_OPS:
                return entry.limits.endswith("|1")
        return None

    async def read_log(
        self, account: Account, log: LogReader, newest: bytes, events_max: int
    ) -> None:
        """Give a log's entries to its reader, from `newest` back. Raises UnreadableRecord."""
        name = keys.account_log(account)
        async for page in self._log_pages(name, newest, events_max):
            for entry_id, fields in page:
                log.read(entry_id, _pairs(fields))
            if len(page) < LOG_PAGE_EVENTS and log.events < events_max:
                log.end(log.events)

    async def _log_pages(
        self, name: str, newest: bytes, events_max: int
    ) -> AsyncIterator[list[tuple[bytes, list[bytes]]]]:
        start, left = newest, events_max
        while left > 0:
            count = min(LOG_PAGE_EVENTS, left)
            page = await self._ask("XREVRANGE", name, start, "-", "COUNT", count)
            yield page
            left -= len(page)
            if len(page) < count:
                return
            start = b"(" + page[-1][0]

    async def _ask(self, *command: str | bytes | int) -> Any:  # noqa: ANN401 (a Redis reply)
        try:
            return await self._batcher.submit(*command)
        except ResponseError as error:
            raise UnreadableRecord(f"{command[0]!s} {command[1]!r}: {error}") from None


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _texts(record: Any) -> dict[str, str]:  # noqa: ANN401 (a Redis reply, or its refusal)
    if not isinstance(record, Mapping):
        return {}
    return {_text(name): _text(value) for name, value in record.items()}


def _text(item: bytes) -> str:
    return item.decode("utf-8", "surrogateescape")
