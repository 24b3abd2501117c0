"""Use of the limits of the surface by a client: request weight and orders. Pure.

Windows are fixed, as at Binance: a minute of weight for an address; ten seconds and a day of orders
for an account. A limit of 0 is no limit; use is counted nevertheless, because every answer shows
it. Each process counts for itself.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from order_gateway.binance.errors import BinanceError, banned, too_much_weight

MINUTE_S, TEN_S, DAY_S = 60, 10, 86_400
BAN_S = 120
"""Seconds of a ban after more requests than 429 allows."""

REFUSED_UNTIL_BAN = 20
"""Requests of an address within a minute that are refused with 429 before the ban."""

SHOWN_WITHOUT_LIMIT = 1_000_000
"""The limit that `exchangeInfo` shows for no limit, so that no client slows itself down."""


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """The limits; 0 is no limit."""

    weight_per_minute: int = 0
    orders_per_ten_s: int = 0
    orders_per_day: int = 0


class Window:
    """Counts by name within the present window of a fixed length."""

    def __init__(self, length_s: int, names_max: int) -> None:
        self.length_s = length_s
        self._names_max = names_max
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def count(self, name: str, now_s: float) -> int:
        """The count in the present window."""
        index, count = self._counts.get(name, (-1, 0))
        return count if index == int(now_s // self.length_s) else 0

    def add(self, name: str, amount: int, now_s: float) -> int:
        """Add and return the new count; above `names_max` the oldest name is forgotten."""
        total = self.count(name, now_s) + amount
        self._counts[name] = (int(now_s // self.length_s), total)
        self._counts.move_to_end(name)
        if len(self._counts) > self._names_max:
            self._counts.popitem(last=False)
        return total

    def rest_s(self, now_s: float) -> int:
        """Whole seconds until the window ends, at least 1."""
        return max(1, self.length_s - int(now_s % self.length_s))


class Usage:
    """The use of every address and account. Times are seconds since 1970."""

    def __init__(self, limits: UsageLimits, names_max: int) -> None:
        """`names_max` bounds the addresses and accounts that are remembered."""
        self.limits = limits
        self._weight = Window(MINUTE_S, names_max)
        self._refused = Window(MINUTE_S, names_max)
        self._fast = Window(TEN_S, names_max)
        self._daily = Window(DAY_S, names_max)
        self._banned_until_s: OrderedDict[str, float] = OrderedDict()
        self._names_max = names_max

    def take_weight(self, address: str, weight: int, now_s: float) -> None:
        """Count a request. Raises BinanceError: 429 over the limit, 418 while banned."""
        until_s = self._banned_until_s.get(address, 0.0)
        if until_s > now_s:
            raise banned(int(until_s * 1_000), until_s - now_s)
        limit = self.limits.weight_per_minute
        if limit and self._weight.count(address, now_s) + weight > limit:
            if self._refused.add(address, 1, now_s) > REFUSED_UNTIL_BAN:
                self._ban(address, now_s + BAN_S)
            raise too_much_weight(str(self._weight.rest_s(now_s)))
        self._weight.add(address, weight, now_s)

    def take_order(self, account: str, now_s: float) -> None:
        """Count an order. Raises BinanceError (-1015, 429) over a limit."""
        for window, limit in (
            (self._fast, self.limits.orders_per_ten_s),
            (self._daily, self.limits.orders_per_day),
        ):
            if limit and window.count(account, now_s) >= limit:
                wait_s = str(window.rest_s(now_s))
                raise BinanceError(
                    -1015, "Too many new orders.", 429, headers={"Retry-After": wait_s}
                )
        self._fast.add(account, 1, now_s)
        self._daily.add(account, 1, now_s)

    def weight_headers(self, address: str, now_s: float) -> Mapping[str, str]:
        """The headers of every answer over HTTP."""
        used = str(self._weight.count(address, now_s))
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def order_headers(self, account: str, now_s: float) -> Mapping[str, str]:
        """The further headers of answers about orders."""
        return {
            "X-MBX-ORDER-COUNT-10S": str(self._fast.count(account, now_s)),
            "X-MBX-ORDER-COUNT-1D": str(self._daily.count(account, now_s)),
        }

    def described(self) -> list[dict[str, object]]:
        """The limits as `exchangeInfo` shows them."""
        limits = self.limits
        return [
            _described("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
            _described("ORDERS", "SECOND", TEN_S, limits.orders_per_ten_s),
            _described("ORDERS", "DAY", 1, limits.orders_per_day),
        ]

    def counted(self, address: str, account: str | None, now_s: float) -> list[dict[str, object]]:
        """The limits with the use of a client, as answers over WebSocket show them."""
        weight, fast, daily = self.described()
        weight["count"] = self._weight.count(address, now_s)
        if account is None:
            return [weight]
        fast["count"] = self._fast.count(account, now_s)
        daily["count"] = self._daily.count(account, now_s)
        return [fast, daily, weight]

    def _ban(self, address: str, until_s: float) -> None:
        self._banned_until_s[address] = until_s
        self._banned_until_s.move_to_end(address)
        if len(self._banned_until_s) > self._names_max:
            self._banned_until_s.popitem(last=False)


def _described(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit or SHOWN_WITHOUT_LIMIT,
    }
