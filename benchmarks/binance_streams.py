"""Deliveries per second of the Binance stream `@trade` next to the channel `trades` of the feed.

    python -m benchmarks.binance_streams [--seconds 4] [--clients 1000] [--rounds 3]

The same trades, the same server, the same load client (`feed.py`), saturated, in turns; each turn
starts a service anew. Prints a table for README.md. A run takes about 12 s per round and row.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.feed import HERE, run, started
from benchmarks.feed_contestants import CONTESTANTS
from benchmarks.machine import describe_machine

PATHS = {
    "`trades` of the feed": "/ws/market-data",
    "`@trade`, plain": "/ws/btcusdt@trade",
    "`@trade`, combined": "/stream?streams=btcusdt@trade",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not shutil.which("cc") or not shutil.which("taskset"):
        sys.exit("this benchmark needs a C compiler (cc) and taskset")
    tapewire = CONTESTANTS[0]
    rates: dict[str, list[float]] = {title: [] for title in PATHS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            ["cc", "-O2", "-o", str(folder / "feed_client"), str(HERE / "feed_client.c")],
            check=True,
        )
        print(describe_machine())
        print(f"{options.clients} clients, {options.rounds} rounds of {options.seconds:g} s\n")
        for _ in range(options.rounds):
            for title, path in PATHS.items():
                with started(tapewire, 0, folder) as server:
                    stream = replace(server, path=path)
                    result = run(stream, options.clients, options.seconds, 0, folder)
                rates[title].append(float(result["messages_per_s"]))
    base = median(next(iter(rates.values())))
    print("| channel | deliveries/s, median | lowest | highest | of the feed |")
    print("|---|---:|---:|---:|---:|")
    for title, found in rates.items():
        print(
            f"| {title} | {median(found):,.0f} | {min(found):,.0f} | {max(found):,.0f} "
            f"| {median(found) / base:.2f} |"
        )


if __name__ == "__main__":
    main()
