"""The refusals of the gateway itself, and the naming of wrong fields.

The table of all codes is `tapewire.error_codes`; `tapewire.web.problem` renders the answers.
"""

from pydantic import ValidationError

from tapewire.errors import InvalidField, Refusal
from tapewire.limits import (
    API_KEY_LABEL_CHARACTERS_MAX,
    DEAD_MAN_TIMEOUT_S_MAX,
    FEE_PPM_MAX,
    ORDER_ID_DIGITS_MAX,
    PAGE_ITEMS_MAX,
)
from tapewire.values.account_entry import REFERENCE_RULE
from tapewire.values.account_names import ACCOUNT_RULE
from tapewire.values.json_text import shown_name

_DECIMAL = 'must be a plain positive decimal such as "1.5"'
_MOMENT = 'must be ISO 8601 with its offset from UTC, such as "2026-01-31T12:00:00Z"'
# The rule of each field, to be read after the name of the field.
_RULES = {
    "symbol": 'must be the symbol of an instrument as a string, such as "BTC-USDT"',
    "side": 'must be "buy" or "sell"',
    "order_type": 'must be "limit", "market", "ioc", "fok", "stop", "stop_limit", "take_profit" or '
    '"take_profit_limit"',
    "time_in_force": 'must be "gtc", "ioc", "fok" or "gtd"',
    "quantity": _DECIMAL,
    "price": 'must be a plain positive decimal such as "60000.00"',
    "client_order_id": "must be a string of 1 to 64 letters, digits, dots, underscores, colons "
    "or hyphens",
    "cancel_id": "must be a string of 1 to 64 letters, digits, dots, underscores, colons or "
    "hyphens",
    "self_trade_prevention": 'must be "none", "expire_taker", "expire_maker", "expire_both" or '
    '"decrement"',
    "post_only": "must be true or false",
    "reuse_client_order_id": "must be true or false",
    "display_quantity": _DECIMAL,
    "stop_price": _DECIMAL,
    "quote_quantity": _DECIMAL,
    "expire_at": _MOMENT,
    "cancel": "must be an object with order_id or client_order_id",
    "order": "must be an object with the fields of an order",
    "profit": 'must be an object with order_type and prices, such as {"price": "61000.00"}',
    "stop": 'must be an object with order_type and prices, such as {"stop_price": "58000.00"}',
    "list_id": f"must be a whole number of at most {ORDER_ID_DIGITS_MAX} digits",
    "OrderListRequest.order_type": 'must be "limit", "take_profit" or "take_profit_limit" in '
    'profit, "stop" or "stop_limit" in stop',
    "mode": 'must be "stop_on_failure" or "allow_failure"',
    "order_id": f"must be a whole number of at most {ORDER_ID_DIGITS_MAX} digits",
    "timeout_s": f"must be a whole number from 0 to {DEAD_MAN_TIMEOUT_S_MAX}",
    "limit": f"must be a whole number from 1 to {PAGE_ITEMS_MAX}",
    "cursor": "must be the next_cursor of the page before",
    "status": 'must be "open", "new", "partially_filled", "filled", "canceled" or "expired"',
    "from": _MOMENT,
    "to": _MOMENT,
    "state": 'must be "trading", "cancel_only", "halted", "post_only" or "auction"',
    "price_band_bps": "must be a whole number from 0 to 100000",
    "account": ACCOUNT_RULE,
    "permissions": 'must be a list of "read", "trade" and "admin"',
    "label": f"must be at most {API_KEY_LABEL_CHARACTERS_MAX} printable ASCII characters",
    "expires_at": _MOMENT,
    "open_orders_max": "must be a whole number from 1 to 1000000",
    "order_quantity_max": _DECIMAL,
    "order_notional_max": _DECIMAL,
    "position_max": _DECIMAL,
    "maker_fee_ppm": f"must be a whole number from 0 to {FEE_PPM_MAX}",
    "taker_fee_ppm": f"must be a whole number from 0 to {FEE_PPM_MAX}",
    "allow_coarse_fees": "must be true or false",
    "asset": 'must be an asset of an instrument as a string, such as "USDT"',
    "amount": _DECIMAL,
    "reference": REFERENCE_RULE,
    "text": "must be one line of 1 to 500 printable characters",
    "name": "must be one line of 1 to 64 printable characters",
    "alias": "must be one line of 1 to 32 printable characters, or null",
    "starts_at": _MOMENT,
    "ends_at": _MOMENT,
    "duration_s": "must be a whole number from 1 to 604800",
    "auction_s": "must be a whole number from 0 to 604799, less than duration_s",
    "closed_state": 'must be "cancel_only" or "halted"',
    "cancel_orders": "must be true or false",
    "symbols": "must be a list of symbols",
    "visibility": 'must be "all" or "admins"',
    "delay_s": "must be a whole number from 0 to 86400",
    "names": 'must be "accounts" or "aliases"',
    "balances": 'must be an object of amounts by asset, such as {"USDT": "100000"}',
    "BoardParams.price": 'must be "last" or "mid"',
    "BoardOptionsRequest.price": 'must be "last" or "mid"',
    "AccountLimitsRequest.open_orders_max": "must be a whole number from 0 to 1000000",
    "AccountChange.state": 'must be "active" or "blocked"',
}
_CODES = {
    "quantity": "invalid_decimal",
    "price": "invalid_decimal",
    "stop_price": "invalid_decimal",
    "display_quantity": "invalid_decimal",
    "quote_quantity": "invalid_decimal",
    "order_quantity_max": "invalid_decimal",
    "order_notional_max": "invalid_decimal",
    "position_max": "invalid_decimal",
    "amount": "invalid_decimal",
    "account": "invalid_account",
    "order_id": "invalid_order_id",
}
# Fields that hold an order or name one.
_PARTS = frozenset({"cancel", "order", "profit", "stop"})
_BOUNDS = frozenset({"greater_than_equal", "less_than_equal"})


class UnsupportedMediaType(Refusal):
    """The body is not declared as JSON, or is compressed."""

    code = "unsupported_media_type"
    status = 415


class InvalidBody(Refusal):
    """The body is JSON, but not an object."""

    code = "invalid_body"
    status = 422


def refusal_of(error: ValidationError) -> Refusal:
    """The first fault in the fields of a request, as a refusal."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if not first["loc"]:
        return InvalidBody("The body must be a JSON object with the fields of the request.")
    field = shown_name(str(_named(first["loc"])))
    if first["type"] == "extra_forbidden":
        return InvalidField(field, "unknown_field", f"{field} is not a field of this request.")
    rule = _RULES.get(f"{error.title}.{field}") or _RULES.get(
        field, f"is not valid ({first['msg']})"
    )
    if first["type"] == "missing":
        return InvalidField(field, "missing_field", f"{field} is missing: it {rule}.")
    code = "out_of_range" if first["type"] in _BOUNDS else _CODES.get(field, "invalid_value")
    return InvalidField(field, code, f"{field} {rule}.")


def _named(location: tuple[int | str, ...]) -> int | str:
    """The wrong field; for an order within a request, the field of that order."""
    return location[1] if len(location) > 1 and location[0] in _PARTS else location[0]


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
