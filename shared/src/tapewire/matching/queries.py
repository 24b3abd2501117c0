"""Reads of accounts, orders and fills: plain Redis reads, in the same queue as the commands."""

import asyncio
from dataclasses import dataclass
from typing import Any

from tapewire import keys
from tapewire.errors import DuplicateClientOrderId, OrderNotFound, UnknownAccount
from tapewire.matching.batcher import Batcher
from tapewire.matching.digest import order_digest
from tapewire.matching.market_queries import MarketQueries
from tapewire.packed.layout import TERMS
from tapewire.packed.records import (
    placed_orders,
    read_account,
    read_account_fill,
    read_order,
    read_pairs,
    trade_order,
    unread_fills_of,
)
from tapewire.runtime.fair_share import FairShare
from tapewire.values.account_types import AccountRecord
from tapewire.values.types import (
    Account,
    AccountFill,
    Order,
    OrderCommand,
    OrderId,
    Symbol,
)

# An account event of a large sweep may have megabytes, so a page of a log ends by bytes too.
LOG_PAGE_BYTES = 1_048_576
# A fill is read in about 5 us, so that reading holds the loop for a few milliseconds at a time.
FILLS_PER_TURN = 500
FILLS_PER_PIECE = 200


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders, newest first, and the cursor of the next page (None: this was the last).

    Each order comes with the cursor of a page that begins behind it.
    """

    orders: list[tuple[str, Order]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class FillPage:
    """Fills per command, newest first, each command with its cursor; the next page's, or None."""

    commands: list[tuple[str, list[AccountFill]]]
    next_cursor: str | None


