"""The answers that are about accounts and their money."""

from typing import Annotated, Literal

from pydantic import Field

from order_gateway.schemas import Answer, DecimalOutput, NextCursor, Timestamp

SignedDecimal = Annotated[
    str,
    Field(
        pattern=r"^-?[0-9]+(\.[0-9]+)?$",
        description="With the decimals of the asset; below zero only where funds are unchecked",
    ),
]
Fee = Annotated[
    int | None,
    Field(ge=0, description="Millionths of what a fill brings; null: the instrument's"),
]
Bound = Annotated[DecimalOutput | None, Field(description="Null: the instrument's; zero: none")]


class BalanceReply(Answer):
    """What an account has of one asset."""

    asset: str
    available: SignedDecimal
    held: Annotated[DecimalOutput, Field(description="What open orders may still pay")]
    total: Annotated[SignedDecimal, Field(description="available + held")]


class AccountLimitsReply(Answer):
    """What an account may have in one symbol, where it is not as the instrument says."""

    symbol: str
    open_orders_max: Annotated[int | None, Field(description="Null: the instrument's; 0: none")]
    order_quantity_max: Bound
    order_notional_max: Bound
    position_max: Bound


class AccountReply(Answer):
    """An account: whether it may trade, its own fees, its balances, its own limits."""

    account: str
    state: Literal["active", "blocked"]
    maker_fee_ppm: Fee
    taker_fee_ppm: Fee
    opened_timestamp: Timestamp
    balances: Annotated[list[BalanceReply], Field(description="By asset")]
    limits: Annotated[list[AccountLimitsReply], Field(description="By symbol")]


class AccountsReply(Answer):
    """One page of accounts, by name."""

    accounts: list[AccountReply]
    next_cursor: NextCursor


class TransferReply(Answer):
    """A deposit or withdrawal that is done."""

    account: str
    asset: str
    amount: DecimalOutput
    available: Annotated[SignedDecimal, Field(description="What the account has free now")]


class AccountKillReply(Answer):
    """An account that was blocked."""

    account: str
    state: Literal["blocked"]
    canceled: Annotated[list[str], Field(description="order_id, oldest first within a symbol")]
    halted: Annotated[list[str], Field(description="Halted markets where orders of it still stand")]


class VenueKillReply(Answer):
    """A venue that takes cancels only."""

    switched: Annotated[list[str], Field(description="Markets that took more before")]
    canceled_count: Annotated[int, Field(ge=0, description="Orders, of all accounts")]
    halted: Annotated[list[str], Field(description="Markets that are halted: their orders stay")]


class ResumeReply(Answer):
    """Markets that trade again."""

    switched: list[str]
