"""The types of fields that clients send: decimals, ids, moments, and the words of the API. Pure."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from tapewire.limits import CLIENT_ORDER_ID_CHARACTERS_MAX, FEE_PPM_MAX, ORDER_ID_DIGITS_MAX
from tapewire.values.decimals import expand_exponent
from tapewire.values.json_text import NumberText

DECIMAL_PATTERN = r"^[0-9]+(\.[0-9]+)?$"
ORDER_ID_PATTERN = rf"^[1-9][0-9]{{0,{ORDER_ID_DIGITS_MAX - 1}}}$"
CLIENT_ORDER_ID_PATTERN = rf"^[A-Za-z0-9._:\-]{{1,{CLIENT_ORDER_ID_CHARACTERS_MAX}}}$"
WHOLE_DIGITS_MAX = 15


def _text_of_number(value: object) -> object:
    return value.text if isinstance(value, NumberText) else value


def _decimal_text(value: object) -> object:
    return expand_exponent(value.text) if isinstance(value, NumberText) else value


def _whole_number(value: object) -> object:
    """Convert the digits of a JSON number or of a query string; pydantic refuses other values."""
    text = _text_of_number(value)
    if isinstance(text, str) and text.isascii() and text.isdigit():
        return int(text) if len(text) <= WHOLE_DIGITS_MAX else text
    return text


DecimalInput = Annotated[
    str,
    BeforeValidator(_decimal_text),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": DECIMAL_PATTERN}, {"type": "number"}],
            "description": "A plain positive decimal, best as a string; a number is read "
            "digit by digit, its exponent included",
        }
    ),
]
READS_DIGITS = BeforeValidator(_whole_number)
"""Reads a whole number in a body or a query. In an `Annotated` it stands after the bounds, because
pydantic gives bounds that stand after a validator names that no JSON schema has."""
FeeInput = Annotated[int, Field(ge=0, le=FEE_PPM_MAX), READS_DIGITS]
OrderIdInput = Annotated[str, BeforeValidator(_text_of_number), Field(pattern=ORDER_ID_PATTERN)]
ClientOrderId = Annotated[
    str,
    Field(
        pattern=CLIENT_ORDER_ID_PATTERN,
        description="A name of your choice, unique in your account. A second request with the same "
        "name and the same body returns the first order, so that a request can be "
        "repeated safely",
    ),
]
ClientListId = Annotated[
    str,
    Field(
        pattern=CLIENT_ORDER_ID_PATTERN,
        description="A name of your choice for an order list, unique among the lists of your "
        "account. A second request with the same names and the same body returns the first list",
    ),
]
CancelId = Annotated[
    str,
    Field(
        pattern=CLIENT_ORDER_ID_PATTERN,
        description="A name of your choice for the cancel; the answer and the report show it",
    ),
]
MomentInput = Annotated[
    str, Field(max_length=40, description="ISO 8601 with an offset, such as 2026-01-31T12:00:00Z")
]
SideText = Literal["buy", "sell"]
OrderTypeText = Literal[
    "limit", "market", "ioc", "fok", "stop", "stop_limit", "take_profit", "take_profit_limit"
]
TimeInForceText = Literal["gtc", "ioc", "fok", "gtd"]
SelfTradePreventionText = Literal[
    "none", "expire_taker", "expire_maker", "expire_both", "decrement"
]
StatusText = Literal["new", "partially_filled", "filled", "canceled", "expired"]
MarketStateText = Literal["trading", "cancel_only", "halted", "post_only", "auction"]
PermissionText = Literal["read", "trade", "admin"]
