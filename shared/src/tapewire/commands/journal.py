"""`tapewire journal export` and `tapewire journal verify`."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import click

from tapewire.commands.options import RedisChoice, redis_options
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.journal.file import JournalFile, write_journal
from tapewire.journal.replica import open_replica
from tapewire.journal.report import report_lines
from tapewire.journal.source import LiveJournal
from tapewire.journal.verification import (
    Progress,
    Verdict,
    check_whole,
    verify_file,
    verify_venue,
)
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async

CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 60.0
# Exit statuses besides 0 (equal, done) and 1 (refused); 2 is click's own for wrong usage.
DIFFERENT_STATUS = 3
MOVED_STATUS = 4

_Result = TypeVar("_Result")


@click.group(short_help="Export the journal of a venue, or prove it.")
def journal() -> None:
    """Every accepted command of the venue, with its result."""


@journal.command(short_help="Write the journal into a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@redis_options
@click.option("--partial", is_flag=True, help="Also if the beginning of the journal was trimmed.")
def export(file: Path, redis: RedisChoice, *, partial: bool) -> None:
    """Write every command and its result to FILE, one JSON object a line; .gz compresses.

    A running venue may go on: the file reaches up to the moment of the call.
    """
    click.echo(_run(_export(file, redis.reach(), partial=partial)))


@journal.command(short_help="Run the journal again and compare.")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@redis_options
def verify(file: Path | None, redis: RedisChoice) -> None:
    """Run every command again on an empty Redis and compare the results.

    With FILE, an exported journal; without it the venue itself, whose books, orders, trades,
    candles and sequences are compared as well. The venue is only read.
    """
    started_s = time.monotonic()
    work = _verify_venue(redis.reach()) if file is None else _verify_file(file)
    verdict = _run(work)
    for line in report_lines(verdict, time.monotonic() - started_s):
        click.echo(line)
    if not verdict.is_equal:
        sys.exit(DIFFERENT_STATUS)
    if verdict.moved:
        sys.exit(MOVED_STATUS)
    click.echo("equal")


async def _export(path: Path, redis_url: str, *, partial: bool) -> str:
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
        count = await write_journal(path, header, source.pages(first, last))
        return f"{path}: {count:,} commands, {first:,} to {last:,}, epoch {header.epoch}"


async def _verify_file(file: Path) -> Verdict:
    async with AsyncExitStack() as stack:
        replica = await stack.enter_async_context(open_replica())
        return await verify_file(JournalFile(file), replica, _show_progress())


async def _verify_venue(redis_url: str) -> Verdict:
    async with AsyncExitStack() as stack:
        replica = await stack.enter_async_context(open_replica())
        return await verify_venue(_open(redis_url, stack), replica, _show_progress())


def _open(redis_url: str, stack: AsyncExitStack) -> AsyncRedis:
    address = RedisAddress(
        redis_url,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        timeout_s=REPLY_TIMEOUT_S,
        client_name="journal",
    )
    client = open_async(address)
    stack.push_async_callback(client.aclose)
    return client


def _show_progress() -> Progress:
    """Counts on standard error, if a person looks at it."""
    total = 0

    def show(count: int) -> None:
        nonlocal total
        total += count
        if sys.stderr.isatty():
            click.echo(f"\r{total:,} commands", nl=False, err=True)

    return show


def _run(work: Coroutine[object, object, _Result]) -> _Result:
    """Run it; an error of ours becomes one sentence and exit status 1."""
    try:
        return asyncio.run(work)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
