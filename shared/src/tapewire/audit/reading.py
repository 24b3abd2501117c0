"""The reads of an audit besides the snapshots: all accounts at one moment, commands, logs."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from tapewire import keys
from tapewire.audit.account_log import LogReader
from tapewire.audit.markets import MarketSnapshot
from tapewire.audit.orders import UnreadableRecord
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.journal.entries import JournalEntry, read_entry
from tapewire.matching.batcher import Batcher
from tapewire.packed.layout import COMMAND_LIMITS, CommandLimits
from tapewire.values.types import Account, Side, Symbol

# Accounts that are opened between listing and reading cost another attempt.
TOTALS_ATTEMPTS = 10
# Attempts that read the accounts in pages before their step.
QUICK_ATTEMPTS = 5
PAGE_ACCOUNTS = 200
# Newest commands that are searched for an order, whose limits say whether funds are checked.
COMMANDS_LOOKED_AT = 1_000
LOG_PAGE_EVENTS = 500
# Reads that one round trip adds to the transaction.
QUEUED_COMMANDS = 2_000
_ORDER_OPS = frozenset({"place", "amend"})
# The fields of an account of which one grows whenever a balance of the account changes.
_SEQUENCES = ("seq", "balance_seq")


class AccountsMoved(TapewireError):
    """Accounts were opened during every attempt to read all accounts."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Every account and the supply at one moment, as Redis has them."""

    # An account that could not be read has no fields.
    accounts: Mapping[Account, Mapping[str, str]]
    supply: Mapping[str, str]
    # Seconds until the answer of the transaction was read: Redis stood still for less.
    answered_s: float


