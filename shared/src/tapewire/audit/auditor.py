"""Every check on a venue that trades; dependent records are read in one atomic step."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from redis.exceptions import ResponseError

from tapewire.audit.account_log import LogReader
from tapewire.audit.balances import (
    negative_differences,
    parse_account,
    parse_supply,
    supply_differences,
)
from tapewire.audit.comparison import (
    expiring_differences,
    hold_differences,
    level_differences,
    listing_differences,
    place_differences,
    queue_differences,
    stop_differences,
)
from tapewire.audit.fees import FeeReader
from tapewire.audit.findings import Check, Findings
from tapewire.audit.markets import market_differences
from tapewire.audit.orders import UnreadableRecord
from tapewire.audit.reading import AccountsMoved, AuditReader, Totals
from tapewire.matching.batcher import Batcher
from tapewire.matching.queries import Queries
from tapewire.matching.snapshots import START, AccountSnapshot, Bounds, IndexPart, Snapshots
from tapewire.values.account_types import AccountRecord
from tapewire.values.types import Account, Instrument, Side, Symbol

# Orders that one step reads: of an account, or whole levels of an index.
ACCOUNT_ORDERS_PER_STEP = 250
PART = Bounds(orders=200, orders_max=500, level_max=20_000)
PAGE_LEVELS = 200
# Accounts that are asked for in one round trip, which Redis serves as a whole before other clients.
ACCOUNTS_PER_ROUND_TRIP = 4
"""Bounds on what one step may read; measured times are in docs/accounts.md."""


class Auditor:
    """One audit of one venue, over a connection of its own."""

    def __init__(self, batcher: Batcher, *, log_events_max: int, is_checked: bool | None) -> None:
        self._reader = AuditReader(batcher)
        self._snapshots = Snapshots(batcher)
        self._queries = Queries(batcher)
        self._log_events_max = log_events_max
        self._is_checked = is_checked
        self._found = Findings()
        self._instruments: dict[Symbol, Instrument] = {}
        self._placed: set[str] = set()
        self._epoch = ""
        self._fees_per_order = True

    async def run(self) -> Findings:
        """Run every check. Raises ConfigurationError (no venue), AccountsMoved, Unavailable."""
        self._epoch = await self._reader.epoch()
        self._fees_per_order = await self._reader.fees_per_order()
        await self._read_instruments()
        totals = await self._reader.totals()
        await self._check_totals(totals)
        names = list(totals.accounts)
        for first in range(0, len(names), ACCOUNTS_PER_ROUND_TRIP):
            page = names[first : first + ACCOUNTS_PER_ROUND_TRIP]
            await asyncio.gather(
                *(self._guard(Check.HOLDS, self._check_account(name)) for name in page)
            )
        for symbol in await self._reader.symbols():
            self._found.count(Check.MARKETS, "markets")
            market = await self._reader.market(symbol)
            self._found.differ(Check.MARKETS, market_differences(symbol, market))
        for symbol in list(self._instruments):
            for side in Side:
                await self._guard(Check.BOOKS, self._check_side(symbol, side))
            self._found.count(Check.BOOKS, "markets")
        await self._guard(Check.BOOKS, self._check_expiring())
        return self._found

    async def _check_totals(self, totals: Totals) -> None:
        records, unreadable = [], []
        for name, fields in totals.accounts.items():
            try:
                records.append(parse_account(name, fields))
            except UnreadableRecord as error:
                unreadable.append(str(error))
        self._found.differ(Check.SUPPLY, unreadable)
        self._found.count(Check.SUPPLY, "accounts", len(totals.accounts))
        try:
            supply = parse_supply(totals.supply)
        except UnreadableRecord as error:
            self._found.differ(Check.SUPPLY, [str(error)])
        else:
            self._found.count(Check.SUPPLY, "assets", len(supply))
            self._found.differ(Check.SUPPLY, supply_differences(records, supply))
        self._found.remarks[Check.SUPPLY] = (
            f"read in one step, answered in {totals.answered_s * 1_000:.1f} ms"
        )
        await self._check_negative(records)

    async def _check_negative(self, records: Iterable[AccountRecord]) -> None:
        checked = self._is_checked
        if checked is None:
            checked = await self._reader.funds_checked()
            if checked is None:
                self._found.remarks[Check.NEGATIVE] = (
                    "available not judged: no new order tells whether funds are checked"
                )
        if checked is False:
            self._found.remarks[Check.NEGATIVE] = (
                "available may be below zero: funds are not checked"
            )
        for record in records:
            self._found.count(Check.NEGATIVE, "balances", len(record.balances))
            self._found.differ(
                Check.NEGATIVE, negative_differences(record, funds_checked=bool(checked))
            )

    async def _check_account(self, name: Account) -> None:
        snapshot = await self._snapshots.account(name, ACCOUNT_ORDERS_PER_STEP)
        if snapshot is None:
            raise AccountsMoved(
                f"account {name} changed faster than its open orders could be read; ask again "
                "later."
            )
        record = parse_account(name, snapshot.fields)
        self._found.count(Check.HOLDS, "accounts")
        if any(entry.symbol not in self._instruments for entry in snapshot.orders):
            await self._read_instruments()
        self._found.count(Check.HOLDS, "assets", len(record.balances))
        self._found.differ(Check.HOLDS, hold_differences(snapshot, record, self._instruments))
        self._found.differ(Check.ORDERS, listing_differences(snapshot))
        await self._check_places([entry.order_id for entry in snapshot.orders])
        await self._check_log(snapshot, record)

    async def _check_places(self, order_ids: Iterable[str]) -> None:
        """The orders of an index that no earlier index has led to."""
        fresh = [order_id for order_id in order_ids if order_id not in self._placed]
        self._placed.update(fresh)
        self._found.count(Check.ORDERS, "orders", 0)
        for first in range(0, len(fresh), PART.orders):
            placed = await self._snapshots.places(fresh[first : first + PART.orders])
            self._found.count(Check.ORDERS, "orders", len(placed))
            self._found.differ(Check.ORDERS, place_differences(placed))

    async def _check_log(self, snapshot: AccountSnapshot, record: AccountRecord) -> None:
        fees = FeeReader(self._instruments, only_per_order=self._fees_per_order)
        log = LogReader(record, self._epoch, fees)
        try:
            if snapshot.newest_event is None:
                log.end(0)
            else:
                name = Account(snapshot.account)
                newest = snapshot.newest_event[0]
                await self._reader.read_log(name, log, newest, self._log_events_max)
        except UnreadableRecord as error:
            self._found.differ(Check.LOGS, [str(error)])
        self._found.count(Check.LOGS, "accounts")
        self._found.count(Check.LOGS, "events", log.events)

    async def _check_side(self, symbol: Symbol, side: Side) -> None:
        async def read_queue(start: str) -> IndexPart:
            return await self._snapshots.queue(symbol, side, start, PART)

        async def read_stops(start: str) -> IndexPart:
            return await self._snapshots.stops(symbol, side, start, PART)

        await self._check_index(
            f"queue:{symbol}:{side}",
            "resting orders",
            read_queue,
            lambda part: queue_differences(part, symbol, side),
        )
        await self._check_index(
            f"stops:{symbol}:{side}",
            "waiting stops",
            read_stops,
            lambda part: stop_differences(part, symbol, side),
        )
        cursor, is_first = "0", True
        while is_first or cursor != "0":
            cursor, levels = await self._snapshots.levels(symbol, side, cursor, PAGE_LEVELS)
            self._found.count(Check.BOOKS, "levels", len(levels))
            self._found.differ(Check.BOOKS, level_differences(levels, symbol, side))
            is_first = False

    async def _check_expiring(self) -> None:
        async def read(start: str) -> IndexPart:
            return await self._snapshots.expiring(start, PART)

        await self._check_index("expiring", "with an end", read, expiring_differences)

    async def _check_index(
        self,
        name: str,
        noun: str,
        read: Callable[[str], Awaitable[IndexPart]],
        differences: Callable[[IndexPart], Iterator[str]],
    ) -> None:
        """Read every part of an index, each part in one atomic step."""
        start = START
        while start:
            part = await read(start)
            start = part.next_start
            if part.count > PART.level_max:
                self._found.differ(Check.BOOKS, [_too_many(name, part.count)])
                continue
            self._found.count(Check.BOOKS, noun, part.count)
            self._found.differ(Check.BOOKS, differences(part))
            await self._check_places(row.member.rpartition(":")[2] for row in part.orders)

    async def _read_instruments(self) -> None:
        found = await self._queries.instruments()
        self._instruments = {symbol: instrument for symbol, (instrument, _) in found.items()}
        self._instruments |= await self._queries.delisted_instruments()

    async def _guard(self, check: Check, work: Awaitable[None]) -> None:
        """A record that cannot be read counts as a difference."""
        try:
            await work
        except (UnreadableRecord, ResponseError) as error:
            self._found.differ(check, [str(error)])


def _too_many(name: str, count: int) -> str:
    return f"{name} has {count} orders to be read in one step, too many to check"
