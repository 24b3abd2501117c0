"""Bounds that an administrator sets on a market or an account, in the argument order of Lua."""

from typing import TypeAlias, TypedDict

AS_INSTRUMENT = "-"
"""In place of a number: the value of the instrument counts again."""

Setting: TypeAlias = int | str | None
"""A number, AS_INSTRUMENT, or None for no change."""


class MarketBounds(TypedDict, total=False):
    """Bounds of a market, in the order of `control.lua`; None leaves a bound unchanged."""

    band_bps: int | None
    open_orders_max: int | None
    order_lots_max: int | None
    order_notional_max: int | None
    position_lots_max: int | None
    maker_fee_ppm: int | None
    taker_fee_ppm: int | None


class AccountLimits(TypedDict, total=False):
    """Limits of one account in one symbol, in the order of `set_account.lua`; 0 means no limit."""

    open_orders_max: Setting
    order_lots_max: Setting
    order_notional_max: Setting
    position_lots_max: Setting
