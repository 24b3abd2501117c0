"""Token buckets: exact, bounded in memory, and safe from a clock that jumps."""

import pytest

from order_gateway.rate_limit import RateLimits
from tapewire.errors import RateLimited
from tapewire.web.rate_limit import NANOSECONDS, Buckets

START_NS = 1_000 * NANOSECONDS


def buckets(per_second: int = 10, burst: int = 5, names_max: int = 100) -> Buckets:
    """Buckets of five that gain one in a tenth of a second."""
    return Buckets(per_second=per_second, burst=burst, names_max=names_max)


def take(of: Buckets, now_ns: int, count: int = 1, name: str = "alice") -> bool:
    """Take if it is there."""
    ahead_ns = of.look(name, count, now_ns)
    if ahead_ns > of.capacity_ns:
        return False
    of.take(name, ahead_ns, now_ns)
    return True


def test_a_burst_is_granted_and_then_the_rate() -> None:
    """Five at once, then one every tenth of a second, neither more nor less."""
    of = buckets()
    assert [take(of, START_NS) for _ in range(6)] == [True] * 5 + [False]
    later_ns = START_NS + NANOSECONDS // 10
    assert not take(of, later_ns - 1)
    assert [take(of, later_ns), take(of, later_ns)] == [True, False]
    assert of.look("alice", 1, later_ns) - of.capacity_ns == NANOSECONDS // 10


def test_a_bucket_is_never_more_than_full() -> None:
    """A day of silence gives no more than the burst."""
    of = buckets()
    take(of, START_NS)
    tomorrow_ns = START_NS + 86_400 * NANOSECONDS
    assert sum(take(of, tomorrow_ns) for _ in range(10)) == 5


def test_a_large_request_costs_at_most_a_full_bucket() -> None:
    """Otherwise it could never be granted."""
    of = buckets()
    assert take(of, START_NS, count=100)
    assert not take(of, START_NS)
    assert take(of, START_NS + NANOSECONDS // 2, count=100)


def test_names_do_not_share() -> None:
    """What one has used up, another has."""
    of = buckets(burst=1)
    assert take(of, START_NS, name="alice")
    assert take(of, START_NS, name="bob")
    assert not take(of, START_NS, name="alice")


@pytest.mark.parametrize("jump_s", [1, 3_600, 10**6])
def test_a_clock_that_goes_backwards_costs_at_most_one_bucket(jump_s: int) -> None:
    """The jump gives no client more, and locks no client out."""
    of = buckets()
    assert all(take(of, START_NS) for _ in range(5))
    back_ns = START_NS - jump_s * NANOSECONDS
    assert not take(of, back_ns)
    assert take(of, back_ns + NANOSECONDS // 10)
    assert sum(take(of, back_ns + NANOSECONDS) for _ in range(10)) == 5


def test_memory_is_bounded_and_forgets_the_least_recently_used() -> None:
    """The one that is busy stays known, however many others come by."""
    of = buckets(per_second=1, burst=2, names_max=10)
    assert take(of, START_NS, count=2, name="busy")
    for number in range(9):
        assert take(of, START_NS, name=f"n-{number}")
    take(of, START_NS + NANOSECONDS, name="busy")
    for number in range(9, 18):
        take(of, START_NS + NANOSECONDS, name=f"n-{number}")
        assert len(of) <= 10
    assert not take(of, START_NS + NANOSECONDS, name="busy")


def test_headers_show_the_scarcer_of_the_two_buckets() -> None:
    """Limit, what is left, and the seconds until nothing is used."""
    limits = RateLimits(buckets(burst=5), buckets(per_second=1, burst=3))
    assert limits.admit("alice", "192.0.2.1", 2, START_NS) == {
        "RateLimit-Limit": "3",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "2",
    }
    assert limits.admit("bob", "192.0.2.2", 1, START_NS)["RateLimit-Remaining"] == "2"


def test_orders_without_headers_take_from_both_buckets() -> None:
    """WebSocket answers have no headers: `take` charges as `admit` does."""
    limits = RateLimits(buckets(burst=5), buckets(per_second=1, burst=3))
    limits.take("alice", "192.0.2.1", 2, START_NS)
    assert limits.admit("alice", "192.0.2.2", 1, START_NS)["RateLimit-Remaining"] == "2"
    with pytest.raises(RateLimited):
        limits.take("bob", "192.0.2.1", 2, START_NS)
    limits.take("bob", "192.0.2.1", 1, START_NS)
    assert RateLimits(None, None).take("alice", "192.0.2.1", 1, START_NS) == (None, None)


def test_what_one_bucket_refuses_the_other_does_not_lose() -> None:
    """A refusal takes from neither, and says how long to wait in whole seconds."""
    limits = RateLimits(buckets(burst=5), buckets(per_second=1, burst=1))
    limits.admit("alice", "192.0.2.1", 1, START_NS)
    for _ in range(20):
        with pytest.raises(RateLimited) as caught:
            limits.admit("alice", "192.0.2.1", 1, START_NS)
    assert caught.value.headers == {
        "RateLimit-Limit": "1",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "1",
        "Retry-After": "1",
    }
    for number in range(4):
        limits.admit("alice", f"192.0.2.{number + 2}", 1, START_NS)


def test_limits_may_be_off() -> None:
    """Without buckets everything is let in, and nothing is said about it."""
    assert RateLimits(None, None).admit("alice", "192.0.2.1", 10**9, START_NS) == {}
    only_accounts = RateLimits(buckets(burst=1), None)
    only_accounts.admit("alice", None, 1, START_NS)
    with pytest.raises(RateLimited):
        only_accounts.admit("alice", None, 1, START_NS)


def test_an_address_is_charged_without_an_account() -> None:
    """Wrong keys empty its bucket; then it is told how long to wait, and looking costs nothing."""
    limits = RateLimits(buckets(burst=5), buckets(per_second=1, burst=2))
    for _ in range(2):
        for _ in range(10):
            limits.check_address("192.0.2.1", START_NS)
        limits.take_address("192.0.2.1", START_NS)
    with pytest.raises(RateLimited):
        limits.check_address("192.0.2.1", START_NS)
    # Charged at the same moment by requests that were let in before: no debt.
    limits.take_address("192.0.2.1", START_NS)
    limits.check_address("192.0.2.1", START_NS + NANOSECONDS)
    limits.check_address("192.0.2.2", START_NS)
    RateLimits(None, None).take_address("192.0.2.1", START_NS)
    limits.take_address(None, START_NS)
