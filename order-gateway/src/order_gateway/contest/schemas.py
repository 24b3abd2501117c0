"""The answers of the contest routes."""

from typing import Annotated

from msgspec import Meta, Struct

from order_gateway.contest.records import Names, PriceSource, Visibility
from tapewire.values.types import Symbol
from tapewire.wire.members import Timestamp
from tapewire.wire.venue_event import Notice, RoundInfo

_Signed = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
_Amount = Annotated[_Signed, Meta(description="In the asset `valued_in`, rounded down")]


class NoticesReply(Struct, frozen=True, gc=False):
    """The newest notices, newest first."""

    notices: list[Notice]


class CurrentRoundReply(Struct, frozen=True, gc=False):
    """The newest round, null if there was none, and the venue's time."""

    round: RoundInfo | None
    now: Timestamp


class AssetPerformanceReply(Struct, frozen=True, gc=False):
    """One asset of an account."""

    asset: str
    total: _Signed
    deposited: Annotated[_Signed, Meta(description="Deposits less withdrawals")]
    fees: _Signed
    value: Annotated[_Amount | None, Meta(description="Null: the asset has no price")]


class MarketPerformanceReply(Struct, frozen=True, gc=False):
    """One market of an account; amounts in the market's quote asset."""

    symbol: Symbol
    position: Annotated[_Signed, Meta(description="Bought less sold, in the base asset")]
    average_price: Annotated[
        str | None, Meta(description="Cost of the position, rounded down; null without a position")
    ]
    realised: _Signed
    unrealised: Annotated[_Signed | None, Meta(description="Null: the market has no price")]
    volume: str
    trades: int


class PerformanceReply(Struct, frozen=True, gc=False):
    """The performance of an account, at the prices of `timestamp`."""

    account: str
    valued_in: str
    price: PriceSource
    equity: _Amount
    deposits: Annotated[_Signed, Meta(description="Deposits less withdrawals, at the same prices")]
    pnl: Annotated[_Signed, Meta(description="Equity less deposits")]
    realised: Annotated[_Signed, Meta(description="Of closed positions, before fees")]
    fees: _Amount
    volume: _Amount
    trades: int
    complete: Annotated[bool, Meta(description="False: the log began later than the account")]
    assets: list[AssetPerformanceReply]
    markets: list[MarketPerformanceReply]
    timestamp: Timestamp


class RankReply(Struct, frozen=True, gc=False):
    """One line of the leaderboard."""

    rank: Annotated[int, Meta(ge=1, description="Accounts with equal gains have the same rank")]
    name: Annotated[str, Meta(description="The account, or its alias")]
    pnl: _Amount
    equity: _Amount
    realised: _Amount
    fees: _Amount
    volume: _Amount
    trades: int


class LeaderboardReply(Struct, frozen=True, gc=False):
    """Accounts by performance; during a round, since its start."""

    valued_in: str
    price: PriceSource
    round: Annotated[int | None, Meta(description="The number of the round; null outside of one")]
    accounts: int
    ranks: Annotated[list[RankReply], Meta(description="The best accounts, at most 1,000")]
    timestamp: Timestamp


class BoardOptionsReply(Struct, frozen=True, gc=False):
    """The options of the leaderboard: readers, delay, names, prices."""

    visibility: Visibility
    delay_s: int
    names: Names
    price: PriceSource
    asset: Annotated[
        str | None,
        Meta(
            description="The asset of all values; null: the asset in which most "
            "instruments are quoted"
        ),
    ]


class AliasReply(Struct, frozen=True, gc=False):
    """The name of an account on the leaderboard."""

    account: str
    alias: Annotated[str | None, Meta(description="Null: an alias made from the account's name")]


class ResetReply(Struct, frozen=True, gc=False):
    """The result of a reset."""

    accounts: int
    canceled_count: int
    halted: Annotated[
        list[Symbol], Meta(description="Halted markets: orders in them still hold money")
    ]


class AuditCheckReply(Struct, frozen=True, gc=False):
    """One check of an audit."""

    check: str
    counted: str
    different_count: Annotated[int, Meta(ge=0, description="0: no difference")]
    differences: Annotated[list[str], Meta(description="The first differences, 20 in all checks")]
    remark: str | None


class AuditReply(Struct, frozen=True, gc=False):
    """The result of an audit."""

    clean: bool
    checks: list[AuditCheckReply]
    timestamp: Timestamp
