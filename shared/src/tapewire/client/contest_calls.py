"""The operations of classes and competitions: performance, leaderboard, rounds, notices, reset.

Operations below `/v1/admin/` need a key with the permission `admin` at a venue with keys.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from tapewire.client.calls import (
    Call,
    Moment,
    Number,
    decoder,
    moment,
    nullable,
    operation,
    plain,
)
from tapewire.client.contest_replies import (
    Alias,
    AuditResult,
    CurrentRound,
    FreshStart,
    Leaderboard,
    LeaderboardOptions,
    Notices,
    Performance,
)
from tapewire.wire.venue_event import Notice, RoundInfo

PriceText: TypeAlias = Literal["last", "mid"]

_read_notices = decoder(Notices)
_read_notice = decoder(Notice)
_read_current = decoder(CurrentRound)
_read_round = decoder(RoundInfo)
_read_performance = decoder(Performance)
_read_board = decoder(Leaderboard)
_read_options = decoder(LeaderboardOptions)
_read_alias = decoder(Alias)
_read_start = decoder(FreshStart)
_read_audit = decoder(AuditResult)


@operation("GET", "/v1/notices")
def notices() -> Call[Notices]:
    """Read the newest 20 notices, newest first."""
    return Call(_read_notices)


@operation("POST", "/v1/admin/notices", is_repeatable=False)
def send_notice(text: str) -> Call[Notice]:
    """Send a notice of one line to all traders."""
    return Call(_read_notice, body={"text": text})


@operation("GET", "/v1/round")
def round_now() -> Call[CurrentRound]:
    """Read the newest round."""
    return Call(_read_current)


@operation("POST", "/v1/admin/round", is_repeatable=False)
def schedule_round(
    name: str,
    duration_s: int,
    *,
    starts_at: Moment | None = None,
    closed_state: Literal["cancel_only", "halted"] | None = None,
    cancel_orders: bool | None = None,
    symbols: Sequence[str] | None = None,
    auction_s: int | None = None,
) -> Call[RoundInfo]:
    """Announce a round, or begin it now if there is no `starts_at`.

    Its first `auction_s` seconds are an auction.
    """
    body = {
        "name": name,
        "duration_s": duration_s,
        "starts_at": moment(starts_at),
        "closed_state": closed_state,
        "cancel_orders": cancel_orders,
        "symbols": None if symbols is None else list(symbols),
        "auction_s": auction_s,
    }
    return Call(_read_round, body=body)


@operation("PATCH", "/v1/admin/round")
def move_round(ends_at: Moment) -> Call[RoundInfo]:
    """Let the round that is announced or running end at another time."""
    return Call(_read_round, body={"ends_at": moment(ends_at)})


@operation("POST", "/v1/admin/round/end")
def end_round() -> Call[RoundInfo]:
    """End the round now; a scheduled round is dropped."""
    return Call(_read_round)


@operation("GET", "/v1/rounds/{number}/results")
def round_results(number: int) -> Call[Leaderboard]:
    """Read the leaderboard at the end of a round."""
    return Call(_read_board, path={"number": str(number)})


@operation("GET", "/v1/admin/rounds/{number}/results")
def all_round_results(number: int) -> Call[Leaderboard]:
    """Read the results of a round as an administrator."""
    return Call(_read_board, path={"number": str(number)})


@operation("GET", "/v1/account/performance")
def performance(*, price: PriceText | None = None, asset: str | None = None) -> Call[Performance]:
    """Read the performance of the account, at these prices and in this asset."""
    return Call(_read_performance, query={"price": price, "asset": asset})


@operation("GET", "/v1/leaderboard")
def leaderboard(*, price: PriceText | None = None, asset: str | None = None) -> Call[Leaderboard]:
    """Read the leaderboard with the organiser's options."""
    return Call(_read_board, query={"price": price, "asset": asset})


@operation("GET", "/v1/admin/leaderboard")
def whole_leaderboard(
    *, price: PriceText | None = None, asset: str | None = None
) -> Call[Leaderboard]:
    """Read the present leaderboard as an administrator."""
    return Call(_read_board, query={"price": price, "asset": asset})


@operation("GET", "/v1/admin/leaderboard/options")
def leaderboard_options() -> Call[LeaderboardOptions]:
    """Read who sees the leaderboard, and how."""
    return Call(_read_options)


@operation("PUT", "/v1/admin/leaderboard/options")
def change_leaderboard_options(
    *,
    visibility: Literal["all", "admins"] | None = None,
    delay_s: int | None = None,
    names: Literal["accounts", "aliases"] | None = None,
    price: PriceText | None = None,
    asset: str | None = None,
) -> Call[LeaderboardOptions]:
    """Change the options of the leaderboard; an option that is left out keeps its value."""
    body = {"visibility": visibility, "delay_s": delay_s, "names": names, "price": price,
            "asset": asset}  # fmt: skip
    return Call(_read_options, body=body)


@operation("PUT", "/v1/admin/accounts/{account}/alias")
def set_alias(name: str, alias: str | None) -> Call[Alias]:
    """Name an account on the leaderboard; None takes the name away."""
    return Call(_read_alias, path={"account": name}, body={"alias": nullable(alias)})


@operation("POST", "/v1/admin/reset")
def reset(balances: Mapping[str, Number]) -> Call[FreshStart]:
    """Cancel every order and give every account exactly these balances."""
    body = {"balances": {asset: plain(amount) for asset, amount in balances.items()}}
    return Call(_read_start, body=body)


@operation("POST", "/v1/admin/audit")
def audit() -> Call[AuditResult]:
    """Check that money, orders and books add up."""
    return Call(_read_audit)
