"""`python -m tapewire.crowd`: let the demo crowd trade until SIGINT or SIGTERM."""

import asyncio
import logging
import random
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import click

from tapewire.client import RestOptions, VenueClient
from tapewire.crowd.keys import OPERATOR, read_keys
from tapewire.crowd.session import REQUEST_TIMEOUT_S, CrowdSession
from tapewire.crowd.traders import MAKERS, TAKERS
from tapewire.errors import TapewireError
from tapewire.runtime.log import configure_logging

SEED_MAX = 1_000_000
# The session itself waits for a venue that is away.
CLIENT_OPTIONS = RestOptions(timeout_s=REQUEST_TIMEOUT_S, attempts_max=1)


@click.command(context_settings={"show_default": True})
@click.option("--venue", help="Data directory or gateway URL.", show_default="as tapewire does")
@click.option("--seed", type=int, help="Repeats the crowd's decisions; random if not given.")
@click.option("--rate", type=click.IntRange(1, 1_000), default=30, help="Most requests per second.")
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="Certificates to trust (PEM), for https."
)
@click.option(
    "--keys-file",
    type=click.Path(path_type=Path),
    help="JSON object of API keys by account, for a venue with keys.",
)
def main(
    venue: str | None, seed: int | None, rate: int, ca_file: Path | None, keys_file: Path | None
) -> None:
    """Trade on a Tapewire venue as a small crowd: makers that quote, takers that take."""
    configure_logging("info", "crowd")
    # At its own info level httpx logs every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if seed is None:
        seed = random.randrange(SEED_MAX)
    try:
        keys = {} if keys_file is None else read_keys(keys_file)
        asyncio.run(_trade(venue, keys, seed, rate, ca_file))
    except TapewireError as error:
        raise click.ClickException(str(error)) from None


async def _trade(
    venue: str | None, keys: dict[str, str], seed: int, rate: int, ca_file: Path | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        clients = {
            account: await stack.enter_async_context(
                VenueClient(
                    venue,
                    account=None if keys else account,
                    api_key=keys.get(account),
                    ca_file=ca_file,
                    options=CLIENT_OPTIONS,
                )
            )
            for account in (OPERATOR, *MAKERS, *TAKERS)
        }
        session = CrowdSession(
            clients, stop, seed=seed, run_id=f"{time.time_ns() // 1_000_000:x}", rate=rate
        )
        await session.run()


if __name__ == "__main__":
    main()
