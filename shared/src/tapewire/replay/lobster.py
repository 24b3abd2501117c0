"""Reader of LOBSTER message files (NASDAQ): time, type, order id, shares, price, direction.

- Type 1 is a limit order that rested, and type 3 its cancel.
- Type 4 is the execution of a resting order. The incoming order is not in the file. Executions in a
  row with one time and one direction are one incoming ioc order of the other side: the sum of their
  shares at the worst of their prices. A type 5 between them belongs to a hidden order.
- Type 2 takes shares off an order that keeps its place. Such reductions are applied at entry: an
  order is entered without the shares that it loses later. The trades stay the same, because shares
  that are taken off have not traded.
- Types 5, 6 and 7 (hidden executions, auctions, halts) do not change the visible book.

The seed is the first row of the order book file, which is the book *after* the first message: one
anonymous order a level. An order whose entry is not in the file is older than the file, and part of
the anonymous order of its price. An anonymous order is entered without the shares that it loses
later. Messages of an older order at a price without an anonymous order are no steps.

Where NASDAQ did not fill by price-time priority, the orders at those prices are canceled and
entered again as the recording has them, so that one exception does not cause others.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from tapewire.replay.lobster_file import (
    DELETION,
    EXECUTION,
    HIDDEN_EXECUTION,
    REDUCTION,
    SUBMISSION,
    Level,
    Message,
    parse_book_row,
    parse_message,
    price_text,
)
from tapewire.replay.recorded_book import Execution, RecordedBook
from tapewire.replay.steps import Cancel, Enter, RecordedTrade, Step, seed_label
from tapewire.values.types import OrderType, Side


def read_lobster(lines: Iterable[str], book_row: str | None = None) -> list[Step]:
    """Steps of a message file; `book_row` is the first row of its order book file, if any.

    Raises ReplayError that names the bad line.
    """
    messages = [parse_message(row, line) for row, line in enumerate(lines, start=1) if line.strip()]
    anonymous = parse_book_row(book_row) if book_row else {}
    if messages and book_row:
        _undo(messages[0], anonymous)
    lost = _reductions(messages, anonymous)
    return _Replay(lost).steps(messages, anonymous)


def _undo(first: Message, anonymous: dict[Level, int]) -> None:
    """Turn the book after the first message into the book before it."""
    if first.kind == SUBMISSION:
        anonymous[first.level] = anonymous.get(first.level, 0) - first.shares
    elif first.kind in {REDUCTION, DELETION, EXECUTION}:
        anonymous[first.level] = anonymous.get(first.level, 0) + first.shares


def _reductions(messages: list[Message], anonymous: dict[Level, int]) -> dict[str, int]:
    """Shares that each order loses to type 2; the losses of older orders leave `anonymous`."""
    lost: dict[str, int] = defaultdict(int)
    entered: set[str] = set()
    left = dict(anonymous)
    for message in messages:
        if message.kind == SUBMISSION:
            entered.add(message.label)
        elif message.kind == REDUCTION and message.label in entered:
            lost[message.label] += message.shares
        elif message.kind in {REDUCTION, DELETION, EXECUTION} and message.label not in entered:
            cut = min(message.shares, left.get(message.level, 0))
            if cut > 0:
                left[message.level] -= cut
                anonymous[message.level] -= 0 if message.kind == EXECUTION else cut
    return lost


class _Replay:
    """One pass over the messages, with the book of the recorded venue."""

    def __init__(self, lost: dict[str, int]) -> None:
        self._lost = lost
        self._book = RecordedBook()

    def steps(self, messages: list[Message], anonymous: dict[Level, int]) -> list[Step]:
        steps: list[Step] = []
        start_us = messages[0].time_us if messages else 0
        for level, shares in anonymous.items():
            if shares > 0:
                label = seed_label(level[0], price_text(level[1]))
                steps.append(self._enter(start_us, level, label, shares, is_seed=True))
        group: list[Message] = []
        for message in messages:
            if group and not _continues(group[-1], message):
                steps += self._take(group)
                group = []
            if message.kind == EXECUTION:
                group.append(message)
            else:
                steps += self._rest_or_leave(message)
        return steps + (self._take(group) if group else [])

    def _rest_or_leave(self, message: Message) -> Iterator[Step]:
        if message.kind == SUBMISSION:
            shares = message.shares - self._lost.get(message.label, 0)
            if shares > 0:
                yield self._enter(message.time_us, message.level, message.label, shares)
        elif message.kind == DELETION and self._book.holds(message.level, message.label):
            self._book.remove(message.level, message.label)
            yield Cancel(message.time_us, message.label, Decimal(message.shares))

    def _enter(
        self, time_us: int, level: Level, label: str, shares: int, *, is_seed: bool = False
    ) -> Enter:
        self._book.add(level, label, shares)
        side, price = level
        return Enter(time_us, label, side, OrderType.LIMIT, str(shares), price_text(price), is_seed)

    def _take(self, group: list[Message]) -> list[Step]:
        """One incoming order, then its trades at the recorded venue."""
        side, time_us = group[0].side, group[0].time_us
        prices = [message.price for message in group]
        taker_side, worst = (
            (Side.BUY, max(prices)) if side is Side.SELL else (Side.SELL, min(prices))
        )
        label = f"taker {group[0].row}"
        shares = sum(message.shares for message in group)
        executions = _joined(
            [(self._owner(message), message.level, message.shares) for message in group]
        )
        foreseen = self._book.foresee(side, shares, worst)
        steps: list[Step] = [
            Enter(time_us, label, taker_side, OrderType.IOC, str(shares), price_text(worst))
        ]
        for maker, level, quantity in executions:
            price = Decimal(price_text(level[1]))
            steps.append(RecordedTrade(time_us, price, Decimal(quantity), maker, label))
        if foreseen == executions:
            for maker, level, quantity in executions:
                self._book.take(level, maker, quantity)
            return steps
        return steps + self._repair(time_us, foreseen, executions)

    def _owner(self, message: Message) -> str:
        """The label of the order that was executed: its own, or that of the anonymous order."""
        anonymous = seed_label(message.side, price_text(message.price))
        if not self._book.holds(message.level, message.label) and self._book.holds(
            message.level, anonymous
        ):
            return anonymous
        return message.label

    def _repair(
        self, time_us: int, foreseen: list[Execution], recorded: list[Execution]
    ) -> list[Step]:
        """Cancel the orders of the replay at the touched prices; enter those of the recording."""
        touched = sorted({level for _, level, _ in foreseen + recorded})
        replayed = {level: self._book.orders(level) for level in touched}
        for maker, level, quantity in foreseen:
            replayed[level][maker] -= quantity
        for maker, level, quantity in recorded:
            self._book.take(level, maker, quantity)
        steps: list[Step] = []
        for level in touched:
            steps += [Cancel(time_us, label) for label, left in replayed[level].items() if left]
        for level in touched:
            for label, shares in self._book.orders(level).items():
                steps.append(self._enter(time_us, level, label, shares))
        return steps


def _joined(executions: list[Execution]) -> list[Execution]:
    """Join executions in a row of one maker, because an anonymous order stands for several."""
    joined: list[Execution] = []
    for maker, level, shares in executions:
        if joined and joined[-1][:2] == (maker, level):
            shares += joined.pop()[2]  # noqa: PLW2901
        joined.append((maker, level, shares))
    return joined


def _continues(last: Message, message: Message) -> bool:
    """Whether `message` belongs to the same incoming order as the execution `last`."""
    if message.kind == HIDDEN_EXECUTION:
        return True
    return (
        message.kind == EXECUTION
        and message.time_text == last.time_text
        and message.side is last.side
    )
