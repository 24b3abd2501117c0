"""`tapewire clock`: shows the clock of the venue, which is that of Redis; sets it right."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import click

from tapewire.commands.redis_options import RedisChoice, redis_options
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.limits import CLOCK_JUMP_US_MAX
from tapewire.matching.clock import set_clock_right
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.redis.client import RedisAddress
from tapewire.values.timestamps import format_timestamp

TIMEOUT_S = 5.0
MICROSECONDS = 1_000_000

Result = TypeVar("Result")


@click.group(short_help="Show the clock of the venue, or set it right.")
def clock() -> None:
    """The clock of the venue is the clock of its Redis.

    Gateways refuse every command while it is more than a minute off what they expect.
    """


@clock.command()
@redis_options
def show(redis: RedisChoice) -> None:
    """Show the clocks of Redis and of this machine, and the time of the last command."""
    venue_us, newest_us = _ask(redis, _read_times)
    here_us = time.time_ns() // 1_000
    click.echo(f"Redis         {format_timestamp(venue_us)}")
    click.echo(f"this machine  {format_timestamp(here_us)}  {_difference(here_us - venue_us)}")
    if newest_us:
        click.echo(
            f"last command  {format_timestamp(newest_us)}  {_difference(newest_us - venue_us)}"
        )


@clock.command("set-right")
@click.option(
    "--force", is_flag=True, help="Confirm it even if this machine has another time than Redis."
)
@redis_options
def set_right(redis: RedisChoice, force: bool) -> None:
    """Confirm that the clock of Redis is right now: gateways accept it.

    Markets whose time is ahead of the clock are set back. Their candles of the present minute, hour
    and day and of later times are dropped.

    """

    async def run(engine: Engine) -> list[str]:
        difference_us = time.time_ns() // 1_000 - await Queries(engine.batcher).time_us()
        if abs(difference_us) > CLOCK_JUMP_US_MAX and not force:
            raise ConfigurationError(
                f"this machine is {_difference(difference_us)} of Redis, so one of the two clocks "
                "is wrong; nothing was done. Put it right, or add --force if that of Redis is right"
            )
        queries = Queries(engine.batcher)
        symbols = sorted(await queries.symbols() | await queries.delisted())
        return [str(symbol) for symbol in await set_clock_right(engine, symbols)]

    set_back = _ask(redis, run)
    click.echo("gateways accept the clock of Redis within a second")
    if set_back:
        click.echo(f"set back: {', '.join(set_back)}")


async def _read_times(engine: Engine) -> tuple[int, int]:
    queries = Queries(engine.batcher)
    return await queries.time_us(), await queries.newest_time_us()


def _difference(difference_us: int) -> str:
    way = "ahead" if difference_us >= 0 else "behind"
    return f"{abs(difference_us) / MICROSECONDS:.3f} s {way}"


def _ask(redis: RedisChoice, question: Callable[[Engine], Awaitable[Result]]) -> Result:
    """Ask the venue; one that cannot be reached ends the command with one sentence and status 1."""

    async def run(url: str) -> Result:
        async with AsyncExitStack() as stack:
            engine = await Engine.open(RedisAddress(url, TIMEOUT_S, TIMEOUT_S, "clock"))
            stack.push_async_callback(engine.close)
            return await question(engine)

    try:
        return asyncio.run(run(redis.reach()))
    except TapewireError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
