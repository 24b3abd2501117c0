"""The matching engine as the rest of Tapewire sees it: typed commands in, typed orders out.

The only module that calls the commands of `lua/`. What a command answers with is turned into types
by `packed/records.py`, what it refuses into an exception by `refusals.py`.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self, TypeAlias, Unpack, cast

from redis.exceptions import ResponseError

from tapewire import keys
from tapewire.errors import StopsPending, UncrossPending, UnknownAccount
from tapewire.limits import (
    ACCOUNTS_MAX,
    ORDERS_PER_SWEEP_MAX,
    TIMER_LOOKUPS_MAX,
)
from tapewire.matching.arguments import instrument_arguments, optional, order_arguments
from tapewire.matching.batcher import Batcher
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.library import load_library
from tapewire.matching.refusals import refuse
from tapewire.matching.turns import behind_stops, behind_uncross
from tapewire.matching.upgrade import upgrade_data
from tapewire.packed.layout import BOUNDS, TERMS
from tapewire.packed.records import read_order
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async
from tapewire.redis.failovers import FailoverGuard
from tapewire.values.bounds import MarketBounds
from tapewire.values.paper_money import NO_MONEY, PaperMoney
from tapewire.values.types import (
    Account,
    Amendment,
    Instrument,
    MarketState,
    Order,
    OrderCommand,
    OrderId,
    Symbol,
    frozen_for_the_checker,
)

Reply: TypeAlias = Any
"""The reply of Redis; the contract header of each Lua file describes its shape."""


@frozen_for_the_checker
class Placement:
    """A placed order; `replayed` if it was placed before under the same client order id."""

    order: Order
    replayed: bool


class Engine:
    """Runs every command that changes the venue. Safe to share by all requests of a process."""

    def __init__(
        self,
        client: AsyncRedis,
        *,
        timeout_s: float,
        limits: MatchingLimits | None = None,
        paper_money: PaperMoney | None = NO_MONEY,
        guard: FailoverGuard | None = None,
    ) -> None:
        self.client = client
        self.batcher = Batcher(
            client, timeout_s=timeout_s, library=load_library(), notes_use=True, guard=guard
        )
        self._limits = (limits or MatchingLimits()).packed()
        # The start balances of an unknown account; None: an administrator opens accounts.
        self.paper_money = paper_money
        self._seen: set[Account] = set()
        # A test or a replay may set the venue clock, in microseconds; '' means Redis TIME.
        self.clock_us = ""
        self.expected_clock: Callable[[], str] = str

    @classmethod
    async def open(
        cls,
        address: RedisAddress,
        limits: MatchingLimits | None = None,
        paper_money: PaperMoney | None = NO_MONEY,
        guard: FailoverGuard | None = None,
    ) -> Self:
        """Make an engine; it connects with its first command."""
        return cls(
            open_async(address), timeout_s=address.timeout_s, limits=limits,
            paper_money=paper_money, guard=guard,
        )  # fmt: skip

    async def close(self) -> None:
        """Finish the batch under way and disconnect."""
        await self.batcher.close()
        await self.client.aclose()

    async def ready(self) -> None:
        """Have the function library loaded, and data of an earlier format upgraded.

        Raises Unavailable, ConfigurationError (a Redis or data that this version cannot use).
        """
        await upgrade_data(self.batcher)

    async def publish_instruments(
        self, instruments: Mapping[Symbol, Instrument], *, lists_again: bool = False
    ) -> None:
        """Make instruments known to the venue. Raises InstrumentConflict, Unavailable.

        Instruments that were delisted stay so, unless `lists_again`.
        """
        arguments = [text for item in instruments.values() for text in instrument_arguments(item)]
        if lists_again:
            arguments.append("1")
        # A Redis without instruments has lost its accounts too.
        self._seen.clear()
        await self.run("instruments", keys.INSTRUMENTS, uuid.uuid4().hex[:12], *arguments)

    async def place(self, command: OrderCommand) -> Placement:
        """Place one order.

        An account that is not known yet is opened first, if new accounts may be. Raises
        UnknownSymbol, UnknownAccount, DuplicateClientOrderId, StaleInstrument, Conflict,
        InvalidField, Unavailable.
        """
        arguments = order_arguments(command)
        replayed, order_id, fields = await self.run_order("place", command, *arguments)
        return Placement(read_order(order_id.decode(), fields), replayed=bool(replayed))

    async def run_order(self, name: str, command: OrderCommand, *arguments: str | int) -> Reply:
        """Run a command that places an order, behind fired stops; opens its account if need be.

        Raises what the command refuses as a whole, and as `open_account`.
        """
        key = keys.market(command.symbol)
        try:
            return await self.run(name, key, *arguments)
        except StopsPending:
            await self.fire_stops(command.symbol)
        except UnknownAccount:
            if self.paper_money is None:
                raise
            await self.open_account(command.account)
        return await behind_stops(self, command.symbol, lambda: self.run(name, key, *arguments))

    async def open_account(self, account: Account) -> bool:
        """Open an account with the start balances; returns whether it was new.

        Raises Conflict (accounts_limit, supply_limit), Unavailable.
        """
        return bool(await self.run("open_account", keys.account(account), *self._opening(account)))

    def introduce(self, account: Account) -> None:
        """Queue the opening of an account that was not seen before, ahead of later commands.

        So orders that are sent without waiting for answers stay in order. Raises Overloaded; what
        else goes wrong the next order of the account tells.
        """
        if self.paper_money is None or account in self._seen:
            return
        if len(self._seen) >= ACCOUNTS_MAX:
            self._seen.clear()
        self._seen.add(account)
        answer = self._begin("open_account", keys.account(account), self._opening(account))
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _opening(self, account: Account) -> tuple[str | int, ...]:
        return (account, ACCOUNTS_MAX, *(self.paper_money or NO_MONEY).arguments)

    async def amend(self, account: Account, order_id: OrderId, amendment: Amendment) -> Order:
        """Change an open order.

        Raises OrderNotFound, OrderClosed, StaleInstrument, Conflict, InvalidField, Unavailable.
        """
        try:
            return await self._amend(account, order_id, amendment)
        except StopsPending:
            terms: bytes = await self.batcher.submit("HGET", keys.order(order_id), "terms")
            return await behind_stops(
                self,
                Symbol(TERMS.read(terms.decode()).symbol),
                lambda: self._amend(account, order_id, amendment),
            )

    async def _amend(self, account: Account, order_id: OrderId, amendment: Amendment) -> Order:
        fields = await self.run(
            "amend", keys.order(order_id), account, order_id, amendment.revision,
            optional(amendment.price_ticks), optional(amendment.quantity_lots),
            optional(amendment.stop_price_ticks),
        )  # fmt: skip
        return read_order(order_id, fields)

    async def fire_stops(self, symbol: Symbol) -> bool:
        """Continue an uncross, or run fired stops; returns whether a part of it still waits.

        Raises UnknownSymbol, Unavailable.
        """
        return bool(await self.run("fire_stops", keys.market(symbol), symbol))

    async def firing_symbols(self) -> list[Symbol]:
        """The markets with an uncross or fired stops that wait, sorted. Raises Unavailable."""
        found = await self.batcher.submit("SMEMBERS", keys.FIRING)
        return sorted(Symbol(symbol.decode()) for symbol in found)

    async def cancel(
        self, account: Account, order_id: OrderId, *, reason: str = "user", cancel_id: str = ""
    ) -> Order:
        """Take an open order out of the book; `cancel_id` is the client's name of the cancel.

        Raises OrderNotFound, OrderClosed, Conflict (halted), Unavailable.
        """
        key = keys.order(order_id)
        _, fields = await self.run("cancel", key, account, order_id, "", reason, cancel_id)
        return read_order(order_id, fields)

    async def cancel_client_order(
        self, account: Account, name: str, *, reason: str = "user", cancel_id: str = ""
    ) -> Order:
        """The same by the id that the client gave. Raises as `cancel`."""
        key = keys.client_order(account, name)
        order_id, fields = await self.run("cancel", key, account, "", name, reason, cancel_id)
        return read_order(order_id.decode(), fields)

    async def cancel_all(
        self, account: Account, symbol: Symbol | None = None, *, reason: str = "user"
    ) -> list[OrderId]:
        """Cancel every open order of an account, or those in one symbol; returns their ids.

        Each sweep of ORDERS_PER_SWEEP_MAX is atomic. Raises UnknownSymbol, Conflict, Unavailable.
        """
        canceled: list[OrderId] = []
        while True:
            swept = await self.run(
                "cancel_all", keys.INSTRUMENTS, account, symbol or "", ORDERS_PER_SWEEP_MAX, reason
            )
            canceled += [OrderId(order_id.decode()) for order_id in swept]
            if len(swept) < ORDERS_PER_SWEEP_MAX:
                return canceled

    async def expire_due(self) -> int:
        """End everything that is due by the venue clock; return the number of orders.

        Raises Unavailable.
        """
        return int(await self.run("expire", keys.EXPIRING, ORDERS_PER_SWEEP_MAX, TIMER_LOOKUPS_MAX))

    async def set_dead_man(self, account: Account, timeout_us: int) -> int | None:
        """Arm, renew or (0) disarm the account's timer; when it fires in microseconds, or None.

        Raises Unavailable.
        """
        due = await self.run("dead_man", keys.DEAD_MAN, account, timeout_us)
        return int(due) if due else None

    async def control_market(
        self,
        symbol: Symbol,
        *,
        state: MarketState | None = None,
        **bounds: Unpack[MarketBounds],
    ) -> None:
        """Switch a market's state or bounds. Raises UnknownSymbol, Unavailable."""
        await self.run(
            "control", keys.market(symbol), symbol, state or "",
            *(
                optional(cast("int | None", bounds.get(name)))
                for name in BOUNDS.kinds
            ),
        )  # fmt: skip

    async def repeat(
        self, name: str, key: str, clock_us: str, limits: str, arguments: Sequence[str]
    ) -> None:
        """Run a command of a journal again; raises what the command itself raises."""
        try:
            await self.batcher.begin_call(name, (key,), clock_us, limits, *arguments)
        except ResponseError as error:
            refuse(str(error))

    async def run(self, name: str, key: str, *arguments: str | int) -> Reply:
        """Run a command; raises what `refusals.py` makes of its refusal, or Unavailable."""
        try:
            return await self._begin(name, key, arguments)
        except ResponseError as error:
            with suppress(UncrossPending):
                refuse(str(error))
        return await behind_uncross(self, lambda: self._begin(name, key, arguments))

    def _begin(self, name: str, key: str, arguments: Iterable[str | int]) -> asyncio.Future[Reply]:
        # The expected clock is '~time', and Redis TIME has to be near it; '' is any time.
        clock = self.clock_us or self.expected_clock()
        return self.batcher.begin_call(name, (key,), clock, self._limits, *arguments)
