"""Accounts and the money in them: deposits and withdrawals, fees and limits of one account."""

from dataclasses import dataclass
from typing import Unpack, cast

from tapewire import keys
from tapewire.limits import ACCOUNTS_MAX, TRANSFER_REFERENCE_KEPT_S
from tapewire.matching.engine import Engine
from tapewire.values.account_types import AccountState
from tapewire.values.bounds import AccountLimits, Setting
from tapewire.values.types import Account, Symbol


@dataclass(frozen=True, slots=True)
class Transfer:
    """The available units after a transfer; `replayed` if its reference was done before."""

    available_units: int
    replayed: bool


class Treasury:
    """Every command that changes accounts other than by trading."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open_account(self, account: Account) -> bool:
        """Make an account known; whether it was new. Raises Conflict, Unavailable."""
        return await self._engine.open_account(account)

    async def deposit(
        self, account: Account, asset: str, units: int, *, reference: str = ""
    ) -> Transfer:
        """Bring units of an asset into the venue; opens the account if it is new.

        Raises InvalidField (unknown_asset), Conflict (accounts_limit, supply_limit,
        duplicate_reference), Unavailable.
        """
        return await self._transfer(account, asset, units, reference)

    async def withdraw(
        self, account: Account, asset: str, units: int, *, reference: str = ""
    ) -> Transfer:
        """Take units that are available out of the venue.

        Raises UnknownAccount, InvalidField (unknown_asset), Conflict (insufficient_funds,
        duplicate_reference), Unavailable.
        """
        return await self._transfer(account, asset, -units, reference)

    async def set_account(
        self,
        account: Account,
        *,
        state: AccountState | None = None,
        maker_fee_ppm: Setting = None,
        taker_fee_ppm: Setting = None,
    ) -> None:
        """Block or unblock an account, or give it fees. Raises UnknownAccount, Unavailable."""
        await self._set(account, (state, maker_fee_ppm, taker_fee_ppm), "", {})

    async def set_account_limits(
        self, account: Account, symbol: Symbol, **limits: Unpack[AccountLimits]
    ) -> None:
        """Bound an account in one symbol. Raises UnknownAccount, UnknownSymbol, Unavailable."""
        await self._set(account, (None, None, None), symbol, limits)

    async def _set(
        self,
        account: Account,
        profile: tuple[AccountState | None, Setting, Setting],
        symbol: str,
        limits: AccountLimits,
    ) -> None:
        values = (*profile, symbol, *(limits.get(name) for name in AccountLimits.__annotations__))
        await self._engine.run(
            "set_account", keys.account(account), account,
            *("" if value is None else cast("int | str", value) for value in values),
        )  # fmt: skip

    async def _transfer(self, account: Account, asset: str, units: int, reference: str) -> Transfer:
        replayed, available = await self._engine.run(
            "transfer", keys.account(account), account, asset, units, reference,
            TRANSFER_REFERENCE_KEPT_S, ACCOUNTS_MAX,
        )  # fmt: skip
        return Transfer(int(available), replayed=bool(replayed))
