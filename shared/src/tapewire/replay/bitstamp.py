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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tapewire.limits import DECIMAL_DIGITS_MAX
from tapewire.replay.steps import (
    Cancel,
    Enter,
    RecordedTrade,
    ReplayError,
    Step,
    checked_time_us,
    seed_label,
    whole_number,
)
from tapewire.values.json_text import shown_name
from tapewire.values.types import OrderType, Side

# Trades have JSON floats (236.47, 1.7885566900000001), which are rounded to these steps.
PRICE_STEP = Decimal("0.01")
AMOUNT_STEP = Decimal("0.00000001")
# A JSON float has at most 24 characters.
NUMBER_CHARACTERS_MAX = 32
ORDER_EVENTS = frozenset({"order_created", "order_changed", "order_deleted"})

_SIDES = {0: Side.BUY, 1: Side.SELL}
_Level = tuple[Side, Decimal]


@dataclass(frozen=True, slots=True)
class _Event:
    """One line. Only an `order_book` has `levels`; a trade has no `label` and an unknown side."""

    time_us: int
    name: str
    label: str = ""
    amount: Decimal = Decimal(0)
    level: _Level = (Side.BUY, Decimal(0))
    levels: Mapping[_Level, Decimal] = field(default_factory=dict)


def read_bitstamp(lines: Iterable[str]) -> list[Step]:
    """Steps of a whole log, its seed first. Raises ReplayError naming the bad line."""
    events = [_parse(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    start = next((i for i, event in enumerate(events) if event.name == "order_book"), None)
    if start is None:
        return _flow(events, set())
    carried = _alive(events[:start])
    seed = _seed(events[start], carried, events[start + 1 :])
    return seed + _flow(events[start + 1 :], set(carried))


def _parse(number: int, line: str) -> _Event:
    try:
        time_ms, name, body = (*line.split(" ", 2), "", "")[:3]
        time_us = checked_time_us(whole_number("time", time_ms) * 1_000)
        return _read_event(time_us, name, json.loads(body, parse_float=Decimal))
    except RecursionError:
        raise ReplayError(f"line {number} has JSON that is nested too deeply") from None
    except KeyError as error:
        raise ReplayError(f"line {number} has no valid {error}") from None
    except ValueError as error:
        raise ReplayError(f"line {number} is not TIME_MS NAME JSON: {error}") from None


def _read_event(time_us: int, name: str, body: Any) -> _Event:  # noqa: ANN401 (JSON)
    """Check an event. Raises KeyError, ValueError."""
    if not isinstance(body, dict):
        raise ValueError("its body is not a JSON object")
    if name == "order_book":
        levels = {
            (side, _read_number(price)): _read_number(amount)
            for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks"))
            for price, amount in _read_levels(body[name])
        }
        return _Event(time_us, "order_book", levels=levels)
    price, amount = _read_number(body["price"]), _read_number(body["amount"])
    if name == "trade":
        level = Side.BUY, price.quantize(PRICE_STEP)
        return _Event(time_us, name, amount=amount.quantize(AMOUNT_STEP), level=level)
    if name not in ORDER_EVENTS:
        known = ", ".join(sorted(ORDER_EVENTS))
        raise ValueError(f"the event '{shown_name(name)}' is not one of {known}, order_book, trade")
    order_type = body["order_type"]
    side = _SIDES.get(order_type) if isinstance(order_type, int) else None
    if side is None:
        raise ValueError("order_type must be 0 or 1")
    return _Event(time_us, name, str(body["id"]), amount, (side, price))


def _read_levels(levels: Any) -> list[list[Any]]:  # noqa: ANN401 (JSON)
    pair_items = 2
    if not isinstance(levels, list) or not all(
        isinstance(level, list) and len(level) == pair_items for level in levels
    ):
        raise ValueError("the levels of a side must be [[PRICE, AMOUNT], ...]")
    return levels


def _read_number(value: Any) -> Decimal:  # noqa: ANN401 (JSON)
    text = str(value)
    try:
        number = Decimal(text) if len(text) <= NUMBER_CHARACTERS_MAX else None
    except ArithmeticError:
        number = None
    if number is None or not number.is_finite() or abs(number.adjusted()) > DECIMAL_DIGITS_MAX:
        raise ValueError(f"'{shown_name(text)}' is not a price or an amount")
    return number


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
    levels = dict(book.levels)
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
            steps.append(RecordedTrade(event.time_us, event.level[1], event.amount))
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
