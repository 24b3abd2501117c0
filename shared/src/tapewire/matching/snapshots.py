"""Parts of a venue at one moment, for checks of a venue that trades.

Each part is read by one read-only function, so that nothing changes between its reads. The records
are raw, so that a check does not depend on the arithmetic of the commands that it checks.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

from tapewire import keys
from tapewire.matching.batcher import Batcher
from tapewire.packed.records import read_pairs
from tapewire.values.types import Account, Side, Symbol

START = "-inf"
# Steps that read the changes of one account, each of a bounded number of changes.
CATCH_UP_STEPS_MAX = 1_000
# Attempts to read a score with many orders in parts.
LEVEL_ATTEMPTS = 3

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An entry of `open:<account>:<symbol>` and its record; '' for a missing value."""

    order_id: str
    score: str
    symbol: str
    terms: str
    state: str


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An entry of one index `open:<account>:<symbol>` and the record behind it; '' as above."""

    order_id: str
    score: str
    terms: str
    state: str


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order's record, and its score in each index that it may stand in; '' as above."""

    order_id: str
    terms: str
    state: str
    open_score: str
    queue_score: str
    stops_score: str
    expiring_score: str


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """An account, its open orders, and the newest entry of its log: id, fields."""

    account: str
    # The size of its indexes of open orders.
    open_orders: int
    fields: Mapping[str, str]
    newest_event: tuple[bytes, Mapping[bytes, bytes]] | None
    orders: Sequence[ListedOrder]


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """A member of a queue, of the stops or of `expiring`, with its record; '' as above."""

    member: str
    score: str
    terms: str
    state: str


@dataclass(frozen=True, slots=True)
class IndexPart:
    """Orders with neighbouring scores, all of each score; the lots of each score's level."""

    count: int
    orders: Sequence[StandingOrder]
    levels: Mapping[str, str]

    @property
    def next_start(self) -> str:
        """Where the next part begins; '' if this one is empty, which is the end."""
        return f"({list(self.levels)[-1]}" if self.levels else ""


