"""Lets every account start again with the same balances, between two rounds."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from order_gateway.contest.store import ContestStore
from tapewire import keys
from tapewire.errors import Conflict, InvalidField, UnknownAccount
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.queries import Queries
from tapewire.matching.treasury import Treasury
from tapewire.values.account_entry import parse_amount
from tapewire.values.types import Account, Symbol

ACCOUNTS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a reset: accounts, canceled orders, and orders left in halted markets."""

    accounts: int
    canceled: int
    halted: list[Symbol]


class FreshStart:
    """Gives every account the same balances.

    Every market takes cancels only afterwards; a round or the organiser opens the markets. Each
    account gets the difference to its balances, so that a reset whose answer was lost can be
    repeated. Performance goes on: money that is taken out is a withdrawal.
    """

    def __init__(self, engine: Engine, queries: Queries, store: ContestStore) -> None:
        self._queries = queries
        self._store = store
        self._treasury = Treasury(engine)
        self._kill_switch = KillSwitch(engine, queries)

    async def run(self, balances: Mapping[str, str]) -> Done:
        """Reset all accounts. Raises Conflict (round_running), InvalidField, Unavailable."""
        decimals = await self._queries.assets()
        wanted = {}
        for asset, text in balances.items():
            if asset not in decimals:
                raise InvalidField("balances", "unknown_asset", f"No instrument has {asset[:40]}.")
            try:
                wanted[asset] = parse_amount(text, asset, decimals[asset])
            except InvalidField as error:
                error.field = "balances"
                raise
        known = await self._store.round()
        if known is not None and known.state == "running":
            raise Conflict("round_running", "A round is running; end it first.")
        stopped = await self._kill_switch.kill_venue()
        names = [name for name in await self._queries.accounts() if name != keys.FEE_ACCOUNT]
        for first in range(0, len(names), ACCOUNTS_AT_ONCE):
            some = names[first : first + ACCOUNTS_AT_ONCE]
            await asyncio.gather(*(self._bring(name, wanted, list(decimals)) for name in some))
        return Done(len(names), stopped.canceled, stopped.halted)

    async def _bring(self, account: Account, wanted: Mapping[str, int], assets: list[str]) -> None:
        try:
            record = await self._queries.account(account)
        except UnknownAccount:
            return
        for asset in assets:
            known = record.balances.get(asset)
            available = 0 if known is None else known.available
            held = 0 if known is None else known.held
            # Money held in halted markets cannot be withdrawn. The rest is changed to the wanted
            # amount.
            missing = max(wanted.get(asset, 0) - held, 0) - available
            while missing:
                # One transfer moves at most 2^53 units.
                units = min(abs(missing), EXACT_INTEGER_MAX)
                if missing > 0:
                    await self._treasury.deposit(account, asset, units)
                    missing -= units
                else:
                    await self._treasury.withdraw(account, asset, units)
                    missing += units
