"""Lists of an account's orders and fills: filtered, newest first, page by page.

A cursor names the last item of its page: an open order by its number, an item of the account's log
by the id of its event. Both numbers only grow. New items therefore appear on no later page and
displace no item. A page reads a bounded number of records and shows a bounded number of fills, so
that a page may hold fewer items than requested, even none. The list has ended when `next_cursor` is
null.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from order_gateway.catalogue import Catalogue
from order_gateway.cursors import read_log_cursor, read_order_cursor
from order_gateway.order_entry import read_moment, read_params
from order_gateway.params import FillsParams, HistoryParams, OpenOrdersParams
from order_gateway.schemas import FillsReply, OrdersReply
from tapewire.errors import InvalidField
from tapewire.limits import EXACT_INTEGER_MAX, PAGE_FILLS_MAX, PAGE_RECORDS_MAX
from tapewire.matching.queries import OrderPage, Queries
from tapewire.runtime.fair_share import FairShare
from tapewire.values.types import Account, AccountFill, Order, OrderStatus, Symbol
from tapewire.wire.orders import account_fill_reply, order_reply

OPEN_STATUSES = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
# One command may have thousands of fills, so few of them are read at once.
COMMANDS_PER_READ = 20
RECORDS_PER_READ_MIN = 50


@dataclass(frozen=True, slots=True)
class Period:
    """A period: from a time (inclusive) until a time (exclusive); None is unbounded."""

    from_us: int = 0
    to_us: int = EXACT_INTEGER_MAX

    def holds(self, time_us: int) -> bool:
        """Whether a time is in the period."""
        return self.from_us <= time_us < self.to_us


class _OrderCollection:
    """The orders of one page, up to its bounds on orders and fills."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._fills = 0
        self.orders: list[Order] = []
        # The cursor of the next page.
        self.cursor: str | None = None

    @property
    def is_full(self) -> bool:
        """Whether the page takes no more orders."""
        return len(self.orders) >= self._limit

    def take(self, behind: str, order: Order) -> bool:
        """Add an order; `behind` is the cursor after it. False if the page is full."""
        fills = self._fills + len(order.fills)
        if self.is_full or (self.orders and fills > PAGE_FILLS_MAX):
            return False
        self.orders.append(order)
        self.cursor, self._fills = behind, fills
        return True


