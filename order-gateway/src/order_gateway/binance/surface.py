"""The Binance surface of a gateway: runs calls, counts them, and words their refusals."""

import time
from collections.abc import Awaitable, Callable, Mapping

from redis.exceptions import RedisError

from order_gateway.binance.account_calls import AccountCalls
from order_gateway.binance.callers import Callers, check_permission
from order_gateway.binance.calls import Call
from order_gateway.binance.context import Context, SymbolNames
from order_gateway.binance.errors import error_of
from order_gateway.binance.list_calls import ListCalls
from order_gateway.binance.market_calls import MarketCalls
from order_gateway.binance.order_calls import OrderCalls
from order_gateway.binance.usage import Usage
from order_gateway.catalogue import Catalogue
from order_gateway.operations import Operations
from order_gateway.rate_limit import RateLimits
from tapewire.errors import RedisUnavailable, Refusal, Unavailable
from tapewire.matching.queries import Queries
from tapewire.redis.client import AsyncRedis
from tapewire.values.types import Account

_NO_ADDRESS = "local"
ANONYMOUS = Account("@public")
"""The bucket of accounts that public calls of all clients share; no account has this name."""

Handler = Callable[[Context], Awaitable[object]]


class Surface:
    """Every call by its name, for REST and WebSocket. Safe to share by all requests."""

    def __init__(
        self,
        operations: Operations,
        queries: Queries,
        catalogue: Catalogue,
        client: AsyncRedis,
        *,
        callers: Callers,
        limits: RateLimits,
        usage: Usage,
    ) -> None:
        """`client` reads market data; `limits` are shared by all transports."""
        self.callers = callers
        self.usage = usage
        self.names = SymbolNames(catalogue)
        self._limits = limits
        market = MarketCalls(client, queries, catalogue, self.names, usage)
        orders = OrderCalls(operations, catalogue, self.names)
        lists = ListCalls(operations, self.names)
        account = AccountCalls(operations, queries, catalogue, self.names, usage)
        self._handlers: Mapping[str, Handler] = {
            "ping": market.ping,
            "time": market.time,
            "exchange_info": market.exchange_info,
            "depth": market.depth,
            "trades": market.trades,
            "aggregate_trades": market.aggregate_trades,
            "klines": market.klines,
            "average_price": market.average_price,
            "day_ticker": market.day_ticker,
            "prices": market.prices,
            "book_tickers": market.book_tickers,
            "place": orders.place,
            "test": orders.test,
            "read": orders.read,
            "cancel": orders.cancel,
            "replace": orders.replace,
            "amend": orders.amend,
            "open_orders": orders.open_orders,
            "cancel_all": orders.cancel_all,
            "all_orders": account.all_orders,
            "my_trades": account.my_trades,
            "account": account.account,
            "commission": account.commission,
            "prevented_matches": account.prevented_matches,
            "place_list": lists.place,
            "cancel_list": lists.cancel,
            "read_list": lists.read,
            "open_lists": lists.open_lists,
            "order_counts": account.order_counts,
            "trade_fees": account.trade_fees,
            "system_status": account.system_status,
            "no_symbols": account.no_symbols,
            "nothing": account.nothing,
        }

    async def run(self, call: Call, context: Context, address: str | None) -> object:
        """Do one call. Raises BinanceError."""
        identity = context.identity
        if call.permission is not None and identity is not None:
            check_permission(identity, call.permission)
        try:
            self._limits.admit(
                ANONYMOUS if identity is None else identity.account,
                address,
                1,
                time.monotonic_ns(),
            )
            if call.counts_as_order:
                self.usage.take_order(context.account, time.time())
            return await self._handlers[call.name](context)
        except (Refusal, Unavailable) as error:
            raise error_of(error, is_order=call.counts_as_order) from None
        except (RedisError, OSError):
            unavailable = RedisUnavailable("The market cannot be read now.")
            raise error_of(unavailable) from None

    def take_weight(self, call: Call, context: Context, address: str | None) -> None:
        """Count the weight of a call against its address. Raises BinanceError (429, 418)."""
        self.usage.take_weight(address or _NO_ADDRESS, call.weight(context.fields), time.time())

    def headers(self, call: Call, context: Context | None, address: str | None) -> dict[str, str]:
        """The headers of an answer over HTTP."""
        now_s = time.time()
        headers = dict(self.usage.weight_headers(address or _NO_ADDRESS, now_s))
        if call.counts_as_order and context is not None and context.identity is not None:
            headers |= self.usage.order_headers(context.account, now_s)
        return headers
