"""An account as its owner and its administrator see it: state, fees, balances, limits."""

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import convert

from order_gateway.admin_params import NoParams
from order_gateway.catalogue import Catalogue
from order_gateway.order_entry import read_params
from order_gateway.schemas import AccountLimitsReply, AccountReply
from tapewire.errors import UnknownAccount, UnknownSymbol
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.runtime.fair_share import FairShare
from tapewire.values.account_entry import write_account_limits
from tapewire.values.account_types import AccountRecord
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Account
from tapewire.wire.account_feed import asset_balance

# One balance takes about 5 us to render.
ENTRIES_PER_TURN = 500


class Accounts:
    """Reads accounts and renders them with the decimals of their assets."""

    def __init__(self, engine: Engine, queries: Queries, catalogue: Catalogue) -> None:
        self._engine = engine
        self._queries = queries
        self._catalogue = catalogue
        self._share = FairShare(ENTRIES_PER_TURN)

    async def own(self, account: Account, params: Mapping[str, Any]) -> AccountReply:
        """The account of a client; opened first where accounts open by themselves.

        Raises UnknownAccount, Conflict (accounts_limit, supply_limit), Unavailable.
        """
        read_params(NoParams, params)
        try:
            return await self.read(account)
        except UnknownAccount:
            if self._engine.paper_money is None:
                raise
        try:
            await self._engine.open_account(account)
        except UnknownSymbol:
            # Redis has lost its data.
            await self._catalogue.restore()
            await self._engine.open_account(account)
        return await self.read(account)

    async def read(self, account: Account) -> AccountReply:
        """One account. Raises UnknownAccount, Unavailable."""
        record, decimals = await asyncio.gather(
            self._queries.account(account), self._queries.assets()
        )
        return await self._describe(record, decimals)

    async def read_many(self, accounts: list[Account]) -> list[AccountReply]:
        """Several accounts. Raises UnknownAccount, Unavailable."""
        records = await asyncio.gather(*(self._queries.account(account) for account in accounts))
        decimals = await self._queries.assets()
        return [await self._describe(record, decimals) for record in records]

    async def _describe(self, record: AccountRecord, decimals: Mapping[str, int]) -> AccountReply:
        await self._share.take(len(record.balances) + len(record.limits))
        limits = [
            convert(
                {"symbol": symbol}
                | write_account_limits(bounds, await self._catalogue.find_recorded(symbol)),
                AccountLimitsReply,
            )
            for symbol, bounds in sorted(record.limits.items())
        ]
        return AccountReply(
            record.account,
            record.state,
            record.maker_fee_ppm,
            record.taker_fee_ppm,
            format_timestamp(record.opened_us),
            [
                asset_balance(asset, balance.available, balance.held, decimals[asset])
                for asset, balance in sorted(record.balances.items())
            ],
            limits,
        )
