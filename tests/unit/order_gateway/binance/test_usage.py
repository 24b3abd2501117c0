"""Request weights and order counts of the Binance surface."""

import pytest

from order_gateway.binance.errors import BinanceError
from order_gateway.binance.usage import BAN_S, REFUSED_UNTIL_BAN, Usage, UsageLimits

NOW_S = 1_700_000_040.0


def test_without_limits_use_is_only_counted() -> None:
    """Use shows in headers, and restarts with each window."""
    usage = Usage(UsageLimits(), names_max=10)
    for _ in range(3):
        usage.take_weight("a", 20, NOW_S)
        usage.take_order("bot", NOW_S)
    assert usage.weight_headers("a", NOW_S)["X-MBX-USED-WEIGHT-1M"] == "60"
    assert usage.weight_headers("b", NOW_S)["X-MBX-USED-WEIGHT-1M"] == "0"
    assert usage.weight_headers("a", NOW_S + 60)["X-MBX-USED-WEIGHT-1M"] == "0"
    assert usage.order_headers("bot", NOW_S + 10) == {
        "X-MBX-ORDER-COUNT-10S": "0", "X-MBX-ORDER-COUNT-1D": "3",
    }  # fmt: skip


def test_too_much_weight_is_refused_then_banned() -> None:
    """The answer is 429 with the rest of the minute; further requests get 418 for two minutes."""
    usage = Usage(UsageLimits(weight_per_minute=30), names_max=10)
    usage.take_weight("a", 20, NOW_S)
    for _ in range(REFUSED_UNTIL_BAN + 1):
        with pytest.raises(BinanceError) as refused:
            usage.take_weight("a", 11, NOW_S)
        assert (refused.value.status, refused.value.code) == (429, -1003)
        assert refused.value.headers["Retry-After"] == str(60 - int(NOW_S) % 60)
    with pytest.raises(BinanceError) as banned:
        usage.take_weight("a", 1, NOW_S + BAN_S - 1)
    assert (banned.value.status, banned.value.code) == (418, -1003)
    assert banned.value.headers["Retry-After"] == "1"
    usage.take_weight("b", 30, NOW_S)
    usage.take_weight("a", 30, NOW_S + BAN_S)


def test_too_many_orders_are_refused() -> None:
    """By ten seconds and by day, of each account by itself; a refused one does not count."""
    usage = Usage(UsageLimits(orders_per_ten_s=2, orders_per_day=3), names_max=10)
    for moment_s in (NOW_S, NOW_S, NOW_S + 10):
        usage.take_order("bot", moment_s)
    for moment_s in (NOW_S, NOW_S + 11):
        with pytest.raises(BinanceError) as refused:
            usage.take_order("bot", moment_s)
        assert (refused.value.status, refused.value.code) == (429, -1015)
    usage.take_order("other", NOW_S)


def test_names_are_bounded() -> None:
    """The one that was silent longest is forgotten."""
    usage = Usage(UsageLimits(), names_max=2)
    for name in "abc":
        usage.take_weight(name, 1, NOW_S)
    assert usage.weight_headers("a", NOW_S)["X-MBX-USED-WEIGHT"] == "0"
    assert usage.weight_headers("c", NOW_S)["X-MBX-USED-WEIGHT"] == "1"
