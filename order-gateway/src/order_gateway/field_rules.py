"""What each field of a request may be, and the refusal of a wrong field."""

from pydantic import ValidationError

from order_gateway.errors import InvalidBody
from tapewire.errors import InvalidField, Refusal
from tapewire.limits import (
    ACCOUNT_CHARACTERS_MAX,
    API_KEY_LABEL_CHARACTERS_MAX,
    ASSET_CHARACTERS_MAX,
    ASSET_DECIMALS_MAX,
    BATCH_ORDERS_MAX,
    DEAD_MAN_TIMEOUT_S_MAX,
    FEE_PPM_MAX,
    ORDER_ID_DIGITS_MAX,
    PAGE_ITEMS_MAX,
    SYMBOL_CHARACTERS_MAX,
)
from tapewire.values.account_entry import REFERENCE_RULE
from tapewire.values.account_names import ACCOUNT_RULE
from tapewire.values.json_text import shown_name

_DECIMAL = 'must be a plain positive decimal such as "1.5"'
_CLIENT_ID = "must be a string of 1 to 64 letters, digits, dots, underscores, colons or hyphens"
_NAME = "must be a string of capital letters, digits, dots and hyphens, such as"
_DECIMALS = f"must be a whole number from 0 to {ASSET_DECIMALS_MAX}"
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
    "client_order_id": _CLIENT_ID,
    "client_list_id": _CLIENT_ID,
    "cancel_id": _CLIENT_ID,
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
    "orders": f"must be a list of 1 to {BATCH_ORDERS_MAX} objects, each with one operation",
    "prefix": f"must be a string of at most {ACCOUNT_CHARACTERS_MAX} characters",
    "base": f'{_NAME} "BTC", of at most {ASSET_CHARACTERS_MAX} characters',
    "quote": f'{_NAME} "USDT", of at most {ASSET_CHARACTERS_MAX} characters',
    "base_decimals": _DECIMALS,
    "quote_decimals": _DECIMALS,
    "tick_size": _DECIMAL,
    "lot_size": _DECIMAL,
    "min_quantity": _DECIMAL,
    "max_quantity": _DECIMAL,
    "max_price": _DECIMAL,
    "min_notional": _DECIMAL,
    "price_band": 'must be a percentage as a string, such as "5"',
    "InstrumentEntry.symbol": f'{_NAME} "BTC-USDT", of at most {SYMBOL_CHARACTERS_MAX} characters',
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


def refusal_of(error: ValidationError) -> Refusal:
    """The first fault in the fields of a request, as a refusal."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if not first["loc"]:
        return InvalidBody("The body must be a JSON object with the fields of the request.")
    field = shown_name(str(_named(first["loc"])))
    if first["type"] == "extra_forbidden":
        return InvalidField(field, "unknown_field", f"{field} is not a field of this request.")
    rule = _RULES.get(f"{error.title}.{field}") or _RULES[field]
    if first["type"] == "missing":
        return InvalidField(field, "missing_field", f"{field} is missing: it {rule}.")
    code = "out_of_range" if first["type"] in _BOUNDS else _CODES.get(field, "invalid_value")
    return InvalidField(field, code, f"{field} {rule}.")


def _named(location: tuple[int | str, ...]) -> int | str:
    """The wrong field; for an order within a request, the field of that order."""
    return location[1] if len(location) > 1 and location[0] in _PARTS else location[0]
