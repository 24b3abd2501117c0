"""Reads of orders, fills and instruments: plain Redis reads, in the same queue as the commands."""

import asyncio
from dataclasses import dataclass
from typing import Any

from tapewire import keys
from tapewire.errors import DuplicateClientOrderId, OrderNotFound, UnknownAccount
from tapewire.matching.batcher import Batcher
from tapewire.matching.digest import order_digest
from tapewire.matching.records import (
    read_account,
    read_fills,
    read_instrument,
    read_order,
    read_pairs,
)
from tapewire.values.account_types import AccountRecord
from tapewire.values.types import (
    Account,
    AccountFill,
    Instrument,
    MarketState,
    Order,
    OrderCommand,
    OrderId,
    Symbol,
)


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders, newest first, and where the next page begins (None: this was the last)."""

    orders: list[Order]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class FillPage:
    """Commands with their fills, newest first, and where the next page begins (None: the last)."""

    commands: list[tuple[int, list[AccountFill]]]
    next_before: int | None


class Queries:
    """What an account may ask; answers see every command that was acknowledged before."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher

    async def order(self, account: Account, order_id: OrderId) -> Order:
        """One order. Raises OrderNotFound (also for another account's), Unavailable."""
        fields = await self._batcher.submit("HGETALL", keys.order(order_id))
        order = read_order(order_id, fields) if fields else None
        if order is None or order.account != account:
            raise OrderNotFound("No order of yours has this order_id.")
        return order

    async def client_order(self, account: Account, client_order_id: str) -> Order:
        """One order by the id that the client gave. Raises OrderNotFound, Unavailable."""
        order_id = await self._batcher.submit("GET", keys.client_order(account, client_order_id))
        if order_id is None:
            raise OrderNotFound("No order of yours has this client_order_id.")
        return await self.order(account, OrderId(order_id.decode()))

    async def earlier_order(self, command: OrderCommand) -> Order | None:
        """The order that this very command placed before; None if there is none.

        Raises DuplicateClientOrderId if its client order id stands for another body, Unavailable.
        """
        key = keys.client_order(command.account, command.client_order_id or "")
        order_id = await self._batcher.submit("GET", key)
        if order_id is None:
            return None
        fields = await self._batcher.submit("HGETALL", keys.order(OrderId(order_id.decode())))
        if not fields:
            return None
        if read_pairs(fields)["terms"].rpartition("|")[2] != order_digest(command):
            raise DuplicateClientOrderId(
                "client_order_id was used before, for an order with another body."
            )
        return read_order(order_id.decode(), fields)

    async def open_orders(
        self, account: Account, symbols: list[Symbol], before: int | None, limit: int
    ) -> OrderPage:
        """Open orders in these symbols, newest first, with numbers below `before`."""
        highest = "+inf" if before is None else f"({before}"
        found = await asyncio.gather(
            *(
                self._batcher.submit(
                    "ZREVRANGEBYSCORE", keys.open_orders(account, symbol), highest, "-inf",
                    "LIMIT", 0, limit + 1,
                )
                for symbol in symbols
            )
        )  # fmt: skip
        ids = [int(order_id) for part in found for order_id in part]
        ids.sort(reverse=True)
        orders = [order for order in await self._orders(ids[:limit]) if order.is_open]
        return OrderPage(orders, ids[limit - 1] if len(ids) > limit else None)

    async def history(self, account: Account, before: int | None, limit: int) -> OrderPage:
        """Every order that is still kept, newest first, with numbers below `before`."""
        # A number alone stands for all entries with it, so "(5" would not leave out entry 5-0.
        highest = "+" if before is None else str(before - 1)
        entries = await self._batcher.submit(
            "XREVRANGE", keys.order_history(account), highest, "-", "COUNT", limit + 1
        )
        numbers = [_number(entry[0]) for entry in entries]
        more = len(numbers) > limit
        return OrderPage(await self._orders(numbers[:limit]), numbers[limit - 1] if more else None)

    async def fills(self, account: Account, before: int | None, limit: int) -> FillPage:
        """Fills of up to `limit` commands, newest first; a command's fills stay together."""
        # A number alone stands for all entries with it, so "(5" would not leave out entry 5-0.
        highest = "+" if before is None else str(before - 1)
        entries = await self._batcher.submit(
            "XREVRANGE", keys.fill_history(account), highest, "-", "COUNT", limit + 1
        )
        more = len(entries) > limit
        commands = [
            (_number(entry_id), read_fills(read_pairs(fields)["fills"])[::-1])
            for entry_id, fields in entries[:limit]
        ]
        return FillPage(commands, commands[-1][0] if more else None)

    async def account(self, account: Account) -> AccountRecord:
        """One account. Raises UnknownAccount, Unavailable."""
        fields = await self._batcher.submit("HGETALL", keys.account(account))
        if not fields:
            raise UnknownAccount("No account of this name has been opened.")
        return read_account(account, fields)

    async def accounts(self) -> list[Account]:
        """The name of every account, sorted. Raises Unavailable."""
        names = await self._batcher.submit("SMEMBERS", keys.ACCOUNTS)
        return sorted(Account(name.decode()) for name in names)

    async def assets(self) -> dict[str, int]:
        """Every asset with its decimals. Raises Unavailable."""
        pairs = read_pairs(await self._batcher.submit("HGETALL", keys.ASSETS))
        return {asset: int(decimals) for asset, decimals in sorted(pairs.items())}

    async def supply(self) -> dict[str, int]:
        """Units deposited minus units withdrawn, by asset. Raises Unavailable."""
        pairs = read_pairs(await self._batcher.submit("HGETALL", keys.SUPPLY))
        return {asset: int(units) for asset, units in sorted(pairs.items())}

    async def instruments(self) -> dict[Symbol, tuple[Instrument, MarketState]]:
        """Every instrument of the venue with its market state, by symbol. Raises Unavailable."""
        symbols = sorted(await self.symbols())
        found = await asyncio.gather(*(self.instrument(symbol) for symbol in symbols))
        return {symbol: market for symbol, market in zip(symbols, found, strict=True) if market}

    async def symbols(self) -> set[Symbol]:
        """The symbol of every instrument. Raises Unavailable."""
        found = await self._batcher.submit("SMEMBERS", keys.INSTRUMENTS)
        return {Symbol(symbol.decode()) for symbol in found}

    async def instrument(self, symbol: Symbol) -> tuple[Instrument, MarketState] | None:
        """One instrument with its market state; None if it is not known. Raises Unavailable."""
        record: list[Any] = await self._batcher.submit(
            "HMGET", keys.market(symbol), "identity", "limits", "controls"
        )
        if not all(record):
            return None
        identity, limits, controls = (item.decode() for item in record)
        instrument = read_instrument(symbol, identity, limits, controls)
        return instrument, MarketState(controls.partition("|")[0])

    async def time_us(self) -> int:
        """The venue clock, in microseconds since 1970 UTC. Raises Unavailable."""
        seconds, microseconds = await self._batcher.submit("TIME")
        return int(seconds) * 1_000_000 + int(microseconds)

    async def _orders(self, numbers: list[int]) -> list[Order]:
        """The records that still exist, in the order of the numbers."""
        records = await asyncio.gather(
            *(self._batcher.submit("HGETALL", keys.order(OrderId(str(n)))) for n in numbers)
        )
        return [
            read_order(str(number), fields)
            for number, fields in zip(numbers, records, strict=True)
            if fields
        ]


def _number(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
