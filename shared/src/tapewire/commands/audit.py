"""`tapewire audit`."""

import asyncio
import sys
from contextlib import AsyncExitStack

import click

from tapewire.audit.account_log import LOG_EVENTS_KEPT
from tapewire.audit.auditor import Auditor
from tapewire.audit.findings import Findings
from tapewire.audit.report import report_lines
from tapewire.commands.redis_options import RedisChoice, redis_options
from tapewire.commands.words import WholeNumber
from tapewire.errors import TapewireError
from tapewire.matching.batcher import Batcher
from tapewire.matching.library import load_library
from tapewire.redis.client import RedisAddress, open_async

CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 60.0
LOG_EVENTS_READ = 1_000
LOG_EVENTS_READ_MAX = 10 * LOG_EVENTS_KEPT
# Exit statuses besides 0, which is no difference. click uses 2 for wrong usage.
DIFFERENT_STATUS = 1
FAILED_STATUS = 2

_FUNDS = {"auto": None, "checked": True, "unchecked": False}


@click.command(short_help="Check that money, orders and books add up.")
@redis_options
@click.option(
    "--log-events",
    type=WholeNumber(1, LOG_EVENTS_READ_MAX),
    default=LOG_EVENTS_READ,
    show_default=True,
    help="Number of newest events that are read of each account's log.",
)
@click.option(
    "--funds",
    type=click.Choice(list(_FUNDS)),
    default="auto",
    show_default=True,
    help="checked: no balance may be below zero. auto: as the newest order was placed.",
)
def audit(redis: RedisChoice, log_events: int, funds: str) -> None:
    """Check money, holds, open orders, books and account logs while the venue trades.

    The audit only reads. Exit status 0: no difference; 1: differences; 2: the audit failed.
    """
    redis_url = redis.reach(failed_status=FAILED_STATUS)
    try:
        found = asyncio.run(_audit(redis_url, log_events, is_checked=_FUNDS[funds]))
    except TapewireError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED_STATUS)
    for line in report_lines(found):
        click.echo(line)
    if not found.is_clean:
        sys.exit(DIFFERENT_STATUS)
    click.echo("everything adds up")


async def _audit(redis_url: str, log_events: int, *, is_checked: bool | None) -> Findings:
    address = RedisAddress(
        redis_url,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        timeout_s=REPLY_TIMEOUT_S,
        client_name="audit",
    )
    async with AsyncExitStack() as stack:
        client = open_async(address)
        stack.push_async_callback(client.aclose)
        batcher = Batcher(client, timeout_s=REPLY_TIMEOUT_S, library=load_library())
        stack.push_async_callback(batcher.close)
        auditor = Auditor(batcher, log_events_max=log_events, is_checked=is_checked)
        return await auditor.run()
