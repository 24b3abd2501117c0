"""Every call of the surface by name: its permission, its weight, its path.

Weights are those of the Binance Spot API.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from order_gateway.binance.fields import Fields
from tapewire.api_keys.text import Permission

Weight = Callable[[Fields], int]


@dataclass(frozen=True, slots=True)
class Call:
    """A call: its permission (None: public), its weight, and whether it places an order."""

    name: str
    weight: Weight
    permission: Permission | None = None
    counts_as_order: bool = False


def _always(weight: int) -> Weight:
    return lambda _: weight


def _depth(fields: Fields) -> int:
    limit = fields.limit(100, 5_000)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250


def _by_symbol(one: int, every: int) -> Weight:
    return lambda fields: one if "symbol" in fields else every


_READ, _TRADE = Permission.READ, Permission.TRADE
CALLS: Mapping[str, Call] = {
    call.name: call
    for call in (
        Call("ping", _always(1)),
        Call("time", _always(1)),
        Call("exchange_info", _always(20)),
        Call("depth", _depth),
        Call("trades", _always(25)),
        Call("aggregate_trades", _always(4)),
        Call("klines", _always(2)),
        Call("average_price", _always(2)),
        Call("day_ticker", _by_symbol(2, 80)),
        Call("prices", _by_symbol(2, 4)),
        Call("book_tickers", _by_symbol(2, 4)),
        Call("place", _always(1), _TRADE, counts_as_order=True),
        Call("test", _always(1), _TRADE),
        Call("read", _always(4), _READ),
        Call("cancel", _always(1), _TRADE),
        Call("replace", _always(1), _TRADE, counts_as_order=True),
        Call("amend", _always(4), _TRADE),
        Call("open_orders", _by_symbol(6, 80), _READ),
        Call("cancel_all", _always(1), _TRADE),
        Call("all_orders", _always(20), _READ),
        Call("my_trades", _always(20), _READ),
        Call("account", _always(20), _READ),
        Call("commission", _always(20), _READ),
        Call("prevented_matches", _always(2), _READ),
        Call("place_list", _always(1), _TRADE, counts_as_order=True),
        Call("cancel_list", _always(1), _TRADE),
        Call("read_list", _always(4), _READ),
        Call("open_lists", _always(6), _READ),
        Call("order_counts", _always(40), _READ),
        Call("trade_fees", _always(1), _READ),
        Call("system_status", _always(1)),
        Call("no_symbols", _always(1)),
        Call("nothing", _always(1)),
    )
}

_V3 = "/api/v3/"
REST: Mapping[tuple[str, str], Call] = {
    (method, path): CALLS[name]
    for method, path, name in (
        ("GET", _V3 + "ping", "ping"),
        ("GET", _V3 + "time", "time"),
        ("GET", _V3 + "exchangeInfo", "exchange_info"),
        ("GET", _V3 + "depth", "depth"),
        ("GET", _V3 + "trades", "trades"),
        ("GET", _V3 + "historicalTrades", "trades"),
        ("GET", _V3 + "aggTrades", "aggregate_trades"),
        ("GET", _V3 + "klines", "klines"),
        ("GET", _V3 + "uiKlines", "klines"),
        ("GET", _V3 + "avgPrice", "average_price"),
        ("GET", _V3 + "ticker/24hr", "day_ticker"),
        ("GET", _V3 + "ticker/price", "prices"),
        ("GET", _V3 + "ticker/bookTicker", "book_tickers"),
        ("POST", _V3 + "order", "place"),
        ("POST", _V3 + "order/test", "test"),
        ("GET", _V3 + "order", "read"),
        ("DELETE", _V3 + "order", "cancel"),
        ("POST", _V3 + "order/cancelReplace", "replace"),
        ("PUT", _V3 + "order/amend/keepPriority", "amend"),
        ("GET", _V3 + "openOrders", "open_orders"),
        ("DELETE", _V3 + "openOrders", "cancel_all"),
        ("GET", _V3 + "allOrders", "all_orders"),
        ("GET", _V3 + "myTrades", "my_trades"),
        ("GET", _V3 + "account", "account"),
        ("GET", _V3 + "account/commission", "commission"),
        ("GET", _V3 + "myPreventedMatches", "prevented_matches"),
        ("POST", _V3 + "orderList/oco", "place_list"),
        ("DELETE", _V3 + "orderList", "cancel_list"),
        ("GET", _V3 + "orderList", "read_list"),
        ("GET", _V3 + "openOrderList", "open_lists"),
        ("GET", _V3 + "rateLimit/order", "order_counts"),
        ("GET", "/sapi/v1/asset/tradeFee", "trade_fees"),
        ("GET", "/sapi/v1/system/status", "system_status"),
        ("GET", "/sapi/v1/capital/config/getall", "nothing"),
        ("GET", "/sapi/v1/margin/allPairs", "nothing"),
        ("GET", "/sapi/v1/margin/isolated/allPairs", "nothing"),
        ("GET", "/fapi/v1/exchangeInfo", "no_symbols"),
        ("GET", "/dapi/v1/exchangeInfo", "no_symbols"),
    )
}
METHODS: Mapping[str, Call] = {
    method: CALLS[name]
    for method, name in (
        ("ping", "ping"),
        ("time", "time"),
        ("exchangeInfo", "exchange_info"),
        ("depth", "depth"),
        ("trades.recent", "trades"),
        ("trades.historical", "trades"),
        ("trades.aggregate", "aggregate_trades"),
        ("klines", "klines"),
        ("uiKlines", "klines"),
        ("avgPrice", "average_price"),
        ("ticker.24hr", "day_ticker"),
        ("ticker.price", "prices"),
        ("ticker.book", "book_tickers"),
        ("order.place", "place"),
        ("order.test", "test"),
        ("order.status", "read"),
        ("order.cancel", "cancel"),
        ("order.cancelReplace", "replace"),
        ("order.amend.keepPriority", "amend"),
        ("openOrders.status", "open_orders"),
        ("openOrders.cancelAll", "cancel_all"),
        ("allOrders", "all_orders"),
        ("myTrades", "my_trades"),
        ("account.status", "account"),
        ("account.commission", "commission"),
        ("account.rateLimits.orders", "order_counts"),
        ("myPreventedMatches", "prevented_matches"),
        ("orderList.place.oco", "place_list"),
        ("orderList.cancel", "cancel_list"),
        ("orderList.status", "read_list"),
        ("openOrderLists.status", "open_lists"),
    )
}


def allowed_methods(path: str) -> list[str]:
    """The methods of a path; empty for an unknown path."""
    return sorted(method for method, known in REST if known == path)