class Lists:
    """The lists of an account."""

    def __init__(self, queries: Queries, catalogue: Catalogue, share: FairShare) -> None:
        """`share` bounds how many fills are rendered in one turn of the loop."""
        self._queries = queries
        self._catalogue = catalogue
        self._share = share

    async def open_orders(self, account: Account, params: Mapping[str, Any]) -> OrdersReply:
        """Open orders, of all symbols or of one."""
        wanted = read_params(OpenOrdersParams, params)
        history = HistoryParams.model_validate({"status": "open"}).model_copy(
            update={"symbol": wanted.symbol, "limit": wanted.limit, "cursor": wanted.cursor}
        )
        return await self._orders(account, history)

    async def history(self, account: Account, params: Mapping[str, Any]) -> OrdersReply:
        """Orders of every status that the venue keeps."""
        return await self._orders(account, read_params(HistoryParams, params))

    async def fills(self, account: Account, params: Mapping[str, Any]) -> FillsReply:
        """Fills of the account's orders."""
        wanted = read_params(FillsParams, params)
        if wanted.symbol is not None:
            await self._catalogue.find_recorded(wanted.symbol)
        period = _period(wanted.moment_from, wanted.moment_to)

        def fits(item: AccountFill) -> bool:
            return (
                (wanted.symbol is None or item.symbol == wanted.symbol)
                and (wanted.order_id is None or item.order_id == wanted.order_id)
                and period.holds(item.fill.timestamp_us)
            )

        items, cursor = await self._collect_fills(account, wanted, fits)
        fills = []
        for item in items:
            instrument = await self._catalogue.find_recorded(item.symbol)
            await self._share.take(1)
            fills.append(account_fill_reply(item, instrument))
        return FillsReply(fills, cursor)

    async def _orders(self, account: Account, wanted: HistoryParams) -> OrdersReply:
        if wanted.symbol is not None:
            await self._catalogue.find_recorded(wanted.symbol)
        period = _period(wanted.moment_from, wanted.moment_to)
        statuses = OPEN_STATUSES if wanted.status == "open" else {wanted.status}

        def fits(order: Order) -> bool:
            return (
                (wanted.status is None or order.status in statuses)
                and (wanted.symbol is None or order.symbol == wanted.symbol)
                and period.holds(order.created_us)
            )

        is_open = wanted.status == "open" or wanted.status in OPEN_STATUSES
        if is_open:
            cursor, skip = read_order_cursor(wanted.cursor), 0
        else:
            cursor, skip = read_log_cursor(wanted.cursor)
        collected, records = _OrderCollection(wanted.limit), 0
        while True:
            count = max(wanted.limit - len(collected.orders), RECORDS_PER_READ_MIN)
            page = await self._order_page(account, wanted, cursor, count, skip)
            skip = 0
            cursor, records = page.next_cursor, records + count
            for behind, order in page.orders:
                if fits(order) and not collected.take(behind, order):
                    return await self._shown(collected.orders, collected.cursor)
            if cursor is None or collected.is_full or records >= PAGE_RECORDS_MAX:
                return await self._shown(collected.orders, cursor)

    async def _shown(self, orders: list[Order], cursor: str | None) -> OrdersReply:
        """A page, rendered in bounded pieces."""
        replies = []
        for order in orders:
            instrument = await self._catalogue.find_recorded(order.symbol)
            await self._share.take(len(order.fills) + 1)
            replies.append(order_reply(order, instrument))
        return OrdersReply(replies, cursor)

    async def _order_page(
        self, account: Account, wanted: HistoryParams, cursor: str | None, count: int, skip: int
    ) -> OrderPage:
        """Orders of one page.

        Open orders have an index of their own, which never drops an order.
        """
        if wanted.status != "open" and wanted.status not in OPEN_STATUSES:
            return await self._queries.history(account, cursor, count, skip=skip)
        if wanted.symbol is not None:
            symbols = [Symbol(wanted.symbol)]
        else:
            symbols = sorted(await self._queries.symbols())
        return await self._queries.open_orders(account, symbols, cursor, count)

    async def _collect_fills(
        self, account: Account, wanted: FillsParams, fits: Callable[[AccountFill], bool]
    ) -> tuple[list[AccountFill], str | None]:
        """The fills of one page, and the cursor of the next page."""
        started, skip = cursor, _ = read_log_cursor(wanted.cursor)
        items: list[AccountFill] = []
        records = 0
        while True:
            page = await self._queries.fills(
                account, cursor, COMMANDS_PER_READ, inclusive=skip > 0 and cursor == started
            )
            for command, fills in page.commands:
                first = skip if command == started else 0
                for index, item in enumerate(fills[first:], start=first):
                    if len(items) == wanted.limit:
                        return items, f"{command}.{index}" if index else cursor
                    if fits(item):
                        items.append(item)
                records += len(fills)
                cursor = command
            cursor = page.next_cursor
            if cursor is None or records >= PAGE_RECORDS_MAX:
                return items, cursor


def _period(moment_from: str | None, moment_to: str | None) -> Period:
    """The period between two moments. Raises InvalidField, also for a period without a moment."""
    period = Period(
        0 if moment_from is None else read_moment(moment_from, "from"),
        EXACT_INTEGER_MAX if moment_to is None else read_moment(moment_to, "to"),
    )
    if period.from_us >= period.to_us:
        raise InvalidField("from", "out_of_range", "from must be before to.")
    return period
