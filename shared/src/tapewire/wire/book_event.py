"""The book update, as published on `book_updates`: the price levels that one command changed.

The matching script writes it (`matching/lua/include/book.lua`); everyone else reads it here.
`(epoch, seq)` proves continuity: seq is +1 per update of a symbol, within one epoch.
"""

from typing import Annotated, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, WithJsonSchema
from pydantic.dataclasses import dataclass as checked_dataclass

from tapewire.errors import MessageError
from tapewire.limits import BOOK_MESSAGE_BYTES_MAX, EXACT_INTEGER_MAX, SYMBOL_CHARACTERS_MAX

_DECIMAL_PATTERN = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?$"
_Decimal = Annotated[str, Field(pattern=_DECIMAL_PATTERN)]

# One schema for both items: what reads the document often knows no `prefixItems`.
Level: TypeAlias = Annotated[
    tuple[_Decimal, _Decimal],
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string", "pattern": _DECIMAL_PATTERN},
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]
"""(price, quantity) in decimal text; quantity zero says that the level is gone."""


@checked_dataclass(frozen=True, slots=True, config=ConfigDict(extra="ignore"))
class BookUpdate:
    """New quantities of price levels; `timestamp` is ISO 8601 UTC."""

    epoch: Annotated[str, Field(pattern=r"^[0-9A-Za-z_\-]{1,64}$")]
    seq: Annotated[int, Field(ge=1, le=EXACT_INTEGER_MAX, strict=True)]
    symbol: Annotated[str, Field(min_length=1, max_length=SYMBOL_CHARACTERS_MAX)]
    bids: list[Level]
    asks: list[Level]
    timestamp: Annotated[str, Field(pattern=r"^[0-9TZ:.\-]{20,32}$")]


_UPDATE = TypeAdapter(BookUpdate)


def decode_book_update(payload: bytes) -> BookUpdate:
    """Read one published update. Raises MessageError for anything that is not one of ours."""
    if len(payload) > BOOK_MESSAGE_BYTES_MAX:
        raise MessageError(f"a book update of {len(payload)} bytes is over the limit")
    try:
        return _UPDATE.validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise MessageError(f"not a book update: {first['msg']} at {first['loc']}") from None
