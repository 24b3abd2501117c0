"""Processor time of a gateway worker per order: another version beside this one, in turns.

Each version has a Redis of its own (that of this version) and a gateway that is pinned to one core.
Short turns and medians keep the ratio steady on a machine with other work.

python -m benchmarks.versions OTHER_PYTHON [--seconds 1] [--rounds 10]

OTHER_PYTHON is the interpreter of the environment in which the other version is installed.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import redis
from benchmarks.machine import describe_machine
from benchmarks.order_servers import Server, server
from benchmarks.orders import BATCH_ORDERS, cancel_everything, measure, ways_of

from tapewire.redis.server import RedisServer

WAYS = ("REST", "WebSocket", f"batch of {BATCH_ORDERS}")


def compare(sides: Mapping[str, tuple[Server, redis.Redis]], seconds: float, rounds: int) -> str:
    """The medians of all ways and versions, each a gateway and its Redis, as a Markdown table.

    Raises RuntimeError if a gateway refuses orders.
    """
    ways = {
        version: {way.name: way for way in ways_of(gateway, gateway)}
        for version, (gateway, _) in sides.items()
    }
    for _ in range(rounds):
        for name in WAYS:
            for version, (gateway, client) in sides.items():
                sample = asyncio.run(measure(ways[version][name], client, seconds))
                ways[version][name].samples.append(sample)
                cancel_everything(gateway)
    lines = ["| way | other version | this version | ratio |", "|---|---:|---:|---:|"]
    for name in WAYS:
        other_us, this_us = (found[name].cpu_us for found in ways.values())
        lines.append(
            f"| {name} | {other_us:.0f} us | {this_us:.0f} us | {this_us / other_us:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("other_python", metavar="OTHER_PYTHON")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=10, help="of all measurements")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory(prefix="tapewire-bench-") as name,
        contextlib.ExitStack() as on,
    ):
        os.sched_setaffinity(0, set(cores[1:]) or {cores[0]})
        sides: dict[str, tuple[Server, redis.Redis]] = {}
        for version, python in (("other", arguments.other_python), ("this", sys.executable)):
            folder = Path(name) / version
            folder.mkdir()
            kept = on.enter_context(RedisServer(folder / "redis", fsync="everysec"))
            command = [python, "-m", "order_gateway"]
            gateway = on.enter_context(server(command, kept.url, folder, cores[0]))
            sides[version] = gateway, on.enter_context(redis.Redis.from_url(kept.url))
        text = compare(sides, arguments.seconds, arguments.rounds)
    turns = f"{arguments.rounds} rounds of {arguments.seconds:g} s in turns"
    print(f"{describe_machine(turns)}.\n\n{text}")


if __name__ == "__main__":
    main()
