"""The administration of accounts: money in and out, fees, limits, kill switch."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from order_gateway.accounts import Accounts
from order_gateway.admin_params import (
    AccountChange,
    AccountLimitsRequest,
    AccountsParams,
    TransferRequest,
)
from order_gateway.catalogue import Catalogue
from order_gateway.cursors import read_account_cursor
from order_gateway.order_entry import read_params
from order_gateway.replies import NO_HEADERS, REPLAY_HEADERS, Reply
from order_gateway.schemas import (
    AccountKillReply,
    AccountReply,
    AccountsReply,
    ResumeReply,
    TransferReply,
    VenueKillReply,
)
from tapewire.errors import InvalidField
from tapewire.keys import FEE_ACCOUNT
from tapewire.limits import CANCELED_SHOWN_MAX, PAGE_BALANCES_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.queries import Queries
from tapewire.matching.treasury import Treasury
from tapewire.values.account_entry import parse_amount, read_account_limits
from tapewire.values.account_names import ACCOUNT_RULE, account_named
from tapewire.values.account_types import AccountState
from tapewire.values.bounds import AS_INSTRUMENT, Setting
from tapewire.values.decimals import format_units
from tapewire.values.types import Account

# Each account may have thousands of balances and limits.
ACCOUNTS_PER_READ = 10


class AccountAdministration:
    """Every method returns a Reply, and raises a Refusal for a refused request."""

    def __init__(self, engine: Engine, queries: Queries, catalogue: Catalogue) -> None:
        self._queries = queries
        self._catalogue = catalogue
        self._treasury = Treasury(engine)
        self._kill_switch = KillSwitch(engine, queries)
        self._accounts = Accounts(engine, queries, catalogue)

    async def list_accounts(self, params: Mapping[str, Any]) -> Reply:
        """One page of accounts, by name."""
        wanted = read_params(AccountsParams, params)
        after = read_account_cursor(wanted.cursor)
        names = await self._queries.accounts()
        rest = [name for name in names if name > after and name.startswith(wanted.prefix)]
        accounts: list[AccountReply] = []
        entries = 0
        for first in range(0, min(wanted.limit, len(rest)), ACCOUNTS_PER_READ):
            part = rest[first : min(first + ACCOUNTS_PER_READ, wanted.limit)]
            for account in await self._accounts.read_many(part):
                entries += len(account.balances) + len(account.limits)
                if accounts and entries > PAGE_BALANCES_MAX:
                    return _answer(AccountsReply(accounts, accounts[-1].account))
                accounts.append(account)
        cursor = accounts[-1].account if len(rest) > len(accounts) else None
        return _answer(AccountsReply(accounts, cursor))

    async def read_account(self, name: str) -> Reply:
        """One account, the fee account included."""
        return _answer(await self._accounts.read(_named(name)))

    async def deposit(self, name: str, params: Mapping[str, Any]) -> Reply:
        """Deposit to an account; a new account is opened."""
        return await self._transfer(name, params, 1)

    async def withdraw(self, name: str, params: Mapping[str, Any]) -> Reply:
        """Withdraw available money from an account."""
        return await self._transfer(name, params, -1)

    async def change_account(self, name: str, params: Mapping[str, Any]) -> Reply:
        """Block or unblock an account, or set its own fees."""
        account = _client(name)
        wanted = read_params(AccountChange, params)
        fees: dict[str, Setting] = {
            field: AS_INSTRUMENT if value is None else value
            for field, value in wanted.model_dump(
                include={"maker_fee_ppm", "taker_fee_ppm"}, exclude_unset=True
            ).items()
        }
        if wanted.state is None and not fees:
            raise InvalidField(
                "state",
                "nothing_to_amend",
                "state, maker_fee_ppm or taker_fee_ppm is missing: send at least one.",
            )
        await self._treasury.set_account(
            account,
            state=None if wanted.state is None else AccountState(wanted.state),
            maker_fee_ppm=fees.get("maker_fee_ppm"),
            taker_fee_ppm=fees.get("taker_fee_ppm"),
        )
        return _answer(await self._accounts.read(account))

    async def change_limits(self, name: str, symbol: str, params: Mapping[str, Any]) -> Reply:
        """Limit an account in one symbol."""
        account = _client(name)
        wanted = read_params(AccountLimitsRequest, params).model_dump(exclude_unset=True)
        if not wanted:
            raise InvalidField(
                "open_orders_max",
                "nothing_to_amend",
                "open_orders_max, order_quantity_max, order_notional_max or position_max is "
                "missing: send at least one.",
            )
        instrument = await self._catalogue.find(symbol)
        limits = read_account_limits(wanted, instrument)
        await self._treasury.set_account_limits(account, instrument.symbol, **limits)
        return _answer(await self._accounts.read(account))

    async def kill_account(self, name: str) -> Reply:
        """Block an account and cancel its orders."""
        account = _client(name)
        killed = await self._kill_switch.kill_account(account)
        return _answer(
            AccountKillReply(
                account,
                AccountState.BLOCKED,
                killed.canceled[:CANCELED_SHOWN_MAX],
                len(killed.canceled),
                killed.halted,
            )
        )

    async def kill_venue(self) -> Reply:
        """Switch all markets to cancel_only and cancel every order."""
        killed = await self._kill_switch.kill_venue()
        return _answer(VenueKillReply(killed.switched, killed.canceled, killed.halted))

    async def resume(self) -> Reply:
        """Switch the markets in cancel_only back to trading."""
        return _answer(ResumeReply(await self._kill_switch.resume()))

    async def _transfer(self, name: str, params: Mapping[str, Any], sign: int) -> Reply:
        account = _named(name)
        wanted = read_params(TransferRequest, params)
        decimals = (await self._queries.assets()).get(wanted.asset)
        if decimals is None:
            raise InvalidField("asset", "unknown_asset", "asset must be an asset of an instrument.")
        units = parse_amount(wanted.amount, wanted.asset, decimals)
        move = self._treasury.deposit if sign > 0 else self._treasury.withdraw
        done = await move(account, wanted.asset, units, reference=wanted.reference or "")
        answer = TransferReply(
            account,
            wanted.asset,
            format_units(units, decimals),
            format_units(done.available_units, decimals),
        )
        return Reply(200, answer, REPLAY_HEADERS if done.replayed else NO_HEADERS)


def _named(name: str) -> Account:
    """The account in a path, `@fees` included. Raises InvalidField."""
    return Account(name) if name == FEE_ACCOUNT else _client(name)


def _client(name: str) -> Account:
    try:
        return account_named(name)
    except ValueError:
        raise InvalidField("account", "invalid_account", f"account {ACCOUNT_RULE}.") from None


def _answer(answer: Struct) -> Reply:
    return Reply(200, answer, NO_HEADERS)
