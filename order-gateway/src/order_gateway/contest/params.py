"""The parameters of contest requests, as clients write them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from order_gateway.contest.records import ALIAS_CHARACTERS_MAX, DELAY_S_MAX, ROUND_DURATION_S_MAX
from order_gateway.field_types import READS_DIGITS, DecimalInput
from order_gateway.params import Params
from tapewire.limits import (
    INSTRUMENTS_MAX,
    NOTICE_CHARACTERS_MAX,
    ROUND_NAME_CHARACTERS_MAX,
    SYMBOL_CHARACTERS_MAX,
)

# One line of printable text: no control characters, no space at the ends.
LINE_PATTERN = r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
RESET_ASSETS_MAX = 100

_Asset = Annotated[str, StringConstraints(min_length=1, max_length=SYMBOL_CHARACTERS_MAX)]
_Symbol = Annotated[str, StringConstraints(min_length=1, max_length=SYMBOL_CHARACTERS_MAX)]


class NoticeRequest(Params):
    """A message to all traders."""

    text: str = Field(min_length=1, max_length=NOTICE_CHARACTERS_MAX, pattern=LINE_PATTERN)


class RoundRequest(Params):
    """A round: without `starts_at` it begins at once; `duration_s` counts from the start."""

    name: str = Field(min_length=1, max_length=ROUND_NAME_CHARACTERS_MAX, pattern=LINE_PATTERN)
    starts_at: str | None = None
    duration_s: Annotated[int, Field(ge=1, le=ROUND_DURATION_S_MAX), READS_DIGITS]
    closed_state: Literal["cancel_only", "halted"] = "cancel_only"
    cancel_orders: bool = True
    auction_s: Annotated[
        int,
        Field(
            ge=0, le=ROUND_DURATION_S_MAX, description="The first seconds are an auction; 0: none"
        ),
        READS_DIGITS,
    ] = 0
    symbols: list[_Symbol] = Field(default=[], max_length=INSTRUMENTS_MAX)


class RoundChange(Params):
    """Another end of the scheduled or running round."""

    ends_at: str


class BoardParams(Params):
    """Prices and asset of the figures; a field that is left out follows the organiser."""

    price: Literal["last", "mid"] | None = None
    asset: _Asset | None = None


class BoardOptionsRequest(Params):
    """The options of the leaderboard; a field that is left out keeps its value."""

    visibility: Literal["all", "admins"] | None = None
    delay_s: Annotated[int, Field(ge=0, le=DELAY_S_MAX), READS_DIGITS] | None = None
    names: Literal["accounts", "aliases"] | None = None
    price: Literal["last", "mid"] | None = None
    asset: _Asset | None = None


class AliasRequest(Params):
    """The alias of an account on the leaderboard; null removes it."""

    alias: str | None = Field(max_length=ALIAS_CHARACTERS_MAX, pattern=LINE_PATTERN)


class ResetRequest(Params):
    """The balances of every account after a reset, by asset; other assets are zero."""

    balances: dict[str, DecimalInput] = Field(max_length=RESET_ASSETS_MAX)
