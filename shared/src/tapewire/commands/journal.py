"""`tapewire journal export` and `tapewire journal verify`."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import click

from tapewire.commands.redis_options import RedisChoice, redis_options
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.journal.file import JournalFile, journal_output, write_journal
from tapewire.journal.replica import open_replica
from tapewire.journal.report import report_lines
from tapewire.journal.source import LiveJournal
from tapewire.journal.verification import (
    Progress,
    Verdict,
    check_whole,
    verify_file,
    verify_moving,
)
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async

CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 60.0
# Exit statuses besides 0 (done, equal) and 1 (failed). click uses 2 for wrong usage.
DIFFERENT_STATUS = 3
MOVED_STATUS = 4

_Result = TypeVar("_Result")


@click.group(short_help="Export the journal of a venue, or verify it.")
def journal() -> None:
    """Export or verify the journal: every accepted command of the venue with its result."""


@journal.command(short_help="Write the journal to a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@redis_options
@click.option(
    "--partial",
    is_flag=True,
    help="Export what is left of a journal whose oldest commands were trimmed.",
)
def export(file: Path, redis: RedisChoice, *, partial: bool) -> None:
    """Write every command and its result to FILE, one JSON object per line; .gz compresses.

    The venue may go on trading: the file has every command up to the moment of the call. FILE may
    be a symbolic link, a pipe or a device; a regular file appears when it is complete.
    """
    redis_url = redis.reach()
    try:
        with journal_output(file) as output:
            summary = _run(_export(output, redis_url, partial=partial))
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
    # Standard output may be the file itself.
    click.echo(f"{file}: {summary}", err=True)


@journal.command(short_help="Run the journal again and compare.")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@redis_options
def verify(file: Path | None, redis: RedisChoice) -> None:
    """Run every command again on an empty Redis and compare the results.

    FILE is an exported journal. Without FILE the command verifies the running venue, and compares
    its books, orders, trades, candles and sequences as well. The venue is only read; if it goes on
    trading, the command compares a snapshot of it. Exit status 0: equal; 3: different; 4: the
    results are equal, the state could not be compared.
    """
    started_s = time.monotonic()
    redis_url = redis.reach() if file is None else ""
    with _Count() as count:
        if file is None:
            verdict = _run(_verify_venue(redis_url, count.add))
        else:
            verdict = _run(_verify_file(file, count.add))
    for line in report_lines(verdict, time.monotonic() - started_s):
        click.echo(line)
    if not verdict.is_equal:
        sys.exit(DIFFERENT_STATUS)
    if verdict.moved:
        sys.exit(MOVED_STATUS)
    click.echo("equal")


async def _export(file: BinaryIO, redis_url: str, *, partial: bool) -> str:
    async with AsyncExitStack() as stack:
        source = LiveJournal(_open(redis_url, stack))
        first = await source.first()
        if not partial:
            try:
                await check_whole(source)
            except TapewireError as error:
                raise ConfigurationError(
                    f"{error} Pass --partial to export what is left; it cannot be verified."
                ) from None
        last = await source.last()
        header = await source.header(first, last)
        count = await write_journal(file, header, source.pages(first, last))
        return f"{count:,} commands, {first:,} to {last:,}, epoch {header.epoch}"


async def _verify_file(file: Path, progress: Progress) -> Verdict:
    async with AsyncExitStack() as stack:
        replica = await stack.enter_async_context(open_replica())
        return await verify_file(JournalFile(file), replica, progress)


async def _verify_venue(redis_url: str, progress: Progress) -> Verdict:
    async with AsyncExitStack() as stack:
        replica = await stack.enter_async_context(open_replica())
        live = _open(redis_url, stack)
        return await verify_moving(live, _address(redis_url), replica, progress)


def _address(redis_url: str) -> RedisAddress:
    return RedisAddress(
        redis_url,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        timeout_s=REPLY_TIMEOUT_S,
        client_name="journal",
    )


def _open(redis_url: str, stack: AsyncExitStack) -> AsyncRedis:
    client = open_async(_address(redis_url))
    stack.push_async_callback(client.aclose)
    return client


class _Count:
    """The number of commands so far on standard error, if that is a terminal."""

    def __init__(self) -> None:
        self._total = 0
        self._shown = False

    def add(self, count: int) -> None:
        """Show `count` commands more."""
        self._total += count
        if sys.stderr.isatty():
            click.echo(f"\r{self._total:,} commands", nl=False, err=True)
            self._shown = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._shown:
            # The next output begins on a new line.
            click.echo(err=True)


def _run(work: Coroutine[object, object, _Result]) -> _Result:
    """Run a coroutine; a TapewireError becomes one sentence and exit status 1."""
    try:
        return asyncio.run(work)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
