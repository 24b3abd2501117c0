"""The calls that read an account: balances, fees, past orders and trades, and the stubs."""

import time
import zlib
from typing import Any, cast

from order_gateway.binance.context import Context, SymbolNames, read_period
from order_gateway.binance.instruments import commission, rates, trade_fees
from order_gateway.binance.usage import Usage
from order_gateway.catalogue import Catalogue
from order_gateway.operations import Operations
from order_gateway.schemas import AccountReply, FillsReply, OrdersReply
from tapewire.limits import PAGE_ITEMS_MAX
from tapewire.matching.queries import Queries
from tapewire.values.account_types import AccountState
from tapewire.values.decimals import format_units
from tapewire.values.timestamps import format_timestamp
from tapewire.wire.orders import AccountFillReply, OrderReply

LIST_DEFAULT, LIST_MAX = 500, 1_000
PAGES_MAX = 40
"""Pages of past items that one call reads, newest first: 20,000 orders or trades."""

_PPM_PER_BPS = 100


class AccountCalls:
    """Answers calls for accounts. Every method raises BinanceError, Refusal or Unavailable."""

    def __init__(
        self,
        operations: Operations,
        queries: Queries,
        catalogue: Catalogue,
        names: SymbolNames,
        usage: Usage,
    ) -> None:
        self._operations = operations
        self._queries = queries
        self._catalogue = catalogue
        self._names = names
        self._usage = usage

    async def account(self, context: Context) -> dict[str, Any]:
        """`GET account`."""
        omits_zeros = context.fields.flag("omitZeroBalances")
        reply = await self._operations.run("account", context.account, {})
        account = cast("AccountReply", reply.answer)
        maker_ppm, taker_ppm = self._fees(account)
        can_trade = account.state is AccountState.ACTIVE
        return {
            "makerCommission": maker_ppm // _PPM_PER_BPS,
            "takerCommission": taker_ppm // _PPM_PER_BPS,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": rates(maker_ppm, taker_ppm),
            "canTrade": can_trade,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": await self._queries.time_us() // context.us_per_unit,
            "accountType": "SPOT",
            "balances": await self._balances(account, omits_zeros=omits_zeros),
            "permissions": ["SPOT"],
            "uid": zlib.crc32(account.account.encode()),
        }

    async def commission(self, context: Context) -> dict[str, Any]:
        """`account/commission`: an account's own fees come before those of the instrument."""
        symbol = await self._names.named_in(context)
        instrument = await self._catalogue.find(symbol)
        reply = await self._operations.run("account", context.account, {})
        account = cast("AccountReply", reply.answer)
        answer = commission(instrument, self._names.names)
        own = (account.maker_fee_ppm, account.taker_fee_ppm)
        general = (instrument.maker_fee_ppm, instrument.taker_fee_ppm)
        maker, taker = (
            mine if mine is not None else other for mine, other in zip(own, general, strict=True)
        )
        return answer | {"standardCommission": rates(maker, taker)}

    async def all_orders(self, context: Context) -> list[dict[str, Any]]:
        """`allOrders`: from an order id on, within a period, or the last ones; oldest first."""
        limit = context.fields.limit(LIST_DEFAULT, LIST_MAX)
        first = context.fields.whole("orderId")
        start_us, end_us = read_period(context)
        symbol = await self._names.named_in(context)
        shape = self._names.shape(context)
        params = _period(start_us, end_us) | {"symbol": symbol}
        from_start = first is not None or start_us is not None
        found: list[OrderReply] = []
        for _ in range(PAGES_MAX):
            reply = await self._operations.run("history", context.account, params)
            page = cast("OrdersReply", reply.answer)
            found += [order for order in page.orders if int(order.order_id) >= (first or 0)]
            reached = first is not None and any(int(o.order_id) < first for o in page.orders)
            if page.next_cursor is None or reached or (not from_start and len(found) >= limit):
                break
            params["cursor"] = page.next_cursor
        oldest_first = found[::-1]
        shown = oldest_first[:limit] if from_start else oldest_first[-limit:]
        return [shape.read(order) for order in shown]

    async def my_trades(self, context: Context) -> list[dict[str, Any]]:
        """`myTrades`: of an order, from a trade id on, within a period, or the last ones."""
        limit = context.fields.limit(LIST_DEFAULT, LIST_MAX)
        first, order_id = context.fields.whole("fromId"), context.fields.whole("orderId")
        start_us, end_us = read_period(context)
        symbol = await self._names.named_in(context)
        shape = self._names.shape(context)
        params = _period(start_us, end_us) | {"symbol": symbol}
        if order_id:
            params["order_id"] = str(order_id)
        from_start = first is not None or start_us is not None
        found: list[AccountFillReply] = []
        for _ in range(PAGES_MAX):
            reply = await self._operations.run("fills", context.account, params)
            page = cast("FillsReply", reply.answer)
            found += [fill for fill in page.fills if fill.seq >= (first or 0)]
            reached = first is not None and any(fill.seq < first for fill in page.fills)
            if page.next_cursor is None or reached or (not from_start and len(found) >= limit):
                break
            params["cursor"] = page.next_cursor
        oldest_first = found[::-1]
        shown = oldest_first[:limit] if from_start else oldest_first[-limit:]
        return [shape.trade(fill) for fill in shown]

    async def prevented_matches(self, context: Context) -> list[Any]:
        """`myPreventedMatches`: always empty, because the venue records none."""
        await self._names.named_in(context)
        return []

    async def nothing(self, _: Context) -> list[Any]:
        """Lists that are always empty."""
        return []

    async def order_counts(self, context: Context) -> list[dict[str, object]]:
        """`rateLimit/order`."""
        counts = self._usage.counted("", context.account, time.time())
        return [item for item in counts if item["rateLimitType"] == "ORDERS"]

    async def trade_fees(self, context: Context) -> list[dict[str, str]]:
        """`/sapi/v1/asset/tradeFee`."""
        symbol = await self._names.optional_in(context)
        instruments = [market.instrument for market in await self._catalogue.read_all()]
        return trade_fees(
            (item for item in instruments if symbol in {None, item.symbol}), self._names.names
        )

    async def system_status(self, _: Context) -> dict[str, Any]:
        """`/sapi/v1/system/status`."""
        return {"status": 0, "msg": "normal"}

    async def no_symbols(self, _: Context) -> dict[str, Any]:
        """`exchangeInfo` of the futures that the venue does not have."""
        return {"symbols": []}

    def _fees(self, account: AccountReply) -> tuple[int, int]:
        """The account's own rates, else the highest of the instruments, in millionths."""
        known = self._catalogue.known.values()
        maker = max((market.instrument.maker_fee_ppm for market in known), default=0)
        taker = max((market.instrument.taker_fee_ppm for market in known), default=0)
        own_maker, own_taker = account.maker_fee_ppm, account.taker_fee_ppm
        return (
            maker if own_maker is None else own_maker,
            taker if own_taker is None else own_taker,
        )

    async def _balances(self, account: AccountReply, *, omits_zeros: bool) -> list[dict[str, str]]:
        """Every asset of the venue; an asset without a balance has zeros."""
        own = {item.asset: item for item in account.balances}
        balances = []
        for asset, decimals in (await self._queries.assets()).items():
            item, zero = own.get(asset), format_units(0, decimals)
            free, locked = (zero, zero) if item is None else (item.available, item.held)
            if not omits_zeros or (free, locked) != (zero, zero):
                balances.append({"asset": asset, "free": free, "locked": locked})
        return balances


def _period(start_us: int | None, end_us: int | None) -> dict[str, Any]:
    """The filters of a list; Binance includes the end, the venue does not."""
    params: dict[str, Any] = {"limit": str(PAGE_ITEMS_MAX)}
    if start_us:
        params["from"] = format_timestamp(start_us)
    if end_us is not None:
        params["to"] = format_timestamp(end_us + 1)
    return params
