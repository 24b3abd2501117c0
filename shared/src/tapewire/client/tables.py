"""Answers and events of the client library as a table of pandas."""

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, get_args

import msgspec

from tapewire.client import admin_replies, replies
from tapewire.errors import ConfigurationError
from tapewire.wire.account_feed import OrderReport

# Members that other structures write as text of a number, by the names that replies have them by.
EXTRA_NUMBERS = frozenset({"last_price", "last_quantity"})
TIMES = ("timestamp", "_time", "_at", "start")


def to_pandas(rows: Iterable[Any]) -> Any:  # noqa: ANN401 (pandas is not needed to run the library)
    """A DataFrame with one row an item: orders, fills, trades, candles, balances, reports.

    Prices, quantities and amounts become floats, because pandas computes with floats; times become
    UTC timestamps. The exact numbers stay in the items. Raises ConfigurationError without pandas.
    """
    try:
        import pandas
    except ImportError:
        raise ConfigurationError(
            "to_pandas needs pandas, which is not installed: pip install 'tapewire[pandas]'"
        ) from None
    frame = pandas.DataFrame([_members(row) for row in rows])
    for name in frame.columns:
        if name in NUMBERS:
            frame[name] = frame[name].astype(float)
        elif name.endswith(TIMES):
            frame[name] = pandas.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


def _members(row: object) -> dict[str, Any]:
    if isinstance(row, OrderReport):
        return {"seq": row.seq, **_members(row.data)}
    if isinstance(row, msgspec.Struct):
        return msgspec.structs.asdict(row)
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return dataclasses.asdict(row)
    if isinstance(row, tuple) and hasattr(row, "_asdict"):
        members: dict[str, Any] = row._asdict()
        return members
    raise TypeError(f"{type(row).__name__} is nothing that the client library hands out")


def _number_names() -> frozenset[str]:
    """The members of answers that are exact numbers."""
    found = set(EXTRA_NUMBERS)
    for kind in (*vars(replies).values(), *vars(admin_replies).values()):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            members = msgspec.structs.fields(kind)
            found |= {member.name for member in members if Decimal in _parts(member.type)}
    return frozenset(found)


def _parts(hint: Any) -> set[Any]:  # noqa: ANN401 (any type)
    """The type itself and its member types."""
    return {hint}.union(*(_parts(part) for part in get_args(hint) if not isinstance(part, str)))


NUMBERS = _number_names()
