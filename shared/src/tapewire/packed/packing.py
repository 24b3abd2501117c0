"""How a packed record is written and read: kinds of values, separators, the class Layout. Pure.

`layout.py` lists the records.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, cast, get_type_hints

FORMAT = 2
"""The format of the venue's data, kept in `{tw}:format`. Format 1 had no such key and two more
lists per account (`upgrade.py`)."""

Text: TypeAlias = Annotated[str, "text"]
"""A text that Lua keeps as it is."""
Digits: TypeAlias = Annotated[str, "digits"]
"""A whole number that Lua keeps as text, because few commands compute with it."""
OptionalDigits: TypeAlias = Annotated[str, "optional digits"]
"""The same, or the empty text."""
Number: TypeAlias = Annotated[str, "number"]
"""A whole number from 0 to 2^53 that Lua computes with."""
OptionalNumber: TypeAlias = Annotated[str, "optional number"]
"""The same, or the empty text, which is nil in Lua."""

LaterNumber: TypeAlias = Annotated[str, "later number"]
"""A whole number that Lua computes with. Later fields stand at the end of a record. Those at the
end that are 0 or empty are not written, neither their separators, so that a record from before a
field existed reads as with 0 or the empty text."""
LaterDigits: TypeAlias = Annotated[str, "later digits"]
"""A later whole number that Lua keeps as text."""
LaterText: TypeAlias = Annotated[str, "later text"]
"""A later text."""

LATER_DEFAULTS: Mapping[str, str] = {"later number": "0", "later digits": "0", "later text": ""}
"""The value of a later field that is not written."""

Rest: TypeAlias = Annotated[str, "rest"]
"""The last value of a record: a text that may have separators of its own."""

VALUE = "|"
"""Separates the values of most records."""
UNIT = "\x1f"
"""Separates the values of a change of an order, and the texts of a journal entry."""
PART = "\x1e"
"""Separates the parts of an account event."""
ITEM = ";"
"""Separates records in a list of records."""


_Record = TypeVar("_Record", bound=tuple[str, ...])


class Layout(Generic[_Record]):
    """One packed record: its fields, its separator, how to read and write it."""

    def __init__(self, record: type[_Record], separator: str = VALUE) -> None:
        """`record` is a NamedTuple whose fields have the types above."""
        self.name = record.__name__.removesuffix("Fields")
        self.separator = separator
        # The metadata of Annotated is the kind of a field.
        hints = get_type_hints(record, include_extras=True)
        self.kinds: dict[str, str] = {name: hint.__metadata__[0] for name, hint in hints.items()}
        self._count = len(self.kinds)
        # The defaults of the later fields, which are the last ones.
        self._later = [
            LATER_DEFAULTS[kind] for kind in self.kinds.values() if kind in LATER_DEFAULTS
        ]
        # As `_make` of a NamedTuple, but without its check of the length.
        self._make: Callable[[list[str]], _Record] = partial(cast("Any", tuple.__new__), record)
        # A rest is not split.
        self._splits = len(self.kinds) - 1 if "rest" in self.kinds.values() else -1

    def read(self, text: str) -> _Record:
        """The values by name, as text. Raises ValueError for another number of values."""
        values = text.split(self.separator, self._splits)
        missing = self._count - len(values)
        if missing:
            if not 0 < missing <= len(self._later):
                raise ValueError(f"{text!r} is no {self.name}: it has not {self._count} values")
            values += self._later[-missing:]
        return self._make(values)

    def write(self, values: Iterable[object]) -> str:
        """The packed text of values in the order of the fields. Raises ValueError as `read`."""
        texts = [str(value) for value in values]
        if len(texts) != len(self.kinds):
            raise ValueError(f"{self.name} has {len(self.kinds)} values, not {len(texts)}")
        for default in reversed(self._later):
            if texts[-1] != default:
                break
            texts.pop()
        return self.separator.join(texts)

    def first(self, text: str) -> str:
        """The first value of a record; the other values stay unread."""
        return text.partition(self.separator)[0]

    def has_last(self, text: str) -> bool:
        """Whether the last value of a record is more than the empty text."""
        return not text.endswith(self.separator)

    def read_list(self, text: str) -> list[_Record]:
        """Records of a list of them; the empty text is none. Raises ValueError as `read`."""
        return [self.read(item) for item in split_items(text)]


def split_items(text: str) -> list[str]:
    """The packed records of a list, unread; the empty text is none."""
    return text.split(ITEM) if text else []


def split_texts(text: str) -> tuple[str, ...]:
    """The arguments or the result of a journal entry."""
    return tuple(text.split(UNIT))


def split_parts(text: str) -> list[str]:
    """The parts of an account event: header, balances, then the changes of orders."""
    return text.split(PART)


def account_of(event: bytes) -> bytes:
    """The account of an account event, without reading the rest; any text of another message."""
    return event.partition(VALUE.encode())[0]
