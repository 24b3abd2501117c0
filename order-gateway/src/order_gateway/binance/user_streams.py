"""Follows the accounts of user data streams: reads their logs in Redis, for all connections.

The position in the log of an account is a cursor, so that a read that failed is repeated and no
event is lost or sent twice. While no account is followed, nothing is read.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from redis.exceptions import RedisError

from order_gateway.binance.context import SymbolNames
from order_gateway.binance.errors import BinanceError
from order_gateway.binance.reports import render_events
from order_gateway.catalogue import Catalogue
from tapewire import keys
from tapewire.errors import MessageError, Unavailable
from tapewire.matching.queries import Queries
from tapewire.redis.client import AsyncRedis
from tapewire.runtime.log import Outage
from tapewire.values.types import Account, Instrument
from tapewire.wire.account_event import AccountEvent, decode_account_event

logger = logging.getLogger(__name__)

FOLLOWED_ACCOUNTS_MAX = 2_000
"""Accounts that the connections of one process follow."""

READ_EVENTS_MAX = 100
"""Events of one account that one read brings."""

BLOCK_MS = 100
"""Longest wait of one read; accounts that were added meanwhile are read next."""

RETRY_S = 0.5
EPOCH_CHECK_S = 1.0
LARGE_EVENT_BYTES = 32_768
"""Events above this are decoded in a thread: 10,000 fills take 200 ms."""

Listener: TypeAlias = Callable[[list[bytes] | None, int], None]
"""Receives the events of one command and the unit of their times; None ends the stream."""


@dataclass(slots=True)
class _Followed:
    """An account: the numbers of its last report and change of balances, and its listeners."""

    seq: int
    balance_seq: int
    listeners: dict[Listener, int] = field(default_factory=dict)

    @property
    def entry_id(self) -> str:
        """The id of the last entry that was read."""
        return f"{self.seq}-{self.balance_seq}"


class UserStreams:
    """The accounts that connections of this process follow. Run it as a supervised task."""

    def __init__(
        self, client: AsyncRedis, queries: Queries, catalogue: Catalogue, names: SymbolNames
    ) -> None:
        """`client` waits for new events, on a connection of its own."""
        self._client: Any = client
        self._queries = queries
        self._catalogue = catalogue
        self._names = names
        self._decimals: dict[str, int] = {}
        self._accounts: dict[Account, _Followed] = {}
        self._wanted = asyncio.Event()
        self._epoch: bytes | None = None
        self._epoch_checked_s = 0.0

    @property
    def followed(self) -> int:
        """The number of followed accounts."""
        return len(self._accounts)

    async def position(self, account: Account) -> tuple[int, int]:
        """The end of the log of an account. Raises BinanceError at the limit, RedisError."""
        known = self._accounts.get(account)
        if known is not None:
            return known.seq, known.balance_seq
        if len(self._accounts) >= FOLLOWED_ACCOUNTS_MAX:
            raise BinanceError(-1003, "Too many user data streams; try another connection.", 429)
        seq, balance_seq = await self._client.hmget(keys.account(account), "seq", "balance_seq")
        return int(seq or 0), int(balance_seq or 0)

    def follow(
        self, account: Account, position: tuple[int, int], listener: Listener, us_per_unit: int
    ) -> None:
        """Send a listener the events of an account after a position."""
        known = self._accounts.setdefault(account, _Followed(*position))
        known.listeners[listener] = us_per_unit
        self._wanted.set()

    def leave(self, account: Account, listener: Listener) -> None:
        """Remove a listener."""
        known = self._accounts.get(account)
        if known is None:
            return
        known.listeners.pop(listener, None)
        if not known.listeners:
            del self._accounts[account]
        if not self._accounts:
            self._wanted.clear()

    async def run(self) -> None:
        """Read until the task is cancelled; while Redis is away, retry every RETRY_S."""
        outage = Outage(logger, "user data streams wait for Redis")
        while True:
            await self._wanted.wait()
            try:
                await self._check_epoch()
                await self._read()
                outage.end()
            except (RedisError, OSError, Unavailable) as error:
                outage.note(error)
                await asyncio.sleep(RETRY_S)

    async def _check_epoch(self) -> None:
        """End every stream if Redis returned without its data: positions are then invalid."""
        now_s = time.monotonic()
        if now_s - self._epoch_checked_s < EPOCH_CHECK_S:
            return
        epoch = await self._client.get(keys.EPOCH)
        self._epoch_checked_s = now_s
        if self._epoch is not None and epoch != self._epoch:
            self._end(list(self._accounts))
        self._epoch = epoch

    async def _read(self) -> None:
        """One read of all logs, which waits for at most BLOCK_MS."""
        cursors = {
            keys.account_log(account): known.entry_id for account, known in self._accounts.items()
        }
        if not cursors:
            return
        reply = await self._client.xread(cursors, count=READ_EVENTS_MAX, block=BLOCK_MS)
        prefix = keys.account_log("")
        for key, entries in _streams(reply):
            account = Account(key.decode().removeprefix(prefix))
            for _, fields in entries:
                await self._deliver(account, fields.get(b"event", b""))

    async def _deliver(self, account: Account, payload: bytes) -> None:
        """Hand the event of one command to all listeners of its account."""
        known = self._accounts.get(account)
        if known is None:
            return
        try:
            if len(payload) > LARGE_EVENT_BYTES:
                event = await asyncio.to_thread(decode_account_event, payload)
            else:
                event = decode_account_event(payload)
        except MessageError as error:
            logger.error("an event of an account cannot be read: %s", error)
            self._end([account])
            return
        if event.last <= known.seq + known.balance_seq:
            # During this read the account was left and followed again from a later position.
            return
        if event.before != (known.seq, known.balance_seq):
            logger.warning("the log of an account lost events before they were read")
            self._end([account])
            return
        rendered = await self._render(event, set(known.listeners.values()))
        known.seq, known.balance_seq = event.header.seq, event.header.balance_seq
        for listener, us_per_unit in list(known.listeners.items()):
            listener(rendered[us_per_unit], us_per_unit)

    async def _render(self, event: AccountEvent, units: Iterable[int]) -> dict[int, list[bytes]]:
        """The events in each unit of time that a listener wants."""
        instruments: dict[str, Instrument] = {}
        for change in event.changes:
            symbol = change.order.symbol
            instruments[symbol] = await self._catalogue.find_recorded(symbol)
        needed = {balance.asset for balance in event.balances}
        needed |= {asset for item in instruments.values() for asset in (item.base, item.quote)}
        if not needed <= self._decimals.keys():
            self._decimals = await self._queries.assets()
        names = self._names.names
        return {
            unit: render_events(event, instruments, self._decimals, names, unit) for unit in units
        }

    def _end(self, accounts: Iterable[Account]) -> None:
        """Call the listeners of accounts: their streams have ended."""
        for account in accounts:
            known = self._accounts.pop(account)
            for listener, us_per_unit in known.listeners.items():
                listener(None, us_per_unit)
        if not self._accounts:
            self._wanted.clear()


def _streams(reply: Any) -> Iterable[tuple[bytes, Any]]:  # noqa: ANN401 (a Redis reply)
    """Key and entries of each stream that has any: a list (RESP2), or a map (RESP3)."""
    if isinstance(reply, dict):
        return [(key, entries[0]) for key, entries in reply.items() if entries]
    return [(key, entries) for key, entries in reply or []]
