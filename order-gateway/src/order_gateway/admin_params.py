"""What administrators send of markets and accounts: one model per request."""

from typing import Annotated, Literal

from pydantic import Field

from order_gateway.params import DecimalInput, PageParams, Params, WholeNumber
from tapewire.limits import (
    ASSET_CHARACTERS_MAX,
    FEE_PPM_MAX,
    OPEN_ORDERS_BOUND_MAX,
    PRICE_BAND_BPS_MAX,
)
from tapewire.values.account_entry import REFERENCE_PATTERN

MarketStateText = Literal["trading", "cancel_only", "halted", "post_only"]

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


class MarketRequest(Params):
    """What to change of a market; what is left out stays as it is."""

    state: MarketStateText | None = None
    price_band_bps: Annotated[
        WholeNumber | None,
        Field(
            ge=0,
            le=PRICE_BAND_BPS_MAX,
            description="Farthest distance of a price from the last trade, in 1/100 percent; "
            "0 is none",
        ),
    ] = None
    open_orders_max: Annotated[
        WholeNumber | None,
        Field(
            ge=1, le=OPEN_ORDERS_BOUND_MAX, description="Open orders that an account may have in it"
        ),
    ] = None
    order_quantity_max: Annotated[
        DecimalInput | None, Field(description="Largest quantity of one order; 0 is none")
    ] = None
    order_notional_max: Annotated[
        DecimalInput | None,
        Field(description="Largest price x quantity of one order, in the quote asset; 0 is none"),
    ] = None
    position_max: Annotated[
        DecimalInput | None,
        Field(
            description="How much of the base asset an account may have, open buys included; 0 is "
            "none"
        ),
    ] = None
    maker_fee_ppm: Annotated[
        WholeNumber | None,
        Field(ge=0, le=FEE_PPM_MAX, description="Millionths of what a fill brings a maker"),
    ] = None
    taker_fee_ppm: Annotated[
        WholeNumber | None,
        Field(ge=0, le=FEE_PPM_MAX, description="Millionths of what a fill brings a taker"),
    ] = None
    allow_coarse_fees: Annotated[
        bool | None,
        Field(
            description="Accept rates that take less than a unit of the smallest amounts traded; "
            "such a fee is rounded up to the unit"
        ),
    ] = None
