"""`tapewire replay`: recorded order flow through a running venue, with progress and a report."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import click

from tapewire.client import OrderEntry, RestOptions, TapewireError, VenueClient
from tapewire.commands.client_options import ACCOUNT_VARIABLE, read_key
from tapewire.commands.options import checked, locate, say_venue, venue_option
from tapewire.commands.replay_options import ReplayChoice, read_names, read_speed
from tapewire.commands.words import WholeNumber
from tapewire.replay.player import Player
from tapewire.replay.recording import (
    SAMPLE_SYMBOL,
    Format,
    Recording,
    read_recording,
    sample_file,
)  # fmt: skip
from tapewire.replay.selection import caveats, check_times, choose_steps
from tapewire.replay.steps import ReplayError
from tapewire.values.timestamps import format_timestamp, parse_timestamp

ACCOUNT_DEFAULT = "replay"
IN_FLIGHT_MAX = 256
PROGRESS_STEPS = 500
RUN_ID_BYTES = 4
# A venue with a full queue is slow before it is gone.
CLIENT_OPTIONS = RestOptions(timeout_s=30.0)


@click.command(short_help="Send recorded orders to a running venue.")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--sample", is_flag=True, help="Play the recording that comes with Tapewire.")
@click.option("--symbol", help="Instrument to trade. Default: the instrument of the file.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice([item.value for item in Format]),
    help="Format of the file; by default recognised by its first line.",
)
@click.option(
    "--speed",
    metavar="N|max",
    callback=read_speed,
    default="max",
    help='Recorded seconds per second; "max", the default, is as fast as the venue answers.',
)
@venue_option
@click.option("--gateway", metavar="URL", help="Base URL of a gateway, in place of --venue.")
@click.option(
    "--account",
    "--accounts",
    "accounts",
    metavar="NAME[,NAME]",
    multiple=True,
    callback=read_names,
    help=f"Account that trades at an open venue ({ACCOUNT_VARIABLE}); default: {ACCOUNT_DEFAULT}. "
    "Several accounts get the orders in turn, which is slower.",
)
@click.option(
    "--api-key-file",
    "api_key_files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File of mode 600 with an API key, at a venue with keys; may be repeated as --account.",
)
@click.option(
    "--ca-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Certificates to trust (PEM), for https.",
)
@click.option(
    "--clock",
    type=click.Choice(["venue", "recorded"]),
    help="Refuse to play unless the venue runs on its own or on recorded time (tapewire up "
    "--clock). Default: the time that the venue runs on.",
)
@click.option(
    "--start",
    "start_us",
    metavar="TIME",
    callback=checked(parse_timestamp),
    help="Moment of time 0 of a recording without a date, in recorded time (ISO 8601).",
)
@click.option(
    "--limit",
    type=WholeNumber(min=1),
    help="Stop after this number of orders, cancels and amends; the seed does not count.",
)
@click.option(
    "--seed/--no-seed", default=True, show_default=True,
    help="First place the orders of the recorded book at its start (the seed).",
)  # fmt: skip
@click.option(
    "--seed-book",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="LOBSTER order book file with the seed. Default: the file beside FILE.",
)
@click.option(
    "--in-flight",
    type=WholeNumber(1, IN_FLIGHT_MAX),
    default=IN_FLIGHT_MAX,
    show_default=True,
    help="Requests sent ahead of their answers.",
)
def replay(**values: object) -> None:
    """Send the recorded orders of FILE to a running venue, in order.

    FILE is a Bitstamp order log, a LOBSTER message file, CME market-by-order records or Tapewire's
    own CSV (docs/replay.md), plain or gzip. The venue must know the instrument
    (docs/examples/replay-instruments.toml) and be started with --funds unchecked, because a
    recording has no account balances. --sample trades BTC-USDT at any venue.
    """
    choice = ReplayChoice(**values)  # type: ignore[arg-type]  # checked by the options
    choice.check()
    try:
        with ExitStack() as stack:
            file = choice.file or stack.enter_context(sample_file())
            named = Format(choice.format_name) if choice.format_name else None
            recording = read_recording(file, named, choice.seed_book)
        if choice.seed_book is not None and recording.format is not Format.LOBSTER:
            raise click.UsageError(
                f"--seed-book is for LOBSTER files, and {file.name} is {recording.format}"
            )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_replay(choice, file.name, recording))
    except TapewireError as error:
        raise click.ClickException(error.detail) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, which writes all requests of one turn in one system call; None: Python's own loop."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


async def _replay(choice: ReplayChoice, name: str, recording: Recording) -> None:
    symbol = choice.symbol or (SAMPLE_SYMBOL if choice.sample else recording.symbol)
    if symbol is None:
        raise ReplayError("the file does not tell its instrument: pass --symbol")
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client) for client in _clients(choice)]
        await _check_symbol(clients[0], symbol)
        notes = list(caveats(recording, seed=choice.seed))
        notes += await _look_at_book(clients[0], symbol)
        entries = [await stack.enter_async_context(client.order_entry()) for client in clients]
        start_us = _recorded_start(entries, choice, recording)
        steps = choose_steps(recording, seed=choice.seed, limit=choice.limit)
        accounts = ", ".join(entry.hello.account for entry in entries if entry.hello is not None)
        click.echo(f"{name}: {recording.format}, {len(steps):,} steps to {symbol} as {accounts}")
        if start_us is not None and steps:
            begin = format_timestamp(start_us + steps[0].time_us)
            click.echo(f"recorded time, from {begin}")
        player = Player(
            entries,
            symbol,
            run_id=f"replay-{secrets.token_hex(RUN_ID_BYTES)}",
            in_flight_max=choice.in_flight,
            speed=choice.speed,
            start_us=start_us,
        )
        player.report.caveats = notes
        try:
            with click.progressbar(
                length=len(steps), label="replay", show_pos=True, file=sys.stderr
            ) as bar:
                done = 0
                async for _ in player.play(steps):
                    done += 1
                    if done % PROGRESS_STEPS == 0:
                        bar.update(PROGRESS_STEPS)
                bar.update(done % PROGRESS_STEPS)
        finally:
            # A replay that breaks off has a report too.
            for line in player.report.lines():
                click.echo(line)


def _clients(choice: ReplayChoice) -> list[VenueClient]:
    """A client for each account; the venue is named on standard error."""
    if choice.gateway is None:
        venue = locate(choice.wanted_venue)
        if venue.gateway_url is None:
            raise click.UsageError(f"{venue.name} has no gateway; name its data directory")
        say_venue(venue.name, venue.gateway_url)
    where = choice.gateway or choice.wanted_venue
    keys = [read_key(path) for path in choice.api_key_files] or [read_key(None)]
    accounts: list[str | None] = list(choice.accounts)
    if keys != [None]:
        # The key says which account; a named one is checked by the venue.
        accounts = accounts or [None] * len(keys)
    else:
        accounts = accounts or [os.environ.get(ACCOUNT_VARIABLE) or ACCOUNT_DEFAULT]
        keys = keys * len(accounts)
    if len(keys) != len(accounts):
        raise click.UsageError("give as many --account as --api-key-file, or none")
    return [
        VenueClient(
            where, account=account, api_key=key, ca_file=choice.ca_file, options=CLIENT_OPTIONS
        )
        for account, key in zip(accounts, keys, strict=True)
    ]


async def _check_symbol(client: VenueClient, symbol: str) -> None:
    """Ask the venue for its instruments. Raises ReplayError if `symbol` is not one of them."""
    known = [instrument.symbol for instrument in await client.instruments()]
    if symbol not in known:
        raise ReplayError(
            f"the venue does not trade {symbol}, only {', '.join(known)}: start it with "
            "--funds unchecked --instruments docs/examples/replay-instruments.toml"
        )


async def _look_at_book(client: VenueClient, symbol: str) -> list[str]:
    """Warn of orders that already rest in the book; returns a caveat of the comparison, or None."""
    try:
        book = await client.book(symbol, 10)
    except TapewireError as error:
        click.echo(
            f"Warning: whether the book of {symbol} is empty is not known: {error.detail}", err=True
        )
        return []
    if not book.bids and not book.asks:
        return []
    click.echo(f"Warning: orders rest in the book of {symbol} already; they will trade", err=True)
    return ["orders rested in the book before the replay"]


def _recorded_start(
    entries: list[OrderEntry], choice: ReplayChoice, recording: Recording
) -> int | None:
    """The moment of time 0 of the steps, for a venue on recorded time; None for another."""
    hello = entries[0].hello
    runs_on = "venue" if hello is None else hello.clock
    if choice.clock not in {None, runs_on}:
        raise ReplayError(
            f"the venue does not run on {choice.clock} time: start it with "
            f"`tapewire up --clock {choice.clock}`"
        )
    if runs_on == "venue":
        if choice.start_us is not None:
            raise click.UsageError(
                "--start is for a venue on recorded time (`tapewire up --clock recorded`); this "
                "venue runs on its own time"
            )
        return None
    if choice.start_us is not None and recording.start_us == 0:
        raise click.UsageError("--start is for a file without dates, and this file has dates")
    start_us = recording.start_us if choice.start_us is None else choice.start_us
    if start_us is None:
        raise ReplayError("the file does not tell its day: pass --start with the moment of time 0")
    check_times(recording, start_us)
    return start_us
