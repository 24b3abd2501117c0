"""An account as its owner and its administrator see it: state, fees, balances, limits."""

import asyncio
from collections.abc import Mapping
from typing import Any

from order_gateway.admin_params import NoParams
from order_gateway.catalogue import Catalogue
from order_gateway.order_entry import read_params
from order_gateway.replies import encode
from tapewire.errors import UnknownAccount, UnknownSymbol
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.values.account_entry import write_account_limits
from tapewire.values.account_types import AccountRecord
from tapewire.values.decimals import format_units
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Account


class Accounts:
    """Reads accounts and writes them as AccountReply describes them."""

    def __init__(self, engine: Engine, queries: Queries, catalogue: Catalogue) -> None:
        self._engine = engine
        self._queries = queries
        self._catalogue = catalogue

    async def own(self, account: Account, params: Mapping[str, Any]) -> str:
        """The account of whoever asks; opened, if new ones may be.

        Raises UnknownAccount, Conflict (accounts_limit, supply_limit), Unavailable.
        """
        read_params(NoParams, params)
        try:
            return await self.text(account)
        except UnknownAccount:
            if self._engine.paper_money is None:
                raise
        try:
            await self._engine.open_account(account)
        except UnknownSymbol:
            # Redis came back without its data.
            await self._catalogue.restore()
            await self._engine.open_account(account)
        return await self.text(account)

    async def text(self, account: Account) -> str:
        """An account as JSON. Raises UnknownAccount, Unavailable."""
        record, decimals = await asyncio.gather(
            self._queries.account(account), self._queries.assets()
        )
        return encode(await self._describe(record, decimals))

    async def texts(self, accounts: list[Account]) -> list[str]:
        """Several of them. Raises UnknownAccount, Unavailable."""
        records = await asyncio.gather(*(self._queries.account(account) for account in accounts))
        decimals = await self._queries.assets()
        return [encode(await self._describe(record, decimals)) for record in records]

    async def _describe(
        self, record: AccountRecord, decimals: Mapping[str, int]
    ) -> dict[str, object]:
        limits = [
            {"symbol": symbol} | write_account_limits(bounds, await self._catalogue.find(symbol))
            for symbol, bounds in sorted(record.limits.items())
        ]
        return {
            "account": record.account,
            "state": record.state,
            "maker_fee_ppm": record.maker_fee_ppm,
            "taker_fee_ppm": record.taker_fee_ppm,
            "opened_timestamp": format_timestamp(record.opened_us),
            "balances": [
                {
                    "asset": asset,
                    "available": format_units(balance.available, decimals[asset]),
                    "held": format_units(balance.held, decimals[asset]),
                    "total": format_units(balance.total, decimals[asset]),
                }
                for asset, balance in sorted(record.balances.items())
            ],
            "limits": limits,
        }
