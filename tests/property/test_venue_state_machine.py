"""Random commands of every kind to the real scripts and to the reference venue: both must agree.

After every command the reply or refusal, the trades, both queues, the levels, the waiting stops,
all indexes and every changed order are compared (tests/support/reference/venue_pair.py). A run
plays 3,500 commands, 350,000 with HYPOTHESIS_PROFILE=nightly (`make test-nightly`). A failing
list of commands is printed shrunk; give it to `replay` to run it again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tapewire.matching.command_limits import MatchingLimits
from tapewire.redis.server import RedisServer
from tapewire.values.types import (
    Account,
    Lots,
    OrderCommand,
    OrderType,
    ReplaceMode,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)
from tests.support.profile import NIGHTLY
from tests.support.reference.command_runs import runs, steps, switching_steps
from tests.support.reference.venue_audit import audit
from tests.support.reference.venue_commands import Expire, Place, PlaceList, Replace, Step
from tests.support.reference.venue_pair import Pair
from tests.support.venue import STALL_MAX_S, Listener, Venue, listening, open_venue

RUNS = runs(steps(), 70, 120)
SWITCHING = runs(switching_steps(), 70, 120)
# A run has about 140 commands, each compared in full, so that fewer runs than usual cover as much.
RUNS_MAX = settings().max_examples if NIGHTLY else settings().max_examples // 2
# From accounts that can hardly pay two orders to such that rarely run out.
WEALTH = st.sampled_from([1, 3, 6, 12])
LIMITS = st.builds(
    MatchingLimits,
    makers_per_command_max=st.sampled_from([10_000, 10_000, 3]),
    stops_per_command_max=st.sampled_from([1_000, 1_000, 2]),
    fok_makers_max=st.sampled_from([500, 500, 2]),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples."""
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_venue(session_redis: RedisServer, runner: asyncio.Runner) -> Iterator[Venue]:
    """One venue for all examples; each of them empties it first."""
    # A stall of Redis is no difference between two venues.
    context = open_venue(session_redis.url, timeout_s=STALL_MAX_S)
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
    venue: Venue,
    listener: Listener,
    limits: MatchingLimits,
    commands: Sequence[Step],
    wealth: int = 1,
) -> Pair:
    """Run the commands through both venues; raises AssertionError at the first difference."""
    await listener.forget()
    pair = Pair(venue, limits, wealth)
    await pair.run(commands)
    await audit(pair, listener)
    return pair


def test_a_list_ends_by_the_order_that_is_due_first(
    shared_venue: Venue, shared_listener: Listener, runner: asyncio.Runner
) -> None:
    """Both orders are due at the same time: of the ids 9 and 10, Redis has 10 first, as text."""
    order = OrderCommand(
        account=Account("alice"), symbol=Symbol("BTC-USDT"), side=Side.BUY,
        order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, quantity_lots=Lots(1),
        price_ticks=Ticks(97), revision=0,
    )  # fmt: skip
    below = replace(order, time_in_force=TimeInForce.GTD, post_only=True)
    above = replace(
        below, order_type=OrderType.STOP, price_ticks=None, post_only=False,
        stop_price_ticks=Ticks(104),
    )  # fmt: skip
    commands = [*(Step(Place(order)) for _ in range(8)),
                Step(PlaceList(below, above, lifetime_us=20)), Step(Expire(), 1_000)]  # fmt: skip
    limits = replace(MatchingLimits(), funds_checked=False)
    pair = runner.run(replay(shared_venue, shared_listener, limits, commands))
    assert len(pair.reference.orders) == 10


def test_a_replacement_has_one_budget_for_both_parts(
    shared_venue: Venue, shared_listener: Listener, runner: asyncio.Runner
) -> None:
    """The other order of the canceled list and two makers are all that the command may meet.

    The stop that the replacement reaches therefore waits for the next command.
    """
    sell = OrderCommand(
        account=Account("bob"), symbol=Symbol("BTC-USDT"), side=Side.SELL,
        order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, quantity_lots=Lots(1),
        price_ticks=Ticks(100), revision=0,
    )  # fmt: skip
    below = replace(
        sell, account=Account("alice"), side=Side.BUY, price_ticks=Ticks(97), post_only=True
    )
    above = replace(
        below, order_type=OrderType.STOP, price_ticks=None, post_only=False,
        stop_price_ticks=Ticks(104),
    )  # fmt: skip
    stop = replace(
        below, account=Account("carol"), order_type=OrderType.STOP_LIMIT, post_only=False,
        stop_price_ticks=Ticks(100),
    )  # fmt: skip
    buy = replace(below, quantity_lots=Lots(2), price_ticks=Ticks(100), post_only=False)
    commands = [
        Step(Place(sell)), Step(Place(sell)), Step(Place(stop)), Step(PlaceList(below, above, 0)),
        Step(Replace(0, Place(buy), ReplaceMode.STOP_ON_FAILURE)),
    ]  # fmt: skip
    limits = replace(MatchingLimits(), funds_checked=False, makers_per_command_max=3)
    pair = runner.run(replay(shared_venue, shared_listener, limits, commands))
    assert len(pair.reference.markets[Symbol("BTC-USDT")].trades) == 2
    assert pair.reference.orders["3"].waits


@settings(max_examples=RUNS_MAX)
@given(world=st.tuples(LIMITS, WEALTH), commands=RUNS)
def test_the_venue_equals_the_reference(
    shared_venue: Venue,
    shared_listener: Listener,
    runner: asyncio.Runner,
    world: tuple[MatchingLimits, int],
    commands: list[Step],
) -> None:
    """Any sequence of commands gives the replies, trades, books and balances of the reference."""
    limits, wealth = world
    checked = replace(limits, funds_checked=True)
    pair = runner.run(replay(shared_venue, shared_listener, checked, commands, wealth))
    note(pair)


@settings(max_examples=RUNS_MAX // 4)
@given(limits=LIMITS, commands=RUNS)
def test_without_funds_checks_it_equals_the_reference_as_well(
    shared_venue: Venue,
    shared_listener: Listener,
    runner: asyncio.Runner,
    limits: MatchingLimits,
    commands: list[Step],
) -> None:
    """Where accounts may owe, all is counted the same, and nothing is refused for lack of money."""
    note(runner.run(replay(shared_venue, shared_listener, limits, commands)))


@settings(max_examples=RUNS_MAX // 4)
@given(limits=LIMITS, commands=SWITCHING)
def test_funds_checks_can_be_switched(
    shared_venue: Venue,
    shared_listener: Listener,
    runner: asyncio.Runner,
    limits: MatchingLimits,
    commands: list[Step],
) -> None:
    """Who owes something when checks begin can release and receive, but spend nothing."""
    note(runner.run(replay(shared_venue, shared_listener, limits, commands)))


def note(pair: Pair) -> None:
    """What a run was like, for the statistics."""
    orders = pair.reference.orders.values()
    trades = sum(len(market.trades) for market in pair.reference.markets.values())
    event(f"{trades // 10 * 10} trades or more")
    if any(order.reason == "insufficient_funds" for order in orders):
        event("an order ended for lack of money")
