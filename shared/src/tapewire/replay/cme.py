"""Reader of CME market-by-order records, as CSV with a header: every change of every order.

- A adds an order, C takes lots off an order (usually all lots), M gives an order another price or
  size. The order keeps its place if the price stays and the size does not grow.
- R clears the book: every resting order is canceled. Most files begin with one. N changes nothing.
- T is the execution of an incoming order at one price, and the F records behind it are the
  resting orders that were filled. The step is one ioc order at that price. The C or M of a filled
  order that follows repeats what the fill left, and is no step.

Before the open the book is crossed. The seed is therefore the book after the opening auction (the T
without a side), with every order in its priority.

Where CME did not fill by price-time priority, the orders at those prices are canceled and entered
again as the recording has them, so that one exception does not cause others.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tapewire.replay.recorded_book import Execution, Level, RecordedBook
from tapewire.replay.steps import (
    Amend,
    Cancel,
    Enter,
    RecordedTrade,
    ReplayError,
    Step,
    checked_time_us,
    whole_number,
)
from tapewire.values.decimals import format_units
from tapewire.values.json_text import shown_name
from tapewire.values.types import OrderType, Side

COLUMNS = (
    "ts_event", "order_id", "price_1e9", "size", "flags", "action", "side", "ts_recv",
    "ts_in_delta", "sequence",
)  # fmt: skip
ADD, CANCEL, MODIFY, TRADE, FILL, CLEAR, NONE = "A", "C", "M", "T", "F", "R", "N"
PRICE_DECIMALS = 9
EVENT_END = 128

_SIDES = {"B": Side.BUY, "A": Side.SELL, "N": None}
_STEPS_OF_EVENT = {TRADE: 0, FILL: 0, CLEAR: 0, CANCEL: 1, MODIFY: 2, ADD: 3}
_ACTIONS = (ADD, CANCEL, MODIFY, TRADE, FILL, CLEAR, NONE)


@dataclass(frozen=True, slots=True)
class Record:
    """One line; `price` in 10^-9 index points, `side` None for the opening auction."""

    row: int
    time_us: int
    label: str
    price: int
    size: int
    action: str
    side: Side | None
    ends_event: bool

    @property
    def level(self) -> Level:
        """Side and price of a resting order."""
        if self.side is None:
            raise ReplayError(f"line {self.row} has no side")
        return self.side, self.price


def read_cme(lines: Iterable[str]) -> list[Step]:
    """Steps of a whole file, its seed first. Raises ReplayError naming the bad line."""
    rows = iter(lines)
    if next(rows, "").strip() != ",".join(COLUMNS):
        raise ReplayError(f"the first line must be {','.join(COLUMNS)}")
    records = _ordered(
        [_parse(row, line) for row, line in enumerate(rows, start=2) if line.strip()]
    )
    opening = [
        index
        for index, record in enumerate(records)
        if record.action == TRADE and record.side is None
    ]
    replay = _Replay()
    start = replay.prepare(records, opening[-1] + 1 if opening else 0)
    return replay.seed(records[start - 1].time_us if start else 0) + replay.flow(records[start:])


def _parse(row: int, line: str) -> Record:
    try:
        columns = line.rstrip().split(",")
        if len(columns) != len(COLUMNS):
            raise ValueError(f"it has {len(columns)} columns, not {len(COLUMNS)}")
        time_ns, label, price, size, flags, action, side = columns[:7]
        if action not in _ACTIONS:
            known = ", ".join(_ACTIONS)
            raise ValueError(f"its action '{shown_name(action)}' is not one of {known}")
        if side not in _SIDES:
            raise ValueError(f"its side '{shown_name(side)}' is not one of {', '.join(_SIDES)}")
        return Record(
            row,
            checked_time_us(whole_number("ts_event", time_ns) // 1_000),
            label,
            whole_number("price", price),
            whole_number("size", size),
            action,
            _SIDES[side],
            bool(whole_number("flags", flags) & EVENT_END),
        )
    except ValueError as error:
        raise ReplayError(f"line {row} is not a market-by-order record: {error}") from None


def _ordered(records: list[Record]) -> list[Record]:
    """The records of each event in an order in which they can be applied one by one.

    An event may have the rest of an incoming order before the executions of that order.
    """
    ordered: list[Record] = []
    event: list[Record] = []
    for record in records:
        if record.action != NONE:
            event.append(record)
        if record.ends_event:
            ordered += sorted(event, key=lambda item: _STEPS_OF_EVENT[item.action])
            event = []
    return ordered + event


@dataclass(slots=True)
class _Replay:
    """One pass over the records, with the book of the recorded venue."""

    book: RecordedBook = field(default_factory=RecordedBook)
    levels: dict[str, Level] = field(default_factory=dict)
    # Lots of an order that were executed in the replay since the order was entered.
    executed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # Filled lots of an order whose C or M has not come yet.
    told: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def prepare(self, records: list[Record], auction: int) -> int:
        """Apply the records before continuous trading; returns the index of the next record."""
        for index, record in enumerate(records):
            if index >= auction and not self.book.is_crossed():
                return index
            for _ in self._change(record):
                pass  # Only the resulting book is needed for a seed.
        return len(records)

    def seed(self, time_us: int) -> list[Step]:
        """Every resting order, by price and priority."""
        resting = [
            (label, level, size)
            for level in sorted(set(self.levels.values()))
            for label, size in self.book.orders(level).items()
        ]
        return [
            self._enter(time_us, label, level, size, is_seed=True) for label, level, size in resting
        ]

    def flow(self, records: list[Record]) -> list[Step]:
        """The steps after the seed."""
        steps: list[Step] = []
        group: list[Record] = []
        for record in records:
            if group and record.action != FILL:
                steps += self._take(group)
                group = []
            if record.action in {TRADE, FILL}:
                group.append(record)
            else:
                steps += self._change(record)
        return steps + (self._take(group) if group else [])

    def _change(self, record: Record) -> Iterator[Step]:
        told = self.told.pop(record.label, 0)
        if record.action == ADD:
            yield self._enter(record.time_us, record.label, record.level, record.size)
        elif record.action == CANCEL and record.label in self.levels:
            level = self.levels[record.label]
            left = self.book.orders(level)[record.label] - max(0, record.size - told)
            if left > 0:
                yield from self._amend(record, level, left)
            else:
                self._forget(record.label)
                yield Cancel(record.time_us, record.label)
        elif record.action == MODIFY and record.label in self.levels:
            yield from self._amend(record, record.level, record.size)
        elif record.action == MODIFY:
            # The next slice of an iceberg: the step is a new order.
            yield self._enter(record.time_us, record.label, record.level, record.size)
        elif record.action == CLEAR:
            yield from self._clear(record.time_us)

    def _enter(
        self, time_us: int, label: str, level: Level, size: int, *, is_seed: bool = False
    ) -> Enter:
        self.levels[label] = level
        self.executed[label] = 0
        if not is_seed:
            self.book.add(level, label, size)
        side, price = level
        return Enter(time_us, label, side, OrderType.LIMIT, str(size), price_text(price), is_seed)

    def _clear(self, time_us: int) -> Iterator[Step]:
        """Cancel every resting order."""
        labels = list(self.levels)
        self.levels.clear()
        self.told.clear()
        self.book.clear()
        for label in labels:
            yield Cancel(time_us, label)

    def _amend(self, record: Record, level: Level, size: int) -> Iterator[Step]:
        """An amend to another price or size; no step if the replay has both already."""
        old = self.levels[record.label]
        before = self.book.orders(old)[record.label]
        if (level, size) == (old, before):
            return
        if level == old and size < before:
            self.book.take(level, record.label, before - size)
        else:
            self.book.remove(old, record.label)
            self.book.add(level, record.label, size)
            self.levels[record.label] = level
        quantity = self.executed[record.label] + size
        price = None if level == old else price_text(level[1])
        yield Amend(record.time_us, record.label, str(quantity), price)

    def _take(self, group: list[Record]) -> list[Step]:
        """One incoming order, then its trades at the recorded venue."""
        trade = group[0]
        # An order that was moved into the other side has an F record of its own, too.
        fills = [record for record in group[1:] if record.label != trade.label]
        if trade.action != TRADE or trade.side is None or not fills:
            return []
        side = fills[0].level[0]
        label = f"taker {trade.row}"
        lots = sum(fill.size for fill in fills)
        executions = [(fill.label, fill.level, fill.size) for fill in fills]
        foreseen = self.book.foresee(side, lots, trade.price)
        steps: list[Step] = [
            Enter(
                trade.time_us, label, trade.side, OrderType.IOC, str(lots), price_text(trade.price)
            )
        ]
        for maker, level, quantity in executions:
            price = Decimal(price_text(level[1]))
            steps.append(RecordedTrade(trade.time_us, price, Decimal(quantity), maker, label))
            self.told[maker] += quantity
        exact = foreseen == executions
        touched = sorted({level for _, level, _ in foreseen + executions})
        replayed = {level: self.book.orders(level) for level in touched}
        for maker, level, quantity in executions:
            self.executed[maker] += quantity
            self.book.take(level, maker, quantity)
            if not self.book.holds(level, maker):
                self._forget(maker)
        return steps if exact else steps + self._repair(trade.time_us, foreseen, replayed)

    def _repair(
        self, time_us: int, foreseen: list[Execution], replayed: dict[Level, dict[str, int]]
    ) -> list[Step]:
        """Cancel the orders of the replay at the touched prices; enter those of the recording."""
        for maker, level, quantity in foreseen:
            replayed[level][maker] -= quantity
        steps: list[Step] = []
        for orders in replayed.values():
            steps += [Cancel(time_us, label) for label, left in orders.items() if left > 0]
        for level in replayed:
            for label, size in self.book.orders(level).items():
                steps.append(self._enter(time_us, label, level, size))
        return steps

    def _forget(self, label: str) -> None:
        level = self.levels.pop(label, None)
        if level is not None:
            self.book.remove(level, label)


def price_text(price: int) -> str:
    """A price in 10^-9 as decimal text."""
    return format_units(price, PRICE_DECIMALS)