class AuditReader:
    """Plain reads of one venue."""

    def __init__(self, batcher: Batcher) -> None:
        # The transaction that reads all accounts needs a connection of its own.
        self._batcher = batcher

    async def epoch(self) -> str:
        """The venue's epoch. Raises ConfigurationError if there is no venue, Unavailable."""
        found = await self._ask("GET", keys.EPOCH)
        if not found:
            raise ConfigurationError("this Redis holds no venue.")
        return _text(found)

    async def totals(self) -> Totals:
        """All accounts as of one moment. Raises AccountsMoved, Unavailable.

        The accounts are read in pages first. One step then reads the sequence numbers of all
        accounts, which change with every balance, and again the accounts that changed before: Redis
        stands still for the sequence numbers only. `QUICK_ATTEMPTS` steps at which other accounts
        had changed are followed by steps that read every account.
        """
        known: dict[Account, Mapping[str, str]] = {}
        moving: set[Account] = set()
        for attempt in range(TOTALS_ATTEMPTS):
            names = [Account(_text(name)) for name in await self._ask("SMEMBERS", keys.ACCOUNTS)]
            if attempt < QUICK_ATTEMPTS:
                await self._read_missing(known, names)
            else:
                moving = set(names)
            found, answered_s = await self._timed_step(
                [
                    ("SCARD", keys.ACCOUNTS),
                    ("HGETALL", keys.SUPPLY),
                    *(
                        ("HGETALL", keys.account(name))
                        if name in moving
                        else ("HMGET", keys.account(name), *_SEQUENCES)
                        for name in names
                    ),
                ]
            )
            listed, supply, *replies = found
            changed = False
            for name, reply in zip(names, replies, strict=True):
                if name in moving:
                    known[name] = _texts(reply)
                elif _sequences(reply) != [known[name].get(field) for field in _SEQUENCES]:
                    moving.add(name)
                    changed = True
            if listed == len(names) and not changed:
                return Totals(
                    {name: known[name] for name in sorted(names)},
                    _texts(supply),
                    answered_s,
                )
        raise AccountsMoved(
            f"accounts were opened during each of {TOTALS_ATTEMPTS} attempts; ask again later."
        )

    async def _read_missing(
        self, known: dict[Account, Mapping[str, str]], names: Sequence[Account]
    ) -> None:
        """Read the accounts that are not known yet, a page in each round trip."""
        missing = [name for name in names if name not in known]
        for first in range(0, len(missing), PAGE_ACCOUNTS):
            page = missing[first : first + PAGE_ACCOUNTS]
            replies = await asyncio.gather(
                *(self._batcher.submit("HGETALL", keys.account(name)) for name in page),
                return_exceptions=True,
            )
            for name, reply in zip(page, replies, strict=True):
                if isinstance(reply, BaseException) and not isinstance(reply, ResponseError):
                    raise reply
                known[name] = _texts(reply)

    async def funds_checked(self) -> bool | None:
        """Whether the newest order had checked funds; None if no recent command tells."""
        found = await self._ask("XREVRANGE", keys.JOURNAL, "+", "-", "COUNT", COMMANDS_LOOKED_AT)
        for entry_id, fields in found:
            entry = read_entry(entry_id, _pairs(fields))
            if entry.op in _ORDER_OPS:
                limits = _limits(entry)
                return None if limits is None else limits.funds_checked == "1"
        return None

    async def fees_per_order(self) -> bool:
        """Whether all fees are rounded per order: no command of format 1 is in the journal."""
        for entry_id, fields in await self._ask("XRANGE", keys.JOURNAL, "-", "+", "COUNT", 1):
            limits = _limits(read_entry(entry_id, _pairs(fields)))
            return limits is not None and limits.fees_per_order == "1"
        return True

    async def symbols(self) -> list[Symbol]:
        """Every symbol that is listed or delisted, sorted. Raises Unavailable."""
        listed = await self._ask("SMEMBERS", keys.INSTRUMENTS)
        delisted = await self._ask("SMEMBERS", keys.DELISTED)
        return sorted({Symbol(_text(name)) for name in (*listed, *delisted)})

    async def market(self, symbol: Symbol) -> MarketSnapshot:
        """A market at one moment. Raises Unavailable."""
        indexes = [index(symbol, side) for index in (keys.queue, keys.stops) for side in Side]
        record, newest, broken, *counts = await self._one_step(
            [
                ("HGETALL", keys.market(symbol)),
                ("XREVRANGE", keys.replay_log(symbol), "+", "-", "COUNT", "1"),
                ("HGET", keys.BROKEN, symbol),
                ("SISMEMBER", keys.INSTRUMENTS, symbol),
                ("SISMEMBER", keys.DELISTED, symbol),
                ("EXISTS", *indexes),
            ]
        )
        is_listed, is_delisted, has_orders = map(bool, counts)
        return MarketSnapshot(
            _texts(record),
            _text(newest[0][0]) if isinstance(newest, list) and newest else "",
            _text(broken) if isinstance(broken, bytes) else "",
            is_listed=is_listed,
            is_delisted=is_delisted,
            has_orders=has_orders,
        )

    async def read_log(
        self, account: Account, log: LogReader, newest: bytes, events_max: int
    ) -> None:
        """Give the entries of a log to its reader, from `newest` back. Raises UnreadableRecord."""
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

    async def _one_step(self, commands: list[tuple[str, ...]]) -> list[Any]:
        """The replies to plain reads, run in one transaction."""
        return (await self._timed_step(commands))[0]

    async def _timed_step(self, commands: list[tuple[str, ...]]) -> tuple[list[Any], float]:
        """The replies to plain reads, run in one transaction; the seconds until its answer.

        Redis queues the reads in several round trips and serves other clients between them. In a
        transaction TIME stands still, so it cannot tell how long the transaction took.
        """
        await self._batcher.submit("MULTI")
        for first in range(0, len(commands), QUEUED_COMMANDS):
            page = commands[first : first + QUEUED_COMMANDS]
            await asyncio.gather(*(self._batcher.submit(*command) for command in page))
        started_s = time.perf_counter()
        replies: list[Any] = await self._batcher.submit("EXEC")
        return replies, time.perf_counter() - started_s

    async def _ask(self, *command: str | bytes | int) -> Any:  # noqa: ANN401 (a Redis reply)
        try:
            return await self._batcher.submit(*command)
        except ResponseError as error:
            raise UnreadableRecord(f"{command[0]!s} {command[1]!r}: {error}") from None


def _limits(entry: JournalEntry) -> CommandLimits | None:
    try:
        return COMMAND_LIMITS.read(entry.limits)
    except ValueError:
        return None  # `tapewire journal verify` names the entry


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _texts(reply: Any) -> dict[str, str]:  # noqa: ANN401 (a Redis reply, or its refusal)
    if isinstance(reply, Mapping):
        reply = [item for pair in reply.items() for item in pair]
    if not isinstance(reply, list):
        return {}
    texts = [_text(item) for item in reply]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _sequences(reply: Any) -> list[str | None]:  # noqa: ANN401 (a Redis reply, or its refusal)
    if not isinstance(reply, list):
        return [None] * len(_SEQUENCES)
    return [None if item is None else _text(item) for item in reply]


def _text(item: bytes) -> str:
    return item.decode("utf-8", "surrogateescape")
