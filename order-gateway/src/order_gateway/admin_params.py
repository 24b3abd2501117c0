"""What the operations on accounts take: one model per request."""

from typing import Annotated, Literal

from pydantic import Field

from order_gateway.field_types import DecimalInput, MomentInput, PermissionText, WholeNumber
from order_gateway.params import PageParams, Params
from tapewire.limits import (
    API_KEY_LABEL_CHARACTERS_MAX,
    ASSET_CHARACTERS_MAX,
    FEE_PPM_MAX,
    OPEN_ORDERS_BOUND_MAX,
)
from tapewire.values.account_entry import REFERENCE_PATTERN
from tapewire.values.account_names import ACCOUNT_PATTERN

_Fee = Annotated[WholeNumber, Field(ge=0, le=FEE_PPM_MAX)]
_Bound = Annotated[DecimalInput, Field(description="Null: as the instrument has it; 0: none")]


class NoParams(Params):
    """Nothing is to be said."""


class AccountsParams(PageParams):
    """Which part of the list of accounts."""


class TransferRequest(Params):
    """Money that comes into the venue or leaves it."""

    asset: Annotated[str, Field(max_length=ASSET_CHARACTERS_MAX)]
    amount: Annotated[DecimalInput, Field(description="More than zero")]
    reference: Annotated[
        str | None,
        Field(
            pattern=f"^{REFERENCE_PATTERN}$",
            description="A name of your choice, unique in the account for a day: asked for again "
            "with the same name, the transfer is done once",
        ),
    ] = None


class AccountChange(Params):
    """What to change of an account; what is left out stays as it is."""

    state: Annotated[
        Literal["active", "blocked"] | None, Field(description="A blocked account may only cancel")
    ] = None
    maker_fee_ppm: Annotated[
        _Fee | None, Field(description="Millionths of what a fill brings; null: the instrument's")
    ] = None
    taker_fee_ppm: Annotated[
        _Fee | None, Field(description="Millionths of what a fill brings; null: the instrument's")
    ] = None


class AccountLimitsRequest(Params):
    """Limits of an account in one symbol; what is left out stays as it is."""

    open_orders_max: Annotated[
        WholeNumber | None,
        Field(
            ge=0, le=OPEN_ORDERS_BOUND_MAX, description="Null: as the instrument has it; 0: none"
        ),
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
