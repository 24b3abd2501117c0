"""Backup, audit, journal verification and restore of a venue with 100,000 open orders, trading.

python -m benchmarks.large_venue [--orders 100000]

Starts `tapewire up` with data in a temporary folder, rests the orders, then trades with two
accounts, an order at a time, and runs the commands as an operator does. Each row of the table has
the time of the command and the delays of the orders that were answered meanwhile.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.machine import describe_machine
from benchmarks.venue_process import running_venue

from tapewire.client import Place, VenueClient

SYMBOL = "BTC-USDT"
BATCH_ORDERS = 100
BATCHES_IN_FLIGHT = 4
ACCOUNT_ORDERS = 10_000  # below the bound on open orders of an account
PAUSE_S = 0.005
BASELINE_S = 10.0
COMMAND_TIMEOUT_S = 1_200.0
MIDDLE_CENTS = 6_000_000


@dataclass
class Trading:
    """Delays of the orders that trade beside a command, in milliseconds."""

    delays_ms: list[float] = field(default_factory=list)

    def row(self, name: str, took_s: float, result: str) -> str:
        """One row of the table; begins a new measurement."""
        delays, self.delays_ms = sorted(self.delays_ms), []
        if not delays:
            return f"| {name} | {took_s:.1f} | | | | | {result} |"
        p50, p99 = (delays[int(part * (len(delays) - 1))] for part in (0.5, 0.99))
        return (
            f"| {name} | {took_s:.1f} | {len(delays)} | {p50:.1f} | {p99:.1f} | "
            f"{delays[-1]:.1f} | {result} |"
        )


def command(*words: str) -> list[str]:
    """The words of a `tapewire` command."""
    return [sys.executable, "-P", "-m", "tapewire", *words]


async def rest_orders(data_dir: Path, count: int) -> None:
    """Place limit orders far below and above the price, in batches, 10,000 for each account."""
    for first in range(0, count, ACCOUNT_ORDERS):
        account = f"maker-{first // ACCOUNT_ORDERS}"
        numbers = range(first, min(first + ACCOUNT_ORDERS, count))
        async with VenueClient(data_dir, account=account) as venue, venue.order_entry() as entry:
            step = BATCH_ORDERS * BATCHES_IN_FLIGHT
            for start in range(numbers.start, numbers.stop, step):
                starts = range(start, min(start + step, numbers.stop), BATCH_ORDERS)
                await asyncio.gather(*(entry.batch(batch(first)) for first in starts))


def batch(first: int) -> list[Place]:
    """The orders from `first` on."""
    return [resting(number) for number in range(first, first + BATCH_ORDERS)]


def resting(number: int) -> Place:
    """Order `number`: every second one buys; 5,000 prices on each side."""
    side: Literal["buy", "sell"] = "buy" if number % 2 else "sell"
    cents = 1_000 + number // 2 % 5_000
    price = MIDDLE_CENTS - cents if side == "buy" else MIDDLE_CENTS + cents
    return Place(
        symbol=SYMBOL, side=side, quantity="0.001", price=f"{price // 100}.{price % 100:02}"
    )


async def trade(data_dir: Path, trading: Trading) -> None:
    """Sell and buy at one price, one order at a time, until cancelled."""
    async with (
        VenueClient(data_dir, account="seller") as seller,
        VenueClient(data_dir, account="buyer") as buyer,
    ):
        while True:
            for client in (seller, buyer):
                began = time.perf_counter()
                await client.place(SYMBOL, "sell" if client is seller else "buy", "0.001", "60000")
                trading.delays_ms.append((time.perf_counter() - began) * 1_000)
                await asyncio.sleep(PAUSE_S)


async def run(*words: str) -> tuple[float, str]:
    """Run a command to its end; its time and its status, with the last line of a journal's."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command(*words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return time.monotonic() - began, f"not ended within {COMMAND_TIMEOUT_S:.0f} s"
    lines = (output or errors).decode().splitlines() or [""]
    what = f": {lines[-1]}" if "verify" in words else ""
    return time.monotonic() - began, f"status {process.returncode}{what}"


async def measure(folder: Path, count: int) -> None:
    """Print the table."""
    data_dir, backup = folder / "venue", folder / "venue.backup"
    with running_venue(sys.executable, data_dir):
        began = time.monotonic()
        await rest_orders(data_dir, count)
        rested_s = time.monotonic() - began
        print(f"{count:,} orders rested in {rested_s:.0f} s, in batches of {BATCH_ORDERS}\n")
        print("| command | s | orders beside it | p50 ms | p99 ms | max ms | result |")
        print("|---|---:|---:|---:|---:|---:|---|")
        trading = Trading()
        task = asyncio.create_task(trade(data_dir, trading))
        await asyncio.sleep(BASELINE_S)
        print(trading.row("none", BASELINE_S, ""), flush=True)
        venue = f"--venue={data_dir}"
        for name, words in (
            ("backup", ("backup", str(backup), venue)),
            ("audit", ("audit", venue)),
            ("journal export", ("journal", "export", str(folder / "journal.jsonl.gz"), venue)),
            ("journal verify", ("journal", "verify", venue)),
            ("restore, beside it", ("restore", str(backup), f"--data-dir={folder / 'restored'}")),
        ):
            took_s, result = await run(*words)
            print(trading.row(name, took_s, result), flush=True)
        task.cancel()
        await asyncio.wait([task])
        took_s, result = await run("journal", "verify", venue)
        print(trading.row("journal verify, quiet", took_s, result), flush=True)
    size_mb = backup.stat().st_size / 1_000_000
    print(f"\nThe backup has {size_mb:.1f} MB.")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=100_000, help="a multiple of 100")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tapewire-large-venue-"))
    print(describe_machine("appendfsync always"))
    try:
        asyncio.run(measure(folder, options.orders))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
