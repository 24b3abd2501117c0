"""`tapewire export`: trades, candles, orders and fills as CSV or Parquet."""

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tapewire.client import SyncVenueClient
from tapewire.commands.client_options import ClientChoice, client_options
from tapewire.commands.options import from_option, to_option
from tapewire.errors import ConfigurationError
from tapewire.runtime.output_file import output_file

KINDS = ("trades", "candles", "orders", "fills")
# Rows of one write: a block of Parquet, and the step of the progress line.
ROWS_PER_BLOCK = 5_000
CANDLES_PER_PAGE = 1_000
STANDARD_OUTPUT = Path("/dev/stdout")


class Table(Protocol):
    """A file of rows that is being written."""

    def add(self, rows: Sequence[dict[str, str]]) -> None:
        """Append rows, which all have the same columns."""

    def close(self) -> None:
        """Write the missing part at the end of the file."""


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--symbol", "symbols", multiple=True, help="Default: every symbol; may be repeated.")
@from_option
@to_option
@click.option("--interval", default="1m", show_default=True, help="Interval of candles.")
@client_options
def export(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    kind: str,
    file: Path,
    symbols: tuple[str, ...],
    start: str | None,
    end: str | None,
    interval: str,
) -> None:
    """Write trades, candles, or the orders or fills of the account to FILE, oldest first.

    FILE ending in .parquet is written as Parquet, which needs the extra `parquet`; any other name
    is CSV, and - is standard output. Every value is text, because prices are exact. FILE appears
    when it is complete.
    """
    with chosen.connected() as session:
        wanted = [symbol.upper() for symbol in symbols]
        if not wanted and kind in {"trades", "candles"}:
            wanted = [item.symbol for item in session.client.instruments()]
        rows = _rows(session.client, kind, wanted, start, end, interval)
        path = STANDARD_OUTPUT if str(file) == "-" else file
        count = write_rows(path, rows)
        rows_text = "1 row" if count == 1 else f"{count:,} rows"
        place = "standard output" if path == STANDARD_OUTPUT else path
        click.echo(f"{rows_text} in {place}", err=True)


def _rows(  # noqa: PLR0917 (one argument per option)
    client: SyncVenueClient,
    kind: str,
    symbols: Sequence[str],
    start: str | None,
    end: str | None,
    interval: str,
) -> Iterator[dict[str, str]]:
    readers: dict[str, Callable[[], Iterable[object]]] = {
        "trades": lambda: _trades(client, symbols, start, end),
        "candles": lambda: _candles(client, symbols, start, end, interval),
        "orders": lambda: _of_account(client.orders, symbols, start, end),
        "fills": lambda: _of_account(client.fills, symbols, start, end),
    }
    for item in readers[kind]():
        yield row_of(item)


def _trades(
    client: SyncVenueClient, symbols: Sequence[str], start: str | None, end: str | None
) -> Iterator[object]:
    first, last = _moments(start, end)
    for symbol in symbols:
        for trade in client.trades(symbol, since=0, page_size=1_000):
            time = datetime.fromisoformat(trade.timestamp)
            if last is not None and time >= last:
                break
            if first is None or time >= first:
                yield trade


def _candles(
    client: SyncVenueClient,
    symbols: Sequence[str],
    start: str | None,
    end: str | None,
    interval: str,
) -> Iterator[object]:
    for symbol in symbols:
        position = start or "1970-01-01T00:00:00Z"
        while True:
            page = client.candles(symbol, interval, start=position, end=end, limit=CANDLES_PER_PAGE)
            yield from page
            if len(page) < CANDLES_PER_PAGE:
                break
            position = _after(page[-1].start)


def _after(timestamp: str) -> str:
    """The microsecond after a time."""
    time = datetime.fromisoformat(timestamp)
    return time.replace(microsecond=time.microsecond + 1).isoformat(timespec="microseconds")


def _of_account(
    read: Callable[..., Iterator[Any]],
    symbols: Sequence[str],
    start: str | None,
    end: str | None,
) -> Iterator[object]:
    for symbol in symbols or (None,):
        yield from reversed(list(read(symbol, start=start, end=end, page_size=500)))


def _moments(start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    return (
        None if start is None else datetime.fromisoformat(start),
        None if end is None else datetime.fromisoformat(end),
    )


def row_of(item: object) -> dict[str, str]:
    """The members of a record as text; lists, such as an order's fills, are left out."""
    members = msgspec.to_builtins(item, builtin_types=(Decimal,))
    return {
        name: cell_text(value) for name, value in members.items() if not isinstance(value, list)
    }


def cell_text(value: object) -> str:
    """One value as text: decimals as the venue wrote them, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.value) if isinstance(value, Enum) else str(value)


def write_rows(path: Path, rows: Iterator[dict[str, str]]) -> int:
    """Write every row to a file that appears when it is complete; returns how many there were.

    Raises ConfigurationError if the file cannot be written, or Parquet is not installed.
    """
    count = 0
    try:
        with output_file(path) as stream, _progress() as advance, _table(path, stream) as table:
            for block in _blocks(rows):
                table.add(block)
                count += len(block)
                advance(len(block))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    return count


def _blocks(rows: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    block: list[dict[str, str]] = []
    for row in rows:
        block.append(row)
        if len(block) == ROWS_PER_BLOCK:
            yield block
            block = []
    if block:
        yield block


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """A line with the number of rows on standard error, if that is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    is_hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda rows: bar.advance(task, rows)


@contextmanager
def _table(path: Path, stream: BinaryIO) -> Iterator[Table]:
    table = ParquetTable(stream) if path.suffix == ".parquet" else CsvTable(stream)
    yield table
    table.close()


class CsvTable:
    """Rows as CSV with a header line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        self._writer: csv.DictWriter[str] | None = None

    def add(self, rows: Sequence[dict[str, str]]) -> None:
        """Append rows; the first ones make the header."""
        if self._writer is None:
            self._writer = csv.DictWriter(self._text, list(rows[0]))
            self._writer.writeheader()
        self._writer.writerows(rows)

    def close(self) -> None:
        """Leave the stream open for its owner."""
        self._text.detach()


class ParquetTable:
    """Rows as Parquet; every column is text."""

    def __init__(self, stream: BinaryIO) -> None:
        """Raises ConfigurationError without pyarrow."""
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ConfigurationError(
                "Parquet needs pyarrow: pip install 'tapewire[parquet]'; or name a .csv file"
            ) from None
        self._stream = stream
        self._writer: Any = None

    def add(self, rows: Sequence[dict[str, str]]) -> None:
        """Append one block of rows."""
        import pyarrow
        from pyarrow import parquet

        schema = pyarrow.schema([(name, pyarrow.string()) for name in rows[0]])
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._stream, schema)
        self._writer.write_table(pyarrow.Table.from_pylist(list(rows), schema=schema))

    def close(self) -> None:
        """Write the footer; a file without rows is a Parquet file without columns."""
        import pyarrow
        from pyarrow import parquet

        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._stream, pyarrow.schema([]))
        self._writer.close()
