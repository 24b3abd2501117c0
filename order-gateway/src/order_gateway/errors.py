"""What the gateway refuses by itself, and which refusals each operation documents.

The table of all codes is `tapewire.error_codes`; `tapewire.problem` turns them into answers.
"""

from pydantic import ValidationError

from tapewire.errors import InvalidField, Refusal
from tapewire.json_text import shown_name

UNAVAILABLE = ("redis_unavailable", "overloaded", "internal_error")
ACCOUNT_ERRORS = ("invalid_account",)
ORDER_ID_ERRORS = (*ACCOUNT_ERRORS, "invalid_order_id", "order_not_found", *UNAVAILABLE)
CANCEL_ERRORS = (*ORDER_ID_ERRORS, "order_closed", "outcome_unknown")
PLACE_ERRORS = (
    "malformed_json",
    "unknown_symbol",
    "duplicate_client_order_id",
    "body_too_large",
    "unsupported_media_type",
    *ACCOUNT_ERRORS,
    "invalid_body",
    "unknown_field",
    "duplicate_field",
    "missing_field",
    "invalid_value",
    "invalid_decimal",
    "too_many_digits",
    "out_of_range",
    "off_tick",
    "off_lot",
    "notional_too_small",
    "price_required",
    "price_forbidden",
    "contradictory_time_in_force",
    *UNAVAILABLE,
    "outcome_unknown",
)

# What each field of an order must be, to be read after its name.
_RULES = {
    "symbol": 'must be the symbol of an instrument as a string, such as "BTC-USDT"',
    "side": 'must be "buy" or "sell"',
    "order_type": 'must be "limit", "market", "ioc" or "fok"',
    "time_in_force": 'must be "gtc", "ioc" or "fok"',
    "quantity": 'must be a plain positive decimal such as "1.5"',
    "price": 'must be a plain positive decimal such as "60000.00"',
    "client_order_id": "must be a string of 1 to 64 letters, digits, dots, underscores, colons "
    "or hyphens",
}
_DECIMALS = frozenset({"quantity", "price"})


class UnsupportedMediaType(Refusal):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415


class InvalidBody(Refusal):
    """The body is JSON, but no object."""

    code = "invalid_body"
    status = 422


def refusal_of(error: ValidationError) -> Refusal:
    """The first thing that is wrong with the body of an order, as a refusal."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if not first["loc"]:
        return InvalidBody("The body must be a JSON object with the fields of an order.")
    field = shown_name(str(first["loc"][0]))
    if first["type"] == "extra_forbidden":
        return InvalidField(field, "unknown_field", f"{field} is not a field of an order.")
    if first["type"] == "missing":
        return InvalidField(field, "missing_field", f"{field} is missing: it {_RULES[field]}.")
    code = "invalid_decimal" if field in _DECIMALS else "invalid_value"
    return InvalidField(field, code, f"{field} {_RULES[field]}.")
