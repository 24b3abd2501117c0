"""The refusals of contest requests, and the codes of each operation."""

from order_gateway.errors import (
    ACCESS_ERRORS,
    ACCOUNT_ERRORS,
    ADMIN_ERRORS,
    BODY_ERRORS,
    FIELD_ERRORS,
    UNAVAILABLE,
)
from tapewire.errors import Refusal


class LeaderboardHidden(Refusal):
    """The leaderboard is for administrators."""

    code = "leaderboard_hidden"
    status = 403


class NoResults(Refusal):
    """The round does not exist, or it is not over."""

    code = "no_results"
    status = 404


_SENT = (*BODY_ERRORS, *FIELD_ERRORS, *ADMIN_ERRORS)
READ_ERRORS = (*ACCESS_ERRORS, *UNAVAILABLE)
NOTICE_ERRORS = tuple(dict.fromkeys((*_SENT, "out_of_range")))
SCHEDULE_ERRORS = tuple(
    dict.fromkeys((*_SENT, "out_of_range", "unknown_symbol", "round_running", "contest_busy"))
)
ROUND_CHANGE_ERRORS = tuple(dict.fromkeys((*_SENT, "out_of_range", "no_round", "contest_busy")))
ROUND_END_ERRORS = (*ADMIN_ERRORS, "no_round", "contest_busy", "market_halted")
_CHOICE = ("unknown_field", "duplicate_field", "invalid_value", "unknown_asset")
BOARD_ERRORS = (*_CHOICE, "leaderboard_hidden", *READ_ERRORS)
RESULTS_ERRORS = ("invalid_value", "no_results", "leaderboard_hidden", *READ_ERRORS)
PERFORMANCE_ERRORS = (*_CHOICE, *ACCOUNT_ERRORS)
OPTIONS_ERRORS = tuple(dict.fromkeys((*_SENT, "out_of_range", "unknown_asset")))
ALIAS_ERRORS = tuple(dict.fromkeys((*_SENT, "invalid_account")))
RESET_ERRORS = tuple(
    dict.fromkeys(
        (*_SENT, "invalid_decimal", "too_many_digits", "out_of_range", "unknown_asset",
         "round_running", "supply_limit", "insufficient_funds", "market_halted")
    )
)  # fmt: skip
AUDIT_ERRORS = (*ADMIN_ERRORS, "contest_busy")
