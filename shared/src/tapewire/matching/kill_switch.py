"""The kill switch: refuse new orders first, then cancel open orders. Both can be repeated safely.

An instrument that is taken off the list is stopped for good, in the same order.

A halted market takes no cancels: its orders stay and cannot trade. The answers name these markets,
so that an administrator can repeat the switch before the markets trade again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tapewire import keys
from tapewire.errors import UnknownSymbol
from tapewire.limits import ORDERS_PER_SWEEP_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.matching.treasury import Treasury
from tapewire.values.account_types import AccountState
from tapewire.values.types import Account, MarketState, OrderId, Symbol

REASON = "kill"
ACCOUNTS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class AccountKill:
    """The orders of an account that were canceled; `halted`: markets where others still stand."""

    canceled: list[OrderId]
    halted: list[Symbol]


@dataclass(frozen=True, slots=True)
class VenueKill:
    """The markets that were switched, how many orders were canceled, the markets left halted."""

    switched: list[Symbol]
    canceled: int
    halted: list[Symbol]


class KillSwitch:
    """Stops one account, one instrument for good, or the venue."""

    def __init__(self, engine: Engine, queries: Queries) -> None:
        self._engine = engine
        self._queries = queries
        self._treasury = Treasury(engine)

    async def kill_account(self, account: Account) -> AccountKill:
        """Block an account, then cancel its orders. Raises UnknownAccount, Unavailable."""
        await self._treasury.set_account(account, state=AccountState.BLOCKED)
        canceled = await self._engine.cancel_all(account, reason=REASON)
        halted = (await self._by_state()).get(MarketState.HALTED, [])
        left = await asyncio.gather(
            *(self._queries.open_orders(account, [symbol], None, 1) for symbol in halted)
        )
        stands = [symbol for symbol, page in zip(halted, left, strict=True) if page.orders]
        return AccountKill(canceled, stands)

    async def kill_venue(self) -> VenueKill:
        """Let every market take cancels only, then cancel all orders. Raises Unavailable."""
        states = await self._by_state()
        accepting = (MarketState.TRADING, MarketState.POST_ONLY, MarketState.AUCTION)
        switched = sorted(symbol for state in accepting for symbol in states.get(state, []))
        for symbol in switched:
            with suppress(UnknownSymbol):  # the instrument was delisted meanwhile
                await self._engine.control_market(symbol, state=MarketState.CANCEL_ONLY)
        count = await self.cancel_everything()
        return VenueKill(switched, count, states.get(MarketState.HALTED, []))

    async def delist(self, symbol: Symbol) -> int:
        """Halt a market, cancel its orders, take its instrument off the list; the orders canceled.

        Each step cancels ORDERS_PER_SWEEP_MAX orders and is atomic; the last step takes the
        instrument off the list. Raises UnknownSymbol, UncrossPending, MarketBroken, Unavailable.
        """
        canceled, is_listed = 0, True
        while is_listed:
            swept, is_listed = await self._engine.run(
                "delist", keys.market(symbol), symbol, ORDERS_PER_SWEEP_MAX
            )
            canceled += int(swept)
        return canceled

    async def cancel_everything(self, symbols: Sequence[str] = ()) -> int:
        """Cancel the orders of all accounts, in these markets or in all; how many they were.

        Orders in halted markets stay, unless `symbols` names such a market. Raises Conflict
        (market_halted), UnknownSymbol, Unavailable.
        """
        wanted: list[Symbol | None] = [Symbol(symbol) for symbol in symbols]
        wanted = wanted or [None]
        accounts, count = await self._queries.accounts(), 0
        for first in range(0, len(accounts), ACCOUNTS_AT_ONCE):
            some = accounts[first : first + ACCOUNTS_AT_ONCE]
            swept = await asyncio.gather(
                *(
                    self._engine.cancel_all(account, symbol, reason=REASON)
                    for account in some
                    for symbol in wanted
                )
            )
            count += sum(len(canceled) for canceled in swept)
        return count

    async def resume(self) -> list[Symbol]:
        """Switch every market in cancel_only to trading; return these markets.

        Raises Unavailable.
        """
        symbols = (await self._by_state()).get(MarketState.CANCEL_ONLY, [])
        for symbol in symbols:
            with suppress(UnknownSymbol):
                await self._engine.control_market(symbol, state=MarketState.TRADING)
        return symbols

    async def _by_state(self) -> dict[MarketState, list[Symbol]]:
        """The symbols in each state, sorted."""
        states: dict[MarketState, list[Symbol]] = {}
        for symbol, (_, state) in (await self._queries.instruments()).items():
            states.setdefault(state, []).append(symbol)
        return states
