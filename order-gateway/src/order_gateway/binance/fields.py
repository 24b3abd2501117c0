"""The parameters of a call: from a query string, a form body or JSON, to text. Pure.

Unknown names are ignored, as at Binance. A parameter may be in the query or in the body; the query
takes precedence.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import unquote_to_bytes

from order_gateway.binance.errors import (
    DECIMAL_RANGE,
    ILLEGAL,
    BinanceError,
    illegal,
    invalid,
    missing,
)
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.values.json_text import NumberText

SIGNATURE = "signature"
ID_RANGE = "^[0-9]{1,20}$"
CLIENT_ID_RANGE = "^[a-zA-Z0-9-_]{1,36}$"
SYMBOL_RANGE = r"^[\w\-._]{1,50}$"
PARAMETERS_MAX = 100
"""Bound on the parameters of one call; the longest real call has 20."""

_DECIMAL = re.compile(DECIMAL_RANGE, re.ASCII)
_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}", re.ASCII)
_SYMBOL = re.compile(r"[\w\-.]{1,50}", re.ASCII)
_BAD_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


class Fields:
    """The parameters of one call as text, by name."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def optional(self, name: str) -> str | None:
        """A value; None without it. Raises BinanceError (-1105) for an empty one."""
        text = self._values.get(name)
        if text == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        return text

    def required(self, name: str) -> str:
        """A required value. Raises BinanceError (-1102)."""
        text = self._values.get(name)
        if not text:
            raise missing(name)
        return text

    def symbol(self, name: str = "symbol") -> str:
        """The required name of a symbol. Raises BinanceError."""
        text = self.required(name)
        if _SYMBOL.fullmatch(text) is None:
            raise illegal(name, SYMBOL_RANGE)
        return text

    def decimal(self, name: str) -> str | None:
        """Decimal text; None without it. Raises BinanceError (-1100)."""
        text = self.optional(name)
        if text is not None and _DECIMAL.fullmatch(text) is None:
            raise illegal(name, DECIMAL_RANGE)
        return text

    def whole(self, name: str) -> int | None:
        """A whole number; None without it. Raises BinanceError (-1100)."""
        text = self.optional(name)
        if text is None:
            return None
        if _ID.fullmatch(text) is None:
            raise illegal(name, ID_RANGE)
        # No number of the venue is larger.
        return min(int(text), EXACT_INTEGER_MAX)

    def client_id(self, name: str) -> str | None:
        """A client order id; None without it. Raises BinanceError (-1100)."""
        text = self.optional(name)
        if text is not None and _CLIENT_ID.fullmatch(text) is None:
            raise illegal(name, CLIENT_ID_RANGE)
        return text

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of some values; None without it. Raises BinanceError (-1130)."""
        text = self.optional(name)
        if text is not None and text not in allowed:
            raise invalid(name)
        return text

    def limit(self, default: int, most: int) -> int:
        """The bound on a list: `limit`, at most `most`. Raises BinanceError (-1130)."""
        wanted = self.whole("limit")
        if wanted is None:
            return default
        if wanted < 1:
            raise invalid("limit")
        return min(wanted, most)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """`true` or `false`, in any case. Raises BinanceError (-1130)."""
        text = self.optional(name)
        if text is None:
            return default
        if text.lower() not in {"true", "false"}:
            raise invalid(name)
        return text.lower() == "true"


def read_form(*parts: bytes) -> Fields:
    """The parameters of a query string and a form body, the earlier part first.

    Raises BinanceError: -1100 for broken percent-encoding, -1101 for a parameter that stands twice
    in one part and for too many parameters.
    """
    values: dict[str, str] = {}
    for part in parts:
        if part:
            values = _read_part(part) | values
    return Fields(values)


def _read_part(part: bytes) -> dict[str, str]:
    values: dict[str, str] = {}
    pairs = part.split(b"&")
    if len(pairs) > PARAMETERS_MAX:
        raise BinanceError(-1101, "Too many parameters sent for this endpoint.")
    for pair in pairs:
        if not pair:
            continue
        name_bytes, _, value_bytes = pair.partition(b"=")
        name = _decode(name_bytes, "name")
        if name in values:
            raise BinanceError(-1101, "Duplicate values for a parameter detected.")
        values[name] = _decode(value_bytes, name)
    return values


def _decode(text: bytes, name: str) -> str:
    """Undo percent-encoding; text without a percent sign is only decoded."""
    try:
        if b"%" not in text and b"+" not in text:
            return text.decode("ascii")
        if _BAD_PERCENT.search(text.decode("ascii")):
            raise ValueError("a percent sign without two digits")
        return unquote_to_bytes(text.replace(b"+", b" ")).decode()
    except ValueError:
        shown = name if name.isascii() and name.isprintable() else "name"
        raise BinanceError(
            ILLEGAL, f"Illegal characters found in parameter '{shown[:50]}'; it is not "
            "percent-encoded UTF-8.",
        ) from None  # fmt: skip


def read_json(params: Mapping[str, object]) -> Fields:
    """The parameters of a WebSocket call as text; a null counts as missing.

    Numbers keep the text that the client sent. Raises BinanceError (-1100).
    """
    values = {}
    for name, value in params.items():
        if value is None:
            continue
        values[name] = literal(name, value)
    return Fields(values)


def literal(name: str, value: object) -> str:
    """A parameter as signatures and calls read it. Raises BinanceError (-1100)."""
    if isinstance(value, str):
        # JSON may escape half a surrogate pair, which no signature can cover.
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _unreadable(name)
        return value
    if isinstance(value, NumberText):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ",".join(_quoted(name, item) for item in value) + "]"
    raise _unreadable(name)


def _unreadable(name: str) -> BinanceError:
    shown = ascii(name[:50])
    return BinanceError(ILLEGAL, f"Illegal characters found in parameter {shown}.")


def _quoted(name: str, value: object) -> str:
    text = literal(name, value)
    return f'"{text}"' if isinstance(value, str) else text


_LIST = re.compile(r'\["[^"\[\]]*"(,"[^"\[\]]*")*\]')


def read_names(text: str) -> list[str]:
    """The names of `symbols=["A","B"]`. Raises BinanceError (-1100)."""
    compact = re.sub(r"\s", "", text)
    if _LIST.fullmatch(compact) is None:
        raise illegal("symbols", r'^\["[\w\-._]{1,50}"(,"[\w\-._]{1,50}")*\]$')
    return compact[2:-2].split('","')


def without(pairs: Iterable[bytes], name: bytes) -> list[bytes]:
    """The pairs of a form except those of one name."""
    prefix = name + b"="
    return [pair for pair in pairs if not pair.startswith(prefix)]
