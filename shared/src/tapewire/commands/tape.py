"""`tapewire tape`: live trades in a terminal. The command survives restarts of the service."""

import asyncio
import os
import sys
from collections.abc import Collection
from pathlib import Path

import click

from tapewire.client.errors import ContinuityError
from tapewire.client.link import LinkOptions
from tapewire.client.market_data import MarketDataClient
from tapewire.commands.options import locate, say_venue, venue_option
from tapewire.errors import TapewireError
from tapewire.terminal.output import json_line
from tapewire.terminal.tape import HEADER, Tape
from tapewire.wire.trade_event import TradeEvent


@click.command(context_settings={"show_default": True})
@click.argument("symbols", nargs=-1)
@venue_option
@click.option("--url", help="The feed to read, in place of --venue.")
@click.option(
    "--symbol", "more_symbols", multiple=True, help="The same as SYMBOLS; may be repeated."
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="Certificates to trust (PEM), for wss."
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, one trade per line.")
def tape(
    *,
    symbols: tuple[str, ...],
    more_symbols: tuple[str, ...],
    wanted_venue: str | None,
    url: str | None,
    ca_file: Path | None,
    is_json: bool,
) -> None:
    """Print every trade of SYMBOLS, by default of all, one line each; Ctrl-C ends the command."""
    if url is None:
        venue = locate(wanted_venue)
        if venue.feed_url is None:
            raise click.UsageError(f"{venue.name} does not tell where its feed is; give --url")
        url, ca_file = venue.feed_url, ca_file or venue.market_data_certificate
        say_venue(venue.name, url)
    wanted = [symbol.upper() for symbol in (*symbols, *more_symbols)]
    try:
        printer = _Printer(_line_maker(is_json=is_json), LinkOptions(ca_file=ca_file))
        asyncio.run(printer.follow(url, wanted))
    except KeyboardInterrupt:
        click.echo("", err=True)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None


class JsonTape:
    """Trades as lines of JSON; notes go to standard error."""

    def line(self, event: TradeEvent) -> str:
        """One trade."""
        return json_line(event)

    def note(self, sentence: str) -> str | None:
        """A line that is no trade: none, because the sentence goes to standard error."""
        click.echo(f"-- {sentence}", err=True)
        return None


def _line_maker(*, is_json: bool) -> Tape | JsonTape:
    has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return JsonTape() if is_json else Tape(colour=has_colour)


class _Printer:
    """Prints trades to standard output, and troubles once each to standard error."""

    def __init__(self, lines: Tape | JsonTape, options: LinkOptions) -> None:
        self._lines = lines
        self._options = options
        self._told = False

    async def follow(self, url: str, symbols: Collection[str]) -> None:
        """Print until stopped. Raises TapewireError when a retry cannot succeed."""
        click.echo(HEADER, err=True)
        async with MarketDataClient(url, on_trouble=self._tell, options=self._options) as client:
            stream = client.trades(symbols)
            while True:
                try:
                    async for event in stream:
                        self._told = False
                        _print(self._lines.line(event))
                except ContinuityError as error:
                    note = self._lines.note(str(error))
                    if note is not None:
                        _print(note)

    def _tell(self, reason: str) -> None:
        if not self._told:
            click.echo(f"{reason}; trying again", err=True)
        self._told = True


def _print(line: str) -> None:
    """Print one line; a reader that went away (`| head`) ends the command, not the connection."""
    try:
        click.echo(line)
    except BrokenPipeError:
        # The interpreter would complain at its exit when it flushes to a closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
