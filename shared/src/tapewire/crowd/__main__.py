"""`python -m tapewire.crowd`: let the demo crowd trade until SIGINT or SIGTERM."""

import asyncio
import logging
import random
import signal
import time
from pathlib import Path

import click
import httpx

from tapewire.crowd.session import REQUEST_TIMEOUT_S, CrowdSession
from tapewire.errors import TapewireError
from tapewire.runtime.log import configure_logging
from tapewire.web.tls import client_context

SEED_MAX = 1_000_000


@click.command(context_settings={"show_default": True})
@click.option("--url", default="http://127.0.0.1:8000", help="The order gateway.")
@click.option("--seed", type=int, help="Repeats the crowd's decisions; random if not given.")
@click.option("--rate", type=click.IntRange(1, 1_000), default=30, help="Most requests per second.")
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="Certificates to trust (PEM), for https."
)
def main(url: str, seed: int | None, rate: int, ca_file: Path | None) -> None:
    """Trade on a Tapewire venue as a small crowd: makers that quote, takers that take."""
    configure_logging("info", "crowd")
    # At its own info level httpx logs every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if seed is None:
        seed = random.randrange(SEED_MAX)
    try:
        asyncio.run(_trade(url, seed, rate, ca_file))
    except (TapewireError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise click.ClickException(str(error)) from None


async def _trade(url: str, seed: int, rate: int, ca_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with httpx.AsyncClient(
        base_url=url,
        timeout=REQUEST_TIMEOUT_S,
        trust_env=False,
        verify=True if ca_file is None else client_context(ca_file),
    ) as client:
        session = CrowdSession(
            client, stop, seed=seed, run_id=f"{time.time_ns() // 1_000_000:x}", rate=rate
        )
        await session.run()


if __name__ == "__main__":
    main()
