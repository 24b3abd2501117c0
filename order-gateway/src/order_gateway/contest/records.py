"""The records of a contest in Redis, as JSON texts; times in microseconds, UTC."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, json

RoundState = Literal["scheduled", "running", "ended"]
ClosedState = Literal["cancel_only", "halted"]
Visibility = Literal["all", "admins"]
Names = Literal["accounts", "aliases"]
PriceSource = Literal["last", "mid"]

ALIAS_CHARACTERS_MAX: Final = 32
NOTICES_KEPT: Final = 100
ROUND_DURATION_S_MAX: Final = 7 * 86_400
DELAY_S_MAX: Final = 86_400


class Round(Struct, frozen=True):
    """One round: markets open at its start and close at its end."""

    number: int
    name: str
    state: RoundState
    starts_us: int
    ends_us: int
    # The state of the markets before and after the round.
    closed_state: ClosedState
    cancels_orders: bool
    # Markets of the round; empty: all.
    symbols: list[str]
    # The round begins with an auction of this length; 0: without one.
    auction_us: int = 0
    # Whether the auction is over.
    is_trading: bool = True


class BoardOptions(Struct, frozen=True):
    """The options of the leaderboard: readers, delay, names, prices."""

    visibility: Visibility = "all"
    delay_s: Annotated[int, Meta(ge=0, le=DELAY_S_MAX)] = 0
    names: Names = "accounts"
    price: PriceSource = "last"
    # The asset of all values; empty: the asset in which most instruments are quoted.
    asset: str = ""
    # Keeps generated aliases from being guessed; created with the first options.
    salt: str = ""


class StartFigures(Struct, frozen=True, array_like=True):
    """The results of an account before a round, which are subtracted during the round."""

    gain: int
    realised: int
    fees: int
    volume: int
    trades: int


class RoundStart(Struct, frozen=True):
    """Every account with results when a round opened; amounts in units of `asset`."""

    asset: str
    accounts: dict[str, StartFigures]


encode = json.Encoder().encode
read_round = json.Decoder(Round).decode
read_options = json.Decoder(BoardOptions).decode
read_start = json.Decoder(RoundStart).decode
