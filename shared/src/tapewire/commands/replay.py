"""`tapewire replay`: recorded order flow through a running venue, with progress and a report."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import click

from tapewire.commands.options import locate, say_venue, venue_option
from tapewire.replay.connection import GatewayConnection
from tapewire.replay.player import IN_FLIGHT_MAX, Player
from tapewire.replay.recording import Format, Recording, read_recording
from tapewire.replay.steps import Enter, RecordedTrade, ReplayError, Step

IN_FLIGHT_LIMIT = 64
SPEED_MAX = 1e9
PROGRESS_STEPS = 200


def _read_speed(_context: click.Context, _option: click.Parameter, value: str) -> float | None:
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= SPEED_MAX:
        raise click.BadParameter(f'{value!r} is neither "max" nor a number above 0')
    return speed


@click.command(short_help="Feed recorded order flow through the gateway.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--symbol", help="Instrument to trade; by default as the file tells it.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice([item.value for item in Format]),
    help="What the file is; by default guessed from its first line.",
)
@click.option(
    "--speed",
    metavar="N|max",
    callback=_read_speed,
    default="max",
    help='Recorded seconds per second (1 is as it was); "max", the default, is as fast as it goes.',
)
@venue_option
@click.option("--gateway", metavar="URL", help="Base URL of a gateway, in place of --venue.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Stop after so many orders, cancels and amends; the seed does not count.",
)
@click.option(
    "--seed/--no-seed",
    default=True,
    show_default=True,
    help="Begin with the book that the recording began with.",
)
@click.option(
    "--seed-book",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="LOBSTER order book file with that book; by default the one next to FILE.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, IN_FLIGHT_LIMIT),
    default=IN_FLIGHT_MAX,
    show_default=True,
    help="Requests sent ahead of their answers; 1 if a proxy stands before the gateway.",
)
def replay(
    *,
    file: Path,
    symbol: str | None,
    format_name: str | None,
    speed: float | None,
    wanted_venue: str | None,
    gateway: str | None,
    limit: int | None,
    seed: bool,
    seed_book: Path | None,
    in_flight: int,
) -> None:
    """Feed the recorded order flow of FILE through a running venue, in order.

    FILE is a Bitstamp order log, a LOBSTER message file, CME market-by-order records or Tapewire's
    own CSV (docs/replay.md), plain or gzip. The venue must know the instrument
    (docs/examples/replay-instruments.toml) and be started with --funds unchecked, because a
    recording has no account balances.
    """
    try:
        recording = read_recording(file, Format(format_name) if format_name else None, seed_book)
        symbol = symbol or recording.symbol
        if symbol is None:
            raise ReplayError("the file does not tell its instrument: pass --symbol")
        gateway = gateway or _gateway_of(wanted_venue)
        steps = choose_steps(recording, seed=seed, limit=limit)
        with closing(GatewayConnection(gateway)) as connection:
            check_symbol(connection, symbol)
            click.echo(
                f"{file.name}: {recording.format}, {len(steps):,} steps to {symbol}, {gateway}"
            )
            player = Player(connection, symbol, speed=speed, in_flight_max=in_flight)
            player.report.caveats = list(caveats(recording, seed=seed))
            _play(player, steps)
    except ReplayError as error:
        raise click.ClickException(str(error)) from None


def _gateway_of(wanted_venue: str | None) -> str:
    """The gateway of the venue, which is named on stderr."""
    venue = locate(wanted_venue)
    if venue.gateway_url is None:
        raise click.UsageError(f"{venue.name} does not tell where its gateway is; give --gateway")
    say_venue(venue.name, venue.gateway_url)
    return venue.gateway_url


def choose_steps(recording: Recording, *, seed: bool, limit: int | None) -> list[Step]:
    """The steps to play: the seed if wanted, then the flow with its first `limit` requests."""
    seeds = [step for step in recording.steps if isinstance(step, Enter) and step.is_seed]
    flow = (step for step in recording.steps if not (isinstance(step, Enter) and step.is_seed))
    return (seeds if seed else []) + list(_first_requests(flow, limit))


def _first_requests(flow: Iterable[Step], limit: int | None) -> Iterator[Step]:
    """The steps up to the last of `limit` requests, with the trades that it made."""
    requests = 0
    for step in flow:
        if not isinstance(step, RecordedTrade):
            requests += 1
            if limit is not None and requests > limit:
                return
        yield step


def caveats(recording: Recording, *, seed: bool) -> Iterator[str]:
    """Why trades of the replay cannot be compared with the recorded ones, a sentence each."""
    if recording.caveat is not None:
        yield recording.caveat
    if not seed and any(isinstance(step, Enter) and step.is_seed for step in recording.steps):
        yield "the replay began without the book that the recording began with"


def check_symbol(connection: GatewayConnection, symbol: str) -> None:
    """Ask the venue for its instruments. Raises ReplayError if `symbol` is not one of them."""
    connection.send("GET", "/v1/instruments", "replay")
    reply = connection.receive()
    known = [str(item["symbol"]) for item in reply.body.get("instruments", [])]
    if symbol not in known:
        raise ReplayError(
            f"the venue does not trade {symbol}, only {', '.join(known)}: start it with "
            "--funds unchecked --instruments docs/examples/replay-instruments.toml"
        )


def _play(player: Player, steps: list[Step]) -> None:
    """Play with a progress bar; the report is shown even when the replay breaks off."""
    try:
        with click.progressbar(length=len(steps), label="replay", show_pos=True) as bar:
            done = 0
            for done, _ in enumerate(player.play(steps), start=1):
                if done % PROGRESS_STEPS == 0:
                    bar.update(PROGRESS_STEPS)
            bar.update(done % PROGRESS_STEPS)
    finally:
        for line in player.report.lines():
            click.echo(line)
