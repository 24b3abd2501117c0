"""The answers about classes and competitions as the client library hands them out."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from tapewire.wire.venue_event import Notice, RoundInfo


class Notices(Struct, frozen=True):
    """The newest notices, newest first."""

    notices: list[Notice]


class CurrentRound(Struct, frozen=True):
    """The newest round, None if there was none, and the venue's time as text."""

    round: RoundInfo | None
    now: str


class AssetPerformance(Struct, frozen=True):
    """One asset of an account; `value` is None without a price."""

    asset: str
    total: Decimal
    deposited: Decimal
    fees: Decimal
    value: Decimal | None


class MarketPerformance(Struct, frozen=True):
    """One market of an account; amounts in the market's quote asset."""

    symbol: str
    position: Decimal
    average_price: Decimal | None
    realised: Decimal
    unrealised: Decimal | None
    volume: Decimal
    trades: int


class Performance(Struct, frozen=True):
    """The performance of an account; amounts in the asset `valued_in`."""

    account: str
    valued_in: str
    price: Literal["last", "mid"]
    equity: Decimal
    deposits: Decimal
    pnl: Decimal
    realised: Decimal
    fees: Decimal
    volume: Decimal
    trades: int
    complete: bool
    assets: list[AssetPerformance]
    markets: list[MarketPerformance]
    timestamp: str


class Rank(Struct, frozen=True):
    """One line of the leaderboard."""

    rank: int
    name: str
    pnl: Decimal
    equity: Decimal
    realised: Decimal
    fees: Decimal
    volume: Decimal
    trades: int


class Leaderboard(Struct, frozen=True):
    """Accounts by profit and loss; `round` is the round from whose start the figures count."""

    valued_in: str
    price: Literal["last", "mid"]
    round: int | None
    accounts: int
    ranks: list[Rank]
    timestamp: str


class LeaderboardOptions(Struct, frozen=True):
    """The options of the leaderboard."""

    visibility: Literal["all", "admins"]
    delay_s: int
    names: Literal["accounts", "aliases"]
    price: Literal["last", "mid"]
    asset: str | None


class Alias(Struct, frozen=True):
    """The name of an account on the leaderboard."""

    account: str
    alias: str | None


class FreshStart(Struct, frozen=True):
    """The result of a reset; `halted` are markets whose orders still hold money."""

    accounts: int
    canceled_count: int
    halted: list[str]


class AuditCheck(Struct, frozen=True):
    """One check of an audit."""

    check: str
    counted: str
    different_count: int
    differences: list[str]
    remark: str | None


class AuditResult(Struct, frozen=True):
    """The result of an audit."""

    clean: bool
    checks: list[AuditCheck]
    timestamp: str
