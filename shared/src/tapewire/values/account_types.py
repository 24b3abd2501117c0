"""The vocabulary of accounts: balances in units of an asset, limits, profile. All frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tapewire.values.types import Account, Symbol


class AccountState(StrEnum):
    """Whether an account may place orders; a blocked one may only cancel."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has of one asset, in its units."""

    available: int = 0
    # Held by open orders.
    held: int = 0
    # What open orders would still bring.
    incoming: int = 0

    @property
    def total(self) -> int:
        """Available and held."""
        return self.available + self.held


@dataclass(frozen=True, slots=True)
class LimitSet:
    """Bounds of an account in one symbol; None: what the instrument says, 0: none."""

    open_orders_max: int | None = None
    order_lots_max: int | None = None
    order_notional_max: int | None = None
    position_lots_max: int | None = None


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as the venue keeps it. A fee of None is the instrument's."""

    account: Account
    state: AccountState
    maker_fee_ppm: int | None
    taker_fee_ppm: int | None
    opened_us: int
    balances: Mapping[str, Balance]
    limits: Mapping[Symbol, LimitSet]
    # Number of the newest execution report, and of the newest change of its balances.
    seq: int
    balance_seq: int
