"""When commands are held and which server they must not reach, from what Sentinels announce."""

from types import SimpleNamespace

import pytest

from tapewire.errors import RedisUnavailable
from tapewire.redis.address import Host
from tapewire.redis.failovers import FailoverGuard

FIRST, SECOND = ("127.0.0.1", 1), ("127.0.0.1", 2)


def may_send(guard: FailoverGuard, host: Host) -> bool:
    """Whether commands may be sent to a server."""
    try:
        guard.check(SimpleNamespace(host=host[0], port=host[1]))
    except RedisUnavailable:
        return False
    return True


@pytest.fixture
def guard() -> FailoverGuard:
    """The guard after a failover from the first server to the second, told by one Sentinel."""
    guard = FailoverGuard()
    assert may_send(guard, FIRST)
    guard.begin(FIRST)
    assert not may_send(guard, FIRST)
    guard.end(FIRST, SECOND)
    return guard


def test_only_the_promoted_server_gets_commands(guard: FailoverGuard) -> None:
    """The old primary answers for some seconds, and late Sentinels still name it."""
    assert may_send(guard, SECOND)
    assert not may_send(guard, FIRST)


def test_a_late_end_does_not_lift_the_hold_of_the_next_failover(guard: FailoverGuard) -> None:
    """Another Sentinel tells the end of the first failover when the second has begun."""
    guard.begin(SECOND)
    guard.end(FIRST, SECOND)
    assert not may_send(guard, SECOND)
    guard.end(SECOND, FIRST)
    assert may_send(guard, FIRST)


def test_a_late_end_does_not_refuse_the_server_that_came_back(guard: FailoverGuard) -> None:
    """Another Sentinel tells the end of the first failover after that of the second."""
    guard.begin(SECOND)
    guard.end(SECOND, FIRST)
    guard.end(FIRST, SECOND)
    assert may_send(guard, FIRST)
    assert not may_send(guard, SECOND)
    guard.begin(FIRST)
    guard.end(FIRST, SECOND)
    assert may_send(guard, SECOND)
    assert not may_send(guard, FIRST)


def test_a_failover_without_a_promotion(guard: FailoverGuard) -> None:
    """The primary stays, and commands go on."""
    guard.begin(SECOND)
    guard.end(SECOND, None)
    assert may_send(guard, SECOND)
