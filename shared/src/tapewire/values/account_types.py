"""Accounts as values: balances in units of an asset, limits, profile. All frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tapewire.values.types import Account, Symbol


class AccountState(StrEnum):
    """Whether an account may place orders; a blocked account may only cancel."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Balance:
    """Balance of one asset, in units of the asset."""

    available: int = 0
    # Held by open orders.
    held: int = 0
    # Amount that the open orders would bring if they filled.
    incoming: int = 0

    @property
    def total(self) -> int:
        """Available plus held."""
        return self.available + self.held


@dataclass(frozen=True, slots=True)
class LimitSet:
    """Limits of an account in one symbol; None: the instrument's limit, 0: no limit."""

    open_orders_max: int | None = None
    order_lots_max: int | None = None
    order_notional_max: int | None = None
    position_lots_max: int | None = None


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as stored. A fee of None means the instrument's fee."""

    account: Account
    state: AccountState
    maker_fee_ppm: int | None
    taker_fee_ppm: int | None
    opened_us: int
    balances: Mapping[str, Balance]
    limits: Mapping[Symbol, LimitSet]
    # Sequence number of the newest execution report, and of the newest balance change.
    seq: int
    balance_seq: int
