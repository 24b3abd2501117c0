"""Random commands of every kind to the real scripts and to the reference venue: both must agree.

After every command the reply or refusal, the trades, both queues, the levels, the waiting stops,
all indexes and every changed order are compared (tests/support/venue_pair.py). 10,000 commands in
a run, 200,000 with HYPOTHESIS_PROFILE=nightly (`make test-nightly`). A failing list of commands is
printed shrunk; give it to `replay` to run it again.
"""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tapewire.matching.engine import MatchingLimits
from tapewire.redis_server import RedisServer
from tests.support.venue import Listener, Venue, listening, open_venue
from tests.support.venue_audit import audit
from tests.support.venue_commands import Step, steps
from tests.support.venue_pair import Pair

RUNS = st.lists(steps(), min_size=70, max_size=120).map(
    lambda drawn: [step for step in drawn if step is not None]
)
LIMITS = st.builds(
    MatchingLimits,
    fills_per_order_max=st.sampled_from([10_000, 10_000, 3]),
    stops_per_command_max=st.sampled_from([1_000, 1_000, 2]),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples."""
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_venue(session_redis: RedisServer, runner: asyncio.Runner) -> Iterator[Venue]:
    """One venue for all examples; each of them empties it first."""
    context = open_venue(session_redis.url)
    venue = runner.run(context.__aenter__())
    yield venue
    runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def shared_listener(session_redis: RedisServer, runner: asyncio.Runner) -> Iterator[Listener]:
    """Hears what all examples publish."""
    context = listening(session_redis.url)
    listener = runner.run(context.__aenter__())
    yield listener
    runner.run(context.__aexit__(None, None, None))


async def replay(
    venue: Venue, listener: Listener, limits: MatchingLimits, commands: Sequence[Step]
) -> Pair:
    """Run the commands through both venues; raises AssertionError at the first difference."""
    await listener.forget()
    pair = Pair(venue, limits)
    await pair.run(commands)
    await audit(pair, listener)
    return pair


@pytest.mark.timeout(0)
@given(limits=LIMITS, commands=RUNS)
def test_the_venue_equals_the_reference(
    shared_venue: Venue,
    shared_listener: Listener,
    runner: asyncio.Runner,
    limits: MatchingLimits,
    commands: list[Step],
) -> None:
    """Any sequence of commands gives the replies, trades, books and records of the reference."""
    pair = runner.run(replay(shared_venue, shared_listener, limits, commands))
    trades = sum(len(market.trades) for market in pair.reference.markets.values())
    event(f"{trades // 10 * 10} trades or more")