class Queries(MarketQueries):
    """The reads of accounts and markets; answers include every command acknowledged before."""

    def __init__(self, batcher: Batcher) -> None:
        super().__init__(batcher)
        self._share = FairShare(FILLS_PER_TURN)

    async def order(self, account: Account, order_id: OrderId) -> Order:
        """One order. Raises OrderNotFound (also for another account's), Unavailable."""
        fields = await self._batcher.submit("HGETALL", keys.order(order_id))
        order = read_order(order_id, fields) if fields else None
        if order is None or order.account != account:
            raise OrderNotFound("No order of yours has this order_id.")
        return order

    async def client_order(self, account: Account, client_order_id: str) -> Order:
        """One order by the id that the client gave. Raises OrderNotFound, Unavailable."""
        found = await self._named(keys.client_order(account, client_order_id))
        if found is None:
            raise OrderNotFound("No order of yours has this client_order_id.")
        return found[0]

    async def client_list(self, account: Account, client_list_id: str) -> Order:
        """The first order of the list of this name. Raises OrderNotFound, Unavailable."""
        found = await self._named(keys.client_list(account, client_list_id))
        if found is None:
            raise OrderNotFound("No order list of yours has this client_list_id.")
        return found[0]

    async def earlier_order(self, command: OrderCommand) -> Order | None:
        """The order that this very command placed before; None if there is none.

        Raises DuplicateClientOrderId if its client order id stands for another body, Unavailable.
        """
        found = await self._named(keys.client_order(command.account, command.client_order_id or ""))
        if found is None or (command.reuses_client_order_id and not found[0].is_open):
            return None
        if TERMS.read(read_pairs(found[1])["terms"]).digest != order_digest(command):
            raise DuplicateClientOrderId(
                "client_order_id belongs to an earlier order with another body; choose another id."
            )
        return found[0]

    async def _named(self, key: str) -> tuple[Order, Any] | None:
        """The order that a name leads to, and its record; None if there is none (any more)."""
        order_id = await self._batcher.submit("GET", key)
        fields = order_id and await self._batcher.submit("HGETALL", keys.order(order_id.decode()))
        return (read_order(order_id.decode(), fields), fields) if fields else None

    async def open_orders(
        self, account: Account, symbols: list[Symbol], cursor: str | None, limit: int
    ) -> OrderPage:
        """Open orders in these symbols, newest first; the cursor is the number of an order."""
        highest = "+inf" if cursor is None else f"({cursor}"
        found = await asyncio.gather(
            *(
                self._batcher.submit(
                    "ZREVRANGEBYSCORE", keys.open_orders(account, symbol), highest, "-inf",
                    "LIMIT", 0, limit + 1,
                )
                for symbol in symbols
            )
        )  # fmt: skip
        ids = [OrderId(order_id.decode()) for part in found for order_id in part]
        ids.sort(key=int, reverse=True)
        orders = [(order.order_id, order) for order in await self._orders(ids[:limit])]
        return OrderPage(
            [item for item in orders if item[1].is_open],
            ids[limit - 1] if len(ids) > limit else None,
        )

    async def history(
        self, account: Account, cursor: str | None, limit: int, *, skip: int = 0
    ) -> OrderPage:
        """Orders that the newest `limit` events placed, newest first; the cursor is an event id.

        With `skip` the event of the cursor is read too, but for so many of its newest orders.
        """
        events, more = await self._log_page(account, cursor, limit, inclusive=skip > 0)
        cursors = placed_orders(events, cursor, skip)
        orders = [(cursors[order.order_id], order) for order in await self._orders(list(cursors))]
        return OrderPage(orders, events[-1][0] if more else None)

    async def fills(
        self, account: Account, cursor: str | None, limit: int, *, inclusive: bool = False
    ) -> FillPage:
        """Fills of the newest `limit` events, newest first; a command's fills stay together.

        The events are below the cursor, or with `inclusive` from the cursor on.
        """
        events, more = await self._log_page(account, cursor, limit, inclusive=inclusive)
        commands = [(event_id, await self._read_fills(event)) for event_id, event in events]
        return FillPage(commands, events[-1][0] if more else None)

    async def _read_fills(self, event: str) -> list[AccountFill]:
        """The fills of an event, newest first, read in pieces."""
        unread, fills = unread_fills_of(event), []
        for first in range(0, len(unread), FILLS_PER_PIECE):
            part = unread[first : first + FILLS_PER_PIECE]
            await self._share.take(len(part))
            fills += [read_account_fill(item) for item in part]
        fills.sort(key=trade_order, reverse=True)
        return fills

    async def _log_page(
        self, account: Account, cursor: str | None, limit: int, *, inclusive: bool = False
    ) -> tuple[list[tuple[str, str]], bool]:
        """Events of an account below an id, newest first, and whether there are more."""
        highest = "+" if cursor is None else cursor if inclusive else f"({cursor}"
        more, *texts = await self._batcher.begin_call(
            "log_page", (keys.account_log(account),), highest, limit, LOG_PAGE_BYTES
        )
        found = [text.decode() for text in texts]
        return list(zip(found[::2], found[1::2], strict=True)), bool(more)

    async def account(self, account: Account) -> AccountRecord:
        """One account. Raises UnknownAccount, Unavailable."""
        fields = await self._batcher.submit("HGETALL", keys.account(account))
        if not fields:
            raise UnknownAccount(
                "The venue has no account of this name; a deposit opens an account."
            )
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

    async def time_us(self) -> int:
        """The venue clock, in microseconds since 1970 UTC. Raises Unavailable."""
        seconds, microseconds = await self._batcher.submit("TIME")
        return int(seconds) * 1_000_000 + int(microseconds)

    async def accepted_clock_us(self) -> int | None:
        """The time at which an operator said that the clock is right; None if that is long ago.

        Raises Unavailable.
        """
        found = await self._batcher.submit("GET", keys.CLOCK_ACCEPTED)
        return None if found is None else int(found)

    async def _orders(self, ids: list[OrderId]) -> list[Order]:
        """The records that still exist, in the order of the ids."""
        records = await asyncio.gather(
            *(self._batcher.submit("HGETALL", keys.order(order_id)) for order_id in ids)
        )
        orders = []
        for order_id, fields in zip(ids, records, strict=True):
            if fields:
                await self._share.take(len(fields) // 2)
                orders.append(read_order(order_id, fields))
        return orders
