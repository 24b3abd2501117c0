"""Processor time of a gateway worker per order: another version beside this one, in turns.

Each version has a Redis of its own (that of this version) and a gateway that is pinned to one core.
Short turns and medians keep the ratio steady on a machine with other work.

python -m benchmarks.versions OTHER_PYTHON [--seconds 1] [--rounds 10]

OTHER_PYTHON is the interpreter of the environment in which the other version is installed.
"""

import argparse
import asyncio
import contextlib
import functools
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.order_load import Client
from benchmarks.order_redis import processor_us
from benchmarks.order_servers import Server, server
from benchmarks.orders import BATCH_ORDERS, Way, cancel_everything, ways_of

from tapewire.redis.server import RedisServer

WAYS = ("REST", "WebSocket", f"batch of {BATCH_ORDERS}")
WARM_UP_S = 0.2


async def measure(way: Way, seconds: float) -> float:
    """Microseconds of processor time of the worker per order. Raises RuntimeError if refused."""
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for index in range(way.clients):
        _, client = await loop.create_connection(
            functools.partial(way.make, index), "127.0.0.1", way.server.port
        )
        clients.append(client)
    await asyncio.sleep(WARM_UP_S)
    begin, begin_us = sum(item.done for item in clients), processor_us(way.server.pid)
    await asyncio.sleep(seconds)
    orders = sum(item.done for item in clients) - begin
    used_us = processor_us(way.server.pid) - begin_us
    for item in clients:
        item.running = False
        item.transport.abort()
    if any(item.failed for item in clients):
        raise RuntimeError(f"{way.name}: requests were refused")
    return used_us / max(orders, 1)


def compare(gateways: Mapping[str, Server], seconds: float, rounds: int) -> str:
    """The medians of all ways and versions as a Markdown table."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for name in WAYS:
            for version, gateway in gateways.items():
                way = next(item for item in ways_of(gateway, gateway) if item.name == name)
                found.setdefault((name, version), []).append(asyncio.run(measure(way, seconds)))
                cancel_everything(gateway)
    lines = ["| way | other version | this version | ratio |", "|---|---:|---:|---:|"]
    for name in WAYS:
        other_us, this_us = (statistics.median(found[name, version]) for version in gateways)
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
        gateways: dict[str, Server] = {}
        for version, python in (("other", arguments.other_python), ("this", sys.executable)):
            folder = Path(name) / version
            folder.mkdir()
            redis = on.enter_context(RedisServer(folder / "redis", fsync="everysec"))
            command = [python, "-m", "order_gateway"]
            gateways[version] = on.enter_context(server(command, redis.url, folder, cores[0]))
        text = compare(gateways, arguments.seconds, arguments.rounds)
    turns = f"{arguments.rounds} rounds of {arguments.seconds:g} s in turns"
    print(f"{describe_machine(turns)}.\n\n{text}")


if __name__ == "__main__":
    main()