@dataclass(frozen=True, slots=True)
class Level:
    """A price level, and how many orders stand at its price."""

    price: str
    lots: str
    orders: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Orders of one part, and the most of one step if many stand at its last score.

    A score with more than `orders_max` orders is read in parts. If the score changes meanwhile, it
    is read in one step of at most `level_max` orders.
    """

    orders: int
    orders_max: int
    level_max: int


class Snapshots:
    """Reads them; safe to share by all tasks of a process."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher

    async def account(self, account: Account, orders_max: int) -> AccountSnapshot | None:
        """An account with its open orders at one moment, of which one step reads `orders_max`.

        More open orders are read in parts. Then the orders that the newer events of the account
        name are read again, until one step finds no event beyond its own. None if that did not
        happen within `CATCH_UP_STEPS_MAX`. Raises Unavailable, ResponseError (a wrong type).
        """
        count, record, newest, symbols, rows = await self._run(
            "audit_account", [keys.account(account)], account, orders_max
        )
        if int(count) <= orders_max:
            orders = _read(ListedOrder, rows)
            return AccountSnapshot(account, int(count), read_pairs(record), _event(newest), orders)
        listed: dict[str, ListedOrder] = {}
        for name in symbols:
            symbol = Symbol(_text(name))
            async for row in self._open_orders(account, symbol, orders_max):
                listed[row.order_id] = ListedOrder(
                    row.order_id, row.score, symbol, row.terms, row.state
                )
        return await self._catch_up(account, listed, _text(newest[0]) if newest else "", orders_max)

    async def _open_orders(
        self, account: Account, symbol: Symbol, count: int
    ) -> AsyncIterator[OpenOrder]:
        """The open orders of an account in one market, in parts that are each of one moment."""
        start = START
        while True:
            flat = await self._run("audit_open", [keys.open_orders(account, symbol)], start, count)
            rows = _read(OpenOrder, flat)
            for row in rows:
                yield row
            if len(rows) < count:
                return
            start = f"({rows[-1].score}"

    async def _catch_up(
        self, account: Account, listed: dict[str, ListedOrder], after: str, changes_max: int
    ) -> AccountSnapshot | None:
        """Bring orders that were read in parts to one moment; `after` is older than every part."""
        for _ in range(CATCH_UP_STEPS_MAX):
            covered, count, record, newest, last, rows = await self._run(
                "audit_changes", [keys.account(account)], account, after, changes_max
            )
            if covered < 0:
                return None
            for row in _read(ListedOrder, rows):
                if row.score:
                    listed[row.order_id] = row
                else:
                    listed.pop(row.order_id, None)
            if covered:
                orders = list(listed.values())
                return AccountSnapshot(
                    account, int(count), read_pairs(record), _event(newest), orders
                )
            after = _text(last)
        return None

    async def places(self, order_ids: Sequence[str]) -> list[PlacedOrder]:
        """Where some orders stand. Raises Unavailable, ResponseError."""
        flat = await self._run("audit_places", [keys.EXPIRING], *order_ids)
        return _read(PlacedOrder, flat)

    async def queue(self, symbol: Symbol, side: Side, start: str, bounds: Bounds) -> IndexPart:
        """Resting orders of one side and their levels. Raises Unavailable, ResponseError."""
        return await self._index(keys.queue(symbol, side), keys.levels(symbol, side), start, bounds)

    async def stops(self, symbol: Symbol, side: Side, start: str, bounds: Bounds) -> IndexPart:
        """Orders of one side that wait for their stop. Raises Unavailable, ResponseError."""
        key = keys.stops(symbol, side)
        return await self._index(key, key, start, bounds)

    async def expiring(self, start: str, bounds: Bounds) -> IndexPart:
        """Open orders with an end. Raises Unavailable, ResponseError."""
        return await self._index(keys.EXPIRING, keys.EXPIRING, start, bounds)

    async def levels(
        self, symbol: Symbol, side: Side, cursor: str, count: int
    ) -> tuple[str, list[Level]]:
        """Some levels of one side, and the cursor of the next ones: 0 at the end.

        Raises Unavailable, ResponseError.
        """
        following, levels = await self._run(
            "audit_levels", [keys.levels(symbol, side), keys.queue(symbol, side)],
            side, cursor, count,
        )  # fmt: skip
        rows = zip(levels[::3], levels[1::3], levels[2::3], strict=True)
        return _text(following), [Level(_text(p), _text(lots), int(n)) for p, lots, n in rows]

    async def _index(self, key: str, levels: str, start: str, bounds: Bounds) -> IndexPart:
        part = await self._index_step(key, levels, start, bounds.orders, bounds.orders_max)
        if part.count <= bounds.orders_max:
            return part
        (score,) = part.levels
        for _ in range(LEVEL_ATTEMPTS):
            level = await self._level(key, levels, score, bounds.orders)
            if level is not None:
                return level
        return await self._index_step(key, levels, start, bounds.orders, bounds.level_max)

    async def _index_step(
        self, key: str, levels: str, start: str, orders: int, orders_max: int
    ) -> IndexPart:
        """The next scores of an index in one step, or the first one without its orders."""
        count, rows, found = await self._run(
            "audit_index", [key, levels], start, orders, orders_max
        )
        return IndexPart(
            int(count),
            _read(StandingOrder, rows),
            {_text(score): _text(lots) for score, lots in _pairs(found)},
        )

    async def _level(self, key: str, levels: str, score: str, orders: int) -> IndexPart | None:
        """The orders of one score, read in parts; None if the score changed meanwhile.

        An order that joins a queue becomes the last one, and every other change takes lots away.
        So equal lots and an equal last member before and after mean that nothing changed.
        """
        rows: list[StandingOrder] = []
        before = None
        while True:
            count, last, lots, flat = await self._run(
                "audit_level", [key, levels], score, len(rows), orders
            )
            now = (int(count), last, lots)
            if before not in {None, now}:
                return None
            before = now
            if not flat:
                return None
            rows += _read(StandingOrder, flat)
            if len(rows) >= int(count):
                return IndexPart(len(rows), rows, {score: _text(lots)})

    async def _run(self, name: str, names: list[str], *arguments: str | int) -> Any:  # noqa: ANN401
        return await self._batcher.begin_call(name, tuple(names), *arguments)


def _event(entry: Sequence[Any]) -> tuple[bytes, Mapping[bytes, bytes]] | None:
    return (entry[0], dict(_pairs(entry[1]))) if entry else None


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _read(kind: Callable[..., _Row], flat: Sequence[bytes]) -> list[_Row]:
    """Rows of texts, as wide as the type has fields."""
    texts = [_text(item) for item in flat]
    width = len(fields(cast("Any", kind)))
    return [kind(*texts[first : first + width]) for first in range(0, len(texts), width)]


def _text(item: bytes) -> str:
    # The library writes UTF-8 only. Other text must still reach the report.
    return item.decode("utf-8", "surrogateescape")
