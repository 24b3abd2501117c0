"""The parameters of the operations on accounts and keys: one model per request."""

from typing import Annotated, Literal

from pydantic import Field

from order_gateway.field_types import (
    READS_DIGITS,
    DecimalInput,
    FeeInput,
    MomentInput,
    PermissionText,
)
from order_gateway.params import PageParams, Params
from tapewire.limits import (
    ACCOUNT_CHARACTERS_MAX,
    API_KEY_LABEL_CHARACTERS_MAX,
    ASSET_CHARACTERS_MAX,
    OPEN_ORDERS_BOUND_MAX,
)
from tapewire.values.account_entry import REFERENCE_PATTERN
from tapewire.values.account_names import ACCOUNT_PATTERN

_OpenOrders = Annotated[int, Field(ge=0, le=OPEN_ORDERS_BOUND_MAX), READS_DIGITS]
_Bound = Annotated[
    DecimalInput, Field(description="Null: the limit of the instrument; 0: no limit")
]


class NoParams(Params):
    """A request without parameters."""


class AccountsParams(PageParams):
    """A page of the list of accounts."""

    prefix: Annotated[
        str,
        Field(
            max_length=ACCOUNT_CHARACTERS_MAX,
            description="List only accounts whose names begin with this text",
        ),
    ] = ""


class TransferRequest(Params):
    """A deposit or a withdrawal."""

    asset: Annotated[str, Field(max_length=ASSET_CHARACTERS_MAX)]
    amount: Annotated[DecimalInput, Field(description="Greater than zero")]
    reference: Annotated[
        str | None,
        Field(
            pattern=f"^{REFERENCE_PATTERN}$",
            description="A name of your choice, unique in the account for a day. A second "
            "request with the same name does not repeat the transfer",
        ),
    ] = None


class AccountChange(Params):
    """The changes of an account; a field that is left out keeps its value."""

    state: Annotated[
        Literal["active", "blocked"] | None, Field(description="A blocked account may only cancel")
    ] = None
    maker_fee_ppm: Annotated[
        FeeInput | None,
        Field(
            description="Fee in millionths of the received amount; null: the fee of the instrument"
        ),
    ] = None
    taker_fee_ppm: Annotated[
        FeeInput | None,
        Field(
            description="Fee in millionths of the received amount; null: the fee of the instrument"
        ),
    ] = None


class AccountLimitsRequest(Params):
    """Limits of an account in one symbol; a field that is left out keeps its value."""

    open_orders_max: Annotated[
        _OpenOrders | None,
        Field(description="Null: the limit of the instrument; 0: no limit"),
    ] = None
    order_quantity_max: _Bound | None = None
    order_notional_max: _Bound | None = None
    position_max: _Bound | None = None


class ApiKeyRequest(Params):
    """A new API key."""

    account: Annotated[
        str, Field(pattern=f"^{ACCOUNT_PATTERN}$", description="The account that the key acts for")
    ]
    permissions: Annotated[
        list[PermissionText],
        Field(
            min_length=1,
            max_length=3,
            description="`trade` includes `read`; `admin` permits `/v1/admin/` and nothing else",
        ),
    ]
    label: Annotated[
        str,
        Field(
            max_length=API_KEY_LABEL_CHARACTERS_MAX,
            pattern=r"^[ -~]*$",
            description="The purpose of the key, for people",
        ),
    ] = ""
    expires_at: Annotated[
        MomentInput | None, Field(description="The time at which the key expires; null: never")
    ] = None


class KeysParams(PageParams):
    """A page of the list of keys."""
