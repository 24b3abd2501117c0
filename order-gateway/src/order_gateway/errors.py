"""The refusals of the gateway itself, and the error codes of each operation.

The table of all codes is `tapewire.error_codes`; `tapewire.web.problem` renders the answers.
"""

from tapewire.errors import Refusal


class UnsupportedMediaType(Refusal):
    """The body is not declared as JSON, or is compressed."""

    code = "unsupported_media_type"
    status = 415


class InvalidBody(Refusal):
    """The body is JSON, but not an object."""

    code = "invalid_body"
    status = 422


UNAVAILABLE = ("redis_unavailable", "overloaded", "internal_error")
# Refusals of callers at a gateway with keys.
ACCESS_ERRORS = (
    "key_required", "key_invalid", "key_revoked", "key_expired", "permission_denied",
    "account_mismatch", "rate_limited",
)  # fmt: skip
ACCOUNT_ERRORS = ("invalid_account", *ACCESS_ERRORS, *UNAVAILABLE)
ADMIN_ERRORS = ("administration_is_local", *ACCESS_ERRORS, *UNAVAILABLE)
# A request that changes orders at a venue on recorded time, before the first time.
CLOCK_ERRORS = ("clock_not_started",)
FIELD_ERRORS = ("unknown_field", "duplicate_field", "missing_field", "invalid_value")
BODY_ERRORS = (
    "malformed_json",
    "body_too_large",
    "unsupported_media_type",
    "invalid_body",
    *FIELD_ERRORS,
)
NUMBER_ERRORS = (
    "invalid_decimal",
    "too_many_digits",
    "out_of_range",
    "off_tick",
    "off_lot",
    "notional_too_small",
)
ORDER_KEY_ERRORS = (*ACCOUNT_ERRORS, "invalid_order_id", "invalid_value", "order_not_found")
CANCEL_ERRORS = (
    *ORDER_KEY_ERRORS, *CLOCK_ERRORS, "order_closed", "market_halted", "market_broken",
    "uncross_pending",
    "outcome_unknown",
)  # fmt: skip
# Refusals of a market to a new order or an amendment that loses its priority.
MARKET_ERRORS = (
    "market_halted",
    "market_cancel_only",
    "price_out_of_band",
    "stop_would_trigger",
    "post_only_would_take",
    "stops_pending",
    "market_broken",
    "uncross_pending",
)
# Refusals of an account to a new or larger order.
FUNDS_ERRORS = (
    "account_blocked", "order_size_limit", "order_notional_limit", "position_limit",
    "balance_limit", "insufficient_funds",
)  # fmt: skip
# Refusals to open a new account.
OPENING_ERRORS = ("unknown_account", "accounts_limit", "supply_limit")
PLACE_ERRORS = (
    *BODY_ERRORS,
    *CLOCK_ERRORS,
    *ACCOUNT_ERRORS,
    *NUMBER_ERRORS,
    "unknown_symbol",
    "duplicate_client_order_id",
    "off_amount_step",
    "price_required",
    "price_forbidden",
    "contradictory_time_in_force",
    "stop_price_required",
    "stop_price_forbidden",
    "post_only_forbidden",
    "display_quantity_forbidden",
    "quote_quantity_forbidden",
    "expire_at_required",
    "expire_at_forbidden",
    *MARKET_ERRORS,
    *FUNDS_ERRORS,
    *OPENING_ERRORS,
    "market_post_only",
    "market_auction",
    "open_orders_limit",
    "outcome_unknown",
)
AMEND_ERRORS = (
    *BODY_ERRORS,
    *CLOCK_ERRORS,
    *ORDER_KEY_ERRORS,
    *NUMBER_ERRORS,
    "order_closed",
    "order_in_list",
    "nothing_to_amend",
    "price_forbidden",
    "stop_price_forbidden",
    *MARKET_ERRORS,
    *FUNDS_ERRORS,
    "market_post_only",
    "outcome_unknown",
)
BATCH_ERRORS = (*BODY_ERRORS, *ACCOUNT_ERRORS, *CLOCK_ERRORS, "out_of_range")
REPLACE_ERRORS = (
    *PLACE_ERRORS, "invalid_order_id", "order_not_found", "order_closed",
)  # fmt: skip
CANCEL_ALL_ERRORS = (
    *ACCOUNT_ERRORS, *CLOCK_ERRORS, *FIELD_ERRORS, "unknown_symbol", "market_halted",
    "market_broken", "uncross_pending", "outcome_unknown",
)  # fmt: skip
TIMER_ERRORS = (*BODY_ERRORS, *ACCOUNT_ERRORS, *CLOCK_ERRORS, "out_of_range", "outcome_unknown")
LIST_ERRORS = (*ACCOUNT_ERRORS, *FIELD_ERRORS, "out_of_range", "unknown_symbol")
OWN_ACCOUNT_ERRORS = (
    *ACCOUNT_ERRORS, *OPENING_ERRORS, "unknown_field", "duplicate_field", "outcome_unknown",
)  # fmt: skip
BOUND_ERRORS = (
    "invalid_decimal", "too_many_digits", "out_of_range", "off_lot", "off_amount_step",
)  # fmt: skip
MARKET_CHANGE_ERRORS = (
    *BODY_ERRORS, *ADMIN_ERRORS, *BOUND_ERRORS, "unknown_symbol", "nothing_to_amend",
    "fee_below_unit", "market_broken", "uncross_pending", "outcome_unknown",
)  # fmt: skip
INSTRUMENT_ERRORS = (
    *BODY_ERRORS, *ADMIN_ERRORS, "invalid_decimal", "too_many_digits", "out_of_range", "off_tick",
    "off_lot", "off_amount_step", "fee_below_unit", "instrument_conflict", "instruments_limit",
    "market_broken", "outcome_unknown",
)  # fmt: skip
DELIST_ERRORS = (
    *ADMIN_ERRORS, "unknown_symbol", "market_broken", "uncross_pending", "outcome_unknown",
)  # fmt: skip
ACCOUNTS_ERRORS = (*ADMIN_ERRORS, *FIELD_ERRORS, "out_of_range")
ACCOUNT_READ_ERRORS = (*ADMIN_ERRORS, "invalid_account", "unknown_account")
WITHDRAW_ERRORS = (
    *BODY_ERRORS, *ACCOUNT_READ_ERRORS, "invalid_decimal", "too_many_digits", "out_of_range",
    "unknown_asset", "insufficient_funds", "duplicate_reference", "outcome_unknown",
)  # fmt: skip
DEPOSIT_ERRORS = (
    *BODY_ERRORS, *ADMIN_ERRORS, "invalid_account", "invalid_decimal", "too_many_digits",
    "out_of_range", "unknown_asset", "duplicate_reference", "accounts_limit", "supply_limit",
    "outcome_unknown",
)  # fmt: skip
ACCOUNT_CHANGE_ERRORS = (
    *BODY_ERRORS, *ACCOUNT_READ_ERRORS, "out_of_range", "nothing_to_amend", "outcome_unknown",
)  # fmt: skip
ACCOUNT_LIMITS_ERRORS = (
    *BODY_ERRORS, *ACCOUNT_READ_ERRORS, *BOUND_ERRORS, "nothing_to_amend", "unknown_symbol",
    "outcome_unknown",
)  # fmt: skip
ACCOUNT_KILL_ERRORS = (*ACCOUNT_READ_ERRORS, "outcome_unknown")
VENUE_KILL_ERRORS = (*ADMIN_ERRORS, "outcome_unknown")
KEY_ERRORS = (
    *BODY_ERRORS, *ADMIN_ERRORS, "invalid_account", "out_of_range", "keys_limit", "outcome_unknown",
)  # fmt: skip
KEY_LIST_ERRORS = (*ADMIN_ERRORS, *FIELD_ERRORS, "out_of_range")
REVOKE_ERRORS = (*ADMIN_ERRORS, "key_not_found", "outcome_unknown")
