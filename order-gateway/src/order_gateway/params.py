"""What each operation takes, as clients write it: one model per operation, for every transport.

Decimals are text, and so are identifiers. A model says which fields there are and of which form;
what they mean together and for an instrument is checked in `order_entry.py`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from tapewire.limits import (
    API_KEY_LABEL_CHARACTERS_MAX,
    BATCH_ORDERS_MAX,
    CLIENT_ORDER_ID_CHARACTERS_MAX,
    DEAD_MAN_TIMEOUT_S_MAX,
    ORDER_ID_DIGITS_MAX,
    PAGE_ITEMS_MAX,
)
from tapewire.values.account_names import ACCOUNT_PATTERN
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
    """Digits, as a number of JSON or as the text of a query string; all else is left to fail."""
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
            "description": "A plain positive decimal, best as a string; a number is read digit by "
            "digit, its exponent included",
        }
    ),
]
WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
OrderIdInput = Annotated[str, BeforeValidator(_text_of_number), Field(pattern=ORDER_ID_PATTERN)]
ClientOrderId = Annotated[
    str,
    Field(
        pattern=CLIENT_ORDER_ID_PATTERN,
        description="A name of your choice, unique in your account: the same name with the same "
        "body gives the order that was placed first, so a request may be sent again safely",
    ),
]
MomentInput = Annotated[
    str, Field(max_length=40, description="ISO 8601 with an offset, such as 2026-01-31T12:00:00Z")
]
SideText = Literal["buy", "sell"]
OrderTypeText = Literal["limit", "market", "ioc", "fok", "stop", "stop_limit"]
TimeInForceText = Literal["gtc", "ioc", "fok", "gtd"]
SelfTradePreventionText = Literal[
    "none", "expire_taker", "expire_maker", "expire_both", "decrement"
]
StatusText = Literal["new", "partially_filled", "filled", "canceled", "expired"]
PermissionText = Literal["read", "trade", "admin"]


class Params(BaseModel):
    """A field that is not known is refused, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)


class OrderRequest(Params):
    """An order to place."""

    symbol: Annotated[str, Field(description="An instrument of `GET /v1/instruments`")]
    side: SideText
    order_type: Annotated[
        OrderTypeText,
        Field(
            description="`ioc` and `fok` are limit orders with that time in force; a `stop` "
            "becomes a market order, a `stop_limit` a limit order, once a trade reaches "
            "its stop price"
        ),
    ]
    quantity: Annotated[
        DecimalInput | None,
        Field(description="Needed, but for a market order with `quote_quantity`"),
    ] = None
    price: Annotated[
        DecimalInput | None, Field(description="The worst price; not for `market` and `stop`")
    ] = None
    time_in_force: Annotated[
        TimeInForceText | None,
        Field(
            description="`gtc` (default of what may rest), `ioc`, `fok`, or `gtd` with `expire_at`"
        ),
    ] = None
    client_order_id: ClientOrderId | None = None
    self_trade_prevention: Annotated[
        SelfTradePreventionText | None,
        Field(
            description="What happens when two orders of one account would trade; the incoming "
            "order decides. Default: `expire_taker` for a named account, `none` for the shared "
            "account `demo`, so that two orders sent without X-Account trade"
        ),
    ] = None
    post_only: Annotated[
        bool | None, Field(description="Refuse the order if it would trade at once")
    ] = None
    display_quantity: Annotated[
        DecimalInput | None,
        Field(description="Show only so much at a time (iceberg); each slice queues anew"),
    ] = None
    stop_price: Annotated[
        DecimalInput | None,
        Field(description="A buy is set off by a trade at or above it, a sell at or below"),
    ] = None
    quote_quantity: Annotated[
        DecimalInput | None,
        Field(description="Market orders: what to spend or get, instead of `quantity`"),
    ] = None
    expire_at: Annotated[MomentInput | None, Field(description="When a `gtd` order ends")] = None


class AmendRequest(Params):
    """What to change of an open order; what is left out stays as it is."""

    price: DecimalInput | None = None
    quantity: Annotated[
        DecimalInput | None,
        Field(description="The new total, executed quantity included; less keeps the priority"),
    ] = None
    stop_price: DecimalInput | None = None


class OrderKey(Params):
    """Which order: by the venue's id or by the client's, one of them."""

    order_id: OrderIdInput | None = None
    client_order_id: ClientOrderId | None = None


class AmendParams(AmendRequest, OrderKey):
    """An order and what to change of it."""


class BatchItem(BaseModel):
    """An operation and its fields.

    The fields are those of an order; or `order_id` or `client_order_id`, for an amendment with what
    is to change. A wrong item is refused in its result and does not refuse the batch.
    """

    model_config = ConfigDict(extra="allow")

    operation: Annotated[Any, Field(description="`place`, `amend` or `cancel`")] = "place"


class BatchRequest(Params):
    """Many operations, done in their order."""

    orders: Annotated[list[BatchItem], Field(min_length=1, max_length=BATCH_ORDERS_MAX)]


class CancelAllParams(Params):
    """Whose orders to cancel: of one symbol, or all."""

    symbol: str | None = None


class CancelAllAfterParams(Params):
    """The dead-man timer."""

    timeout_s: Annotated[
        WholeNumber,
        Field(
            ge=0,
            le=DEAD_MAN_TIMEOUT_S_MAX,
            description="All orders of the account are canceled so many seconds from now, unless "
            "it is asked again before; 0 disarms",
        ),
    ]


class PageParams(Params):
    """Which part of a list."""

    limit: Annotated[WholeNumber, Field(ge=1, le=PAGE_ITEMS_MAX)] = 100
    cursor: Annotated[str | None, Field(max_length=64)] = None


class OpenOrdersParams(PageParams):
    """Filters of the open orders."""

    symbol: str | None = None


class HistoryParams(OpenOrdersParams):
    """Filters of all orders that are kept."""

    status: Literal["open"] | StatusText | None = None
    moment_from: MomentInput | None = Field(None, alias="from")
    moment_to: MomentInput | None = Field(None, alias="to")


class FillsParams(OpenOrdersParams):
    """Filters of the fills."""

    order_id: OrderIdInput | None = None
    moment_from: MomentInput | None = Field(None, alias="from")
    moment_to: MomentInput | None = Field(None, alias="to")


class ApiKeyRequest(Params):
    """A new API key."""

    account: Annotated[
        str, Field(pattern=f"^{ACCOUNT_PATTERN}$", description="Whose orders it may act on")
    ]
    permissions: Annotated[
        list[PermissionText],
        Field(
            min_length=1,
            max_length=3,
            description="`trade` includes `read`; `admin` is for `/v1/admin/` and nothing else",
        ),
    ]
    label: Annotated[
        str,
        Field(
            max_length=API_KEY_LABEL_CHARACTERS_MAX,
            pattern=r"^[ -~]*$",
            description="For people: what the key is for",
        ),
    ] = ""
    expires_at: Annotated[MomentInput | None, Field(description="When it ends; null: never")] = None


class KeysParams(PageParams):
    """Which part of the list of keys."""
