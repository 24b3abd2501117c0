"""Reader of Tapewire's own recording format, a CSV with a header (docs/replay.md has an example).

    time_us,action,id,side,price,quantity
    0,add,a1,buy,99.50,2
    1000,market,a2,sell,,1
    2500,cancel,a1,,,

`action` is add (a limit order that may rest), market, ioc, fok or cancel. `time_us` counts from
any moment and never runs backwards. An id is used for one order and canceled at most once.
"""

import csv
from collections.abc import Iterable

from tapewire.limits import RECORDED_TIME_US_MAX
from tapewire.replay.steps import Cancel, Enter, ReplayError, Step, checked_time_us
from tapewire.values.types import OrderType, Side

COLUMNS = ("time_us", "action", "id", "side", "price", "quantity")

_ORDER_TYPES = {
    "add": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "ioc": OrderType.IOC,
    "fok": OrderType.FOK,
}


def read_flow_csv(lines: Iterable[str]) -> list[Step]:
    """Steps of a file. Raises ReplayError that names the line and the mistake."""
    reader = csv.DictReader(lines, strict=True)
    steps: list[Step] = []
    open_labels: set[str] = set()
    used_labels: set[str] = set()
    last_us = 0
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ReplayError(f"the first line must be {','.join(COLUMNS)}")
        for row in reader:
            step = _read(row, reader.line_num)
            if step.time_us < last_us:
                raise ReplayError(f"line {reader.line_num}: time_us runs backwards")
            last_us = step.time_us
            if isinstance(step, Cancel):
                if step.label not in open_labels:
                    raise ReplayError(f"line {reader.line_num}: nothing to cancel: {step.label}")
                open_labels.remove(step.label)
            elif step.label in used_labels:
                raise ReplayError(f"line {reader.line_num}: id {step.label} was used before")
            else:
                open_labels.add(step.label)
                used_labels.add(step.label)
            steps.append(step)
    except csv.Error as error:
        raise ReplayError(f"after line {reader.line_num}: {error}") from None
    return steps


def _read(row: dict[str | None, str | None], line: int) -> Enter | Cancel:
    """Read one row; decimals stay text, because the venue checks them."""
    fields = {name: row.get(name) or "" for name in COLUMNS}
    if None in row or None in row.values():
        raise ReplayError(f"line {line}: there must be {len(COLUMNS)} columns")
    time_us, label, action = _read_time(fields["time_us"], line), fields["id"], fields["action"]
    if not label:
        raise ReplayError(f"line {line}: id is missing")
    if action == "cancel":
        if fields["side"] or fields["price"] or fields["quantity"]:
            raise ReplayError(f"line {line}: a cancel has only time_us, action and id")
        return Cancel(time_us, label)
    if action not in _ORDER_TYPES:
        known = ", ".join((*_ORDER_TYPES, "cancel"))
        raise ReplayError(f"line {line}: action must be one of {known}")
    order_type = _ORDER_TYPES[action]
    if fields["side"] not in set(Side):
        raise ReplayError(f"line {line}: side must be buy or sell")
    if not fields["quantity"]:
        raise ReplayError(f"line {line}: quantity is missing")
    if bool(fields["price"]) is (order_type is OrderType.MARKET):
        raise ReplayError(f"line {line}: a market order has no price, every other has one")
    price = fields["price"] or None
    return Enter(time_us, label, Side(fields["side"]), order_type, fields["quantity"], price)


def _read_time(text: str, line: int) -> int:
    try:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError
        return checked_time_us(int(text))
    except ValueError:
        raise ReplayError(
            f"line {line}: time_us must be a whole number of microseconds from 0 to "
            f"{RECORDED_TIME_US_MAX:,}"
        ) from None
