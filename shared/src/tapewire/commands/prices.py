"""`tapewire book`, `candles`, `ticker` and `instruments`: prices and instruments."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import click
from rich.live import Live
from rich.table import Table

from tapewire.client import BookCopy, ContinuityError
from tapewire.commands.client_options import ClientChoice, Session, client_options
from tapewire.commands.options import from_option, to_option
from tapewire.commands.words import WholeNumber
from tapewire.terminal.candle_chart import Candle, candle_chart
from tapewire.terminal.ladder import ladder
from tapewire.terminal.tables import instruments_table, tickers_table

INTERVALS = ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w")
ROWS_DEFAULT, ROWS_MAX = 10, 50
CANDLES_DEFAULT, CANDLES_MAX = 60, 1_000
# A live ladder is drawn at most this often; a change that comes earlier waits for the next drawing.
DRAWINGS_PER_S = 10
WAIT_S = 1 / DRAWINGS_PER_S


@click.command()
@click.argument("symbol")
@click.option(
    "--rows", type=WholeNumber(1, ROWS_MAX), default=ROWS_DEFAULT, show_default=True,
    help="Levels of each side.",
)  # fmt: skip
@click.option("--once", is_flag=True, help="Print the book once and end.")
@client_options
def book(chosen: ClientChoice, symbol: str, rows: int, once: bool) -> None:
    """Show the order book of SYMBOL as a live ladder; Ctrl-C ends it.

    Without a terminal, and with --json or --once, the command prints the book once.
    """
    with chosen.connected() as session:
        if once or not session.output.is_live:
            levels = session.client.book(symbol.upper(), 50)
            shown = ladder(
                levels.symbol, levels.bids, levels.asks, rows=rows, note=f"seq {levels.seq}"
            )
            session.output.document(levels, shown)
        else:
            with suppress(KeyboardInterrupt):
                _follow_book(session, symbol.upper(), rows)


def _follow_book(session: Session, symbol: str, rows: int) -> None:
    """Draw a ladder again after every change."""
    with (
        session.client.feed() as feed,
        feed.books([symbol], 50) as stream,
        Live(console=session.output.console, auto_refresh=False, screen=True) as live,
    ):
        drawn_s = 0.0
        latest: BookCopy | None = None
        while True:
            try:
                latest = stream.receive(WAIT_S) or latest
            except ContinuityError as error:
                live.update(Table(title=str(error)), refresh=True)
                continue
            if latest is not None and time.monotonic() - drawn_s >= WAIT_S:
                live.update(_ladder_of(latest, rows), refresh=True)
                drawn_s = time.monotonic()


def _ladder_of(copy: BookCopy, rows: int) -> Table:
    return ladder(
        copy.symbol,
        copy.bids(rows),
        copy.asks(rows),
        rows=rows,
        note=f"seq {copy.seq}, verified",
    )


@click.command()
@click.argument("symbol")
@click.option("--interval", type=click.Choice(INTERVALS), default="1m", show_default=True)
@click.option(
    "--limit", type=WholeNumber(1, CANDLES_MAX), default=CANDLES_DEFAULT, show_default=True,
    help="Number of candles.",
)  # fmt: skip
@from_option
@to_option
@client_options
def candles(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    symbol: str,
    interval: str,
    limit: int,
    start: str | None,
    end: str | None,
) -> None:
    """Draw the candles of SYMBOL; --json prints them."""
    with chosen.connected() as session:
        found = session.client.candles(symbol.upper(), interval, start=start, end=end, limit=limit)
        width = max(1, session.output.console.width - 16)
        drawn = [Candle(one.open, one.high, one.low, one.close) for one in found[-width:]]
        session.output.records(found, candle_chart(drawn))


@click.command()
@click.argument("symbols", nargs=-1)
@client_options
def ticker(chosen: ClientChoice, symbols: tuple[str, ...]) -> None:
    """Show the last 24 hours and the best prices of SYMBOLS, by default of all."""
    with chosen.connected() as session:
        found = [(symbol, session.client.ticker(symbol)) for symbol in _wanted(session, symbols)]
        records: Sequence[object] = [{"symbol": symbol, "ticker": one} for symbol, one in found]
        session.output.records(records, tickers_table(found))


@click.command()
@client_options
def instruments(chosen: ClientChoice) -> None:
    """List the instruments: steps, limits, fees and market states."""
    with chosen.connected() as session:
        found = session.client.instruments()
        session.output.records(found, instruments_table(found))


def _wanted(session: Session, symbols: Sequence[str]) -> Iterator[str]:
    if symbols:
        yield from (symbol.upper() for symbol in symbols)
    else:
        yield from (item.symbol for item in session.client.instruments())
