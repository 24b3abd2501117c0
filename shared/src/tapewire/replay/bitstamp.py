"""Reader of Bitstamp's order-by-order event log: one event a line, `TIME_MS NAME JSON`.

- `order_created` has the amount as it was sent, also of an order that traded at once. The step is
  a limit order.
- `order_deleted` ends an order that was canceled, or filled (amount 0). The step is a cancel in
  both cases; after a fill the venue should have closed the order too.
- `order_changed` is the recorded venue's report of a fill, and no step.
- The first `order_book` (20 levels a side) is the seed: one anonymous order a level. Orders that
  the log showed before the book are entered by themselves, behind the anonymous order of their
  level.

Orders that are older than the log are part of the anonymous order of their level. The amounts that
such orders lose to cancels later are left out of the anonymous order. The trades stay the same: a
canceled amount has not traded, and the anonymous order stands first in its level.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tapewire.replay.steps import (
    Cancel,
    Enter,
    RecordedTrade,
    ReplayError,
    Step,
    seed_label,
)
from tapewire.values.types import OrderType, Side

# Trades have JSON floats (236.47, 1.7885566900000001), which are rounded to these steps.
PRICE_STEP = Decimal("0.01")
AMOUNT_STEP = Decimal("0.00000001")

_SIDES = {0: Side.BUY, 1: Side.SELL}
_Level = tuple[Side, Decimal]


@dataclass(slots=True)
class _Event:
    time_us: int
    name: str
    body: dict[str, Any]

    @property
    def label(self) -> str:
        return str(self.body["id"])

    @property
    def amount(self) -> Decimal:
        return Decimal(self.body["amount"])

    @property
    def level(self) -> _Level:
        return _SIDES[self.body["order_type"]], Decimal(self.body["price"])


def read_bitstamp(lines: Iterable[str]) -> list[Step]:
    """Steps of a whole log, its seed first. Raises ReplayError naming the bad line."""
    events = [_parse(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    try:
        start = next((i for i, event in enumerate(events) if event.name == "order_book"), None)
        if start is None:
            return _flow(events, set())
        carried = _alive(events[:start])
        seed = _seed(events[start], carried, events[start + 1 :])
        return seed + _flow(events[start + 1 :], set(carried))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ReplayError(f"an event lacks a field or has an invalid field: {error!r}") from None


def _parse(number: int, line: str) -> _Event:
    try:
        time_ms, name, body = line.split(" ", 2)
        document = json.loads(body, parse_float=Decimal)
        if not isinstance(document, dict):
            raise TypeError("not a JSON object")
        return _Event(int(time_ms) * 1_000, name, document)
    except (ValueError, TypeError) as error:
        raise ReplayError(f"line {number} is not TIME_MS NAME JSON: {error}") from None


def _alive(events: list[_Event]) -> dict[str, _Event]:
    """Orders that were created and not deleted, each with its newest event."""
    alive: dict[str, _Event] = {}
    for event in events:
        if event.name == "order_created" or (
            event.name == "order_changed" and event.label in alive
        ):
            alive[event.label] = event
        elif event.name == "order_deleted":
            alive.pop(event.label, None)
    return alive


def _seed(book: _Event, carried: dict[str, _Event], later: list[_Event]) -> list[Step]:
    levels = {
        (side, Decimal(price)): Decimal(amount)
        for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks"))
        for price, amount in book.body[name]
    }
    for event in carried.values():
        if event.level in levels:
            levels[event.level] -= event.amount
    own = set(carried)
    for event in later:
        if event.name == "order_created":
            own.add(event.label)
        elif event.name == "order_deleted" and event.label not in own and event.level in levels:
            levels[event.level] -= event.amount
    steps: list[Step] = []
    for (side, price), amount in levels.items():
        if amount > 0:
            label = seed_label(side, f"{price:f}")
            steps.append(
                Enter(book.time_us, label, side, OrderType.LIMIT, f"{amount:f}", f"{price:f}", True)
            )
    steps += [_enter(event, is_seed=True) for event in carried.values()]
    return steps


def _flow(events: list[_Event], own: set[str]) -> list[Step]:
    """The steps after the seed; `own` has the labels that can be canceled."""
    steps: list[Step] = []
    for event in events:
        if event.name == "order_created":
            own.add(event.label)
            steps.append(_enter(event, is_seed=False))
        elif event.name == "order_deleted" and event.label in own:
            own.remove(event.label)  # A few deletions stand in the log twice.
            steps.append(Cancel(event.time_us, event.label, event.amount))
        elif event.name == "trade":
            price = Decimal(event.body["price"]).quantize(PRICE_STEP)
            steps.append(RecordedTrade(event.time_us, price, event.amount.quantize(AMOUNT_STEP)))
    return steps


def _enter(event: _Event, *, is_seed: bool) -> Enter:
    side, price = event.level
    return Enter(
        event.time_us,
        event.label,
        side,
        OrderType.LIMIT,
        f"{event.amount:f}",
        f"{price:f}",
        is_seed,
    )
