"""The book update, as published on `book_updates`: the price levels that one command changed.

The function library writes it (`matching/lua/core/book.lua`); everyone else reads it here.
`(epoch, seq)` proves continuity: seq is +1 per update of a symbol, within one epoch.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from tapewire.errors import MessageError
from tapewire.limits import BOOK_MESSAGE_BYTES_MAX, EXACT_INTEGER_MAX, SYMBOL_CHARACTERS_MAX

_Decimal = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?$")]

Level: TypeAlias = tuple[_Decimal, _Decimal]
"""(price, quantity) in decimal text; quantity zero says that the level is gone."""


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """New quantities of price levels; `timestamp` is ISO 8601 UTC."""

    epoch: Annotated[str, Meta(pattern=r"^[0-9A-Za-z_\-]{1,64}$")]
    seq: Annotated[int, Meta(ge=1, le=EXACT_INTEGER_MAX)]
    symbol: Annotated[str, Meta(min_length=1, max_length=SYMBOL_CHARACTERS_MAX)]
    bids: list[Level]
    asks: list[Level]
    timestamp: Annotated[str, Meta(pattern=r"^[0-9TZ:.\-]{20,32}$")]


_DECODER = msgspec.json.Decoder(BookUpdate)


def decode_book_update(payload: bytes) -> BookUpdate:
    """Read one published update. Raises MessageError for anything that is not one of ours."""
    if len(payload) > BOOK_MESSAGE_BYTES_MAX:
        raise MessageError(f"a book update of {len(payload)} bytes is over the limit")
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise MessageError(f"not a book update: {error}") from None
