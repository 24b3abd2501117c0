"""The clock of Redis jumps: nothing is written with a wrong time, and an operator sets it right.

No test may set the clock of the machine, so the other clock moves: the steady one of the watch.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from order_gateway.clock import ClockWatch
from tapewire import keys
from tapewire.cli import main
from tapewire.errors import RedisUnavailable, TapewireError
from tapewire.journal.replica import open_replica
from tapewire.journal.verification import verify_venue
from tapewire.limits import CLOCK_JUMP_US_MAX
from tapewire.matching.clock import set_clock_right
from tapewire.values.types import OrderStatus
from tests.support.venue import BTC, ODD, Venue, open_venue

HOUR_US = 3_600_000_000
JUMP_US = 26 * HOUR_US
BOUND_US = CLOCK_JUMP_US_MAX


class SteadyClock:
    """A clock that a test moves against that of Redis."""

    def __init__(self) -> None:
        """As the clock of this machine."""
        self.shift_us = 0

    def __call__(self) -> int:
        """Microseconds since some time."""
        return time.monotonic_ns() // 1_000 - self.shift_us

    def jump(self, jump_us: int) -> None:
        """Have the clock of Redis jump ahead, or back, as the watch sees it."""
        self.shift_us += jump_us


@pytest.fixture
def steady() -> SteadyClock:
    """The steady clock, which nothing sets."""
    return SteadyClock()


@pytest_asyncio.fixture
async def watch(venue: Venue, steady: SteadyClock) -> AsyncIterator[ClockWatch]:
    """A watch as a gateway has it, without its task."""
    watch = ClockWatch(venue.queries, steady_us=steady)
    await watch.start()
    venue.engine.expected_clock = watch.expected
    yield watch


@pytest.mark.parametrize("jump_us", [JUMP_US, -JUMP_US, BOUND_US + 10**7, -BOUND_US - 10**7])
async def test_a_clock_that_jumps_stops_the_venue(
    venue: Venue, watch: ClockWatch, steady: SteadyClock, jump_us: int
) -> None:
    """No command runs, not even before the watch has looked; once the clock is back all goes on."""
    order = await venue.buy(1, 90)
    before = await venue.dump()
    steady.jump(jump_us)
    for looked in (False, True):
        with pytest.raises(RedisUnavailable, match=r"clock of Redis has jumped\. Nothing was done"):
            await venue.buy(1, 90)
        with pytest.raises(RedisUnavailable):
            await venue.cancel(order)
        with pytest.raises(RedisUnavailable):
            await venue.engine.expire_due()
        assert await venue.dump() == before
        if not looked:
            await watch.check()
            await watch.look()
    with pytest.raises(TapewireError, match=f"{'ahead of' if jump_us > 0 else 'behind'}"):
        await watch.check()
    steady.jump(-jump_us)
    await watch.look()
    await watch.check()
    assert (await venue.cancel(order)).status is OrderStatus.CANCELED


async def test_a_clock_that_is_shifted_slowly_is_followed(
    venue: Venue, watch: ClockWatch, steady: SteadyClock
) -> None:
    """What a time service does is no jump, however far it goes in the end."""
    for _ in range(10):
        steady.jump(BOUND_US // 2)
        await watch.look()
        await watch.check()
        await venue.buy(1, 90)


async def test_an_operator_says_that_the_clock_is_right(
    venue: Venue, watch: ClockWatch, steady: SteadyClock
) -> None:
    """A jump that is accepted is where the watch goes on from."""
    steady.jump(JUMP_US)
    await watch.look()
    await venue.client.set(keys.CLOCK_ACCEPTED, await venue.queries.time_us())
    await watch.look()
    await watch.check()
    assert (await venue.buy(1, 90)).status is OrderStatus.NEW


async def test_a_start_behind_the_venue_waits(venue: Venue, steady: SteadyClock) -> None:
    """A gateway that starts with a clock before the venue's last command has nothing run."""
    venue.engine.clock_us = str(await venue.queries.time_us() + JUMP_US)
    await venue.buy(1, 90)
    venue.engine.clock_us = ""
    watch = ClockWatch(venue.queries, steady_us=steady)
    await watch.start()
    venue.engine.expected_clock = watch.expected
    for _ in range(2):
        with pytest.raises(TapewireError, match="behind the right time"):
            await watch.check()
        with pytest.raises(RedisUnavailable):
            await venue.buy(1, 90)
        await watch.look()


async def venue_ahead(venue: Venue) -> int:
    """A venue that traded at the right time, 26 hours later, and has a market more; returns now."""
    now_us = await venue.queries.time_us()
    for clock_us in (now_us - 3 * HOUR_US, now_us, now_us + JUMP_US - HOUR_US, now_us + JUMP_US):
        venue.engine.clock_us = str(clock_us)
        await venue.sell(1, 100)
        await venue.buy(1, 100)
    venue.engine.clock_us = str(now_us)
    await venue.sell(5, 25, symbol=ODD)
    venue.engine.clock_us = ""
    return now_us


async def test_the_clock_is_set_right(venue: Venue) -> None:
    """Markets that are ahead go on from now, with candles in order, and the journal runs again."""
    now_us = await venue_ahead(venue)
    stuck = await venue.buy(1, 90)
    assert stuck.created_us >= now_us + JUMP_US
    assert await set_clock_right(venue.engine, [BTC, ODD]) == [BTC]
    accepted_us = await venue.queries.accepted_clock_us()
    assert accepted_us is not None
    assert now_us <= accepted_us < now_us + HOUR_US
    order = await venue.sell(1, 100)
    assert now_us <= order.created_us < now_us + HOUR_US
    await venue.buy(1, 100)
    for later_us in (120_000_000, 2 * HOUR_US, 48 * HOUR_US):
        venue.engine.clock_us = str(now_us + later_us)
        await venue.sell(1, 100)
        await venue.buy(1, 100)
    venue.engine.clock_us = ""
    client: Any = venue.client
    for base_s in (60, 3_600, 86_400):
        starts = [
            int(fields[b"candle"].split(b"|")[0])
            for _, fields in await client.xrange(keys.candles(BTC, base_s))
        ]
        assert starts == sorted(set(starts))
        assert all(start_s * 1_000_000 <= now_us + 2 * HOUR_US for start_s in starts)
    async with open_replica() as replica:
        verdict = await verify_venue(venue.client, replica, lambda _: None)
    assert verdict.is_equal, verdict
    assert "set_clock" in replica.ops


async def test_a_clock_that_nothing_is_ahead_of(venue: Venue) -> None:
    """Where no market has to be set back nothing is written to the journal."""
    await venue.buy(1, 90)
    before = await venue.client.xlen(keys.JOURNAL)
    assert await set_clock_right(venue.engine, [BTC, ODD]) == []
    assert await venue.client.xlen(keys.JOURNAL) == before


def test_an_operator_sets_the_clock_right(redis_url: str) -> None:
    """`tapewire clock` shows the times, and set-right names the markets that it has set back."""

    async def prepare() -> None:
        async with open_venue(redis_url) as venue:
            await venue_ahead(venue)

    asyncio.run(prepare())
    shown = CliRunner().invoke(main, ["clock", "show", "--redis-url", redis_url])
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["Redis", "this", "last"]
    assert "ahead" in shown.stdout.splitlines()[-1]
    done = CliRunner().invoke(main, ["clock", "set-right", "--redis-url", redis_url])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == f"set back: {BTC}"
    again = CliRunner().invoke(main, ["clock", "set-right", "--redis-url", redis_url])
    assert "set back" not in again.stdout
