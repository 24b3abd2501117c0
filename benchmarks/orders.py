"""Orders per second of one gateway worker over each interface, beside a no-op app.

The server runs on one core, Redis and the load on the others. The ways are measured several times
in turn, so that a disturbance hits all of them; the median counts. Ratios are comparable between
machines. The best ratio is that of the worker's processor time per order, because time of other
processes and time of waiting do not count.

python -m benchmarks.orders [--seconds 3] [--rounds 3] [--markdown FILE]
"""

import argparse
import asyncio
import functools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import redis
from benchmarks.machine import describe_machine
from benchmarks.order_load import (
    Client,
    RestClient,
    SocketClient,
    order_body,
    request_bytes,
    signed_bytes,
)
from benchmarks.order_redis import RedisCost, measure_redis
from benchmarks.order_servers import NO_OP, Server, server

from tapewire.redis.server import RedisServer

CONNECTIONS = 32
SOCKETS = 4
BATCH_ORDERS = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: orders, elapsed and processor time, Redis time and script calls."""

    orders: int
    elapsed_s: float
    cpu_s: float
    redis_us: int
    calls: int


async def measure(way: "Way", client: redis.Redis, seconds: float) -> Sample:
    """Run the load, first for a moment to warm up."""
    loop = asyncio.get_running_loop()
    protocols: list[Client] = []
    for index in range(way.clients):
        _, protocol = await loop.create_connection(
            functools.partial(way.make, index), "127.0.0.1", way.server.port
        )
        protocols.append(protocol)
    await asyncio.sleep(min(0.5, seconds / 4))

    def standing() -> tuple[int, float, float, int, int]:
        orders = sum(item.done for item in protocols)
        return orders, time.perf_counter(), way.server.cpu_s(), *redis_time(client)

    before = standing()
    await asyncio.sleep(seconds)
    after = standing()
    sample = Sample(
        orders=after[0] - before[0],
        elapsed_s=after[1] - before[1],
        cpu_s=after[2] - before[2],
        redis_us=after[3] - before[3],
        calls=after[4] - before[4],
    )
    for item in protocols:
        item.running = False
        item.transport.abort()
    failed = sum(item.failed for item in protocols)
    if failed:
        first = next(item.refusal for item in protocols if item.refusal)
        raise RuntimeError(
            f"{way.name}: {failed} requests were refused, the first one with {first}"
        )
    return sample


@dataclass(slots=True)
class Way:
    """One way to send orders, and its measurements."""

    name: str
    server: Server
    make: Callable[[int], Client]
    clients: int
    samples: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Orders per second, the median."""
        return statistics.median(item.orders / item.elapsed_s for item in self.samples)

    @property
    def cpu_us(self) -> float:
        """Processor time of the worker per order, the median."""
        return statistics.median(1e6 * item.cpu_s / max(item.orders, 1) for item in self.samples)

    @property
    def redis_us(self) -> float:
        """Redis time per order in the quietest round: preemption only ever adds to it."""
        return min(item.redis_us / max(item.orders, 1) for item in self.samples)


def redis_time(client: redis.Redis) -> tuple[int, int]:
    """Microseconds and calls of the scripts since the server started."""
    stats = client.info("commandstats").get("cmdstat_fcall", {"usec": 0, "calls": 0})
    return int(stats["usec"]), int(stats["calls"])


def ways_of(no_op: Server, gateway: Server) -> list[Way]:
    """All that is measured, the no-op app first."""
    single = [json.dumps(order_body(number)).encode() for number in range(1_000)]
    batches = [
        json.dumps({"orders": [order_body(first + n) for n in range(BATCH_ORDERS)]}).encode()
        for first in range(0, 1_000, BATCH_ORDERS)
    ]

    def rest(index: int) -> Client:
        return RestClient([request_bytes("/v1/orders", body, f"a{index}") for body in single], 1)

    def binance(index: int) -> Client:
        return RestClient([signed_bytes(order_body(n), f"a{index}") for n in range(1_000)], 1)

    def batch(index: int) -> Client:
        requests = [request_bytes("/v1/orders/batch", body, f"a{index}") for body in batches]
        return RestClient(requests, BATCH_ORDERS)

    def websocket(index: int) -> Client:
        return SocketClient(f"a{index}")

    return [
        Way("no-op app, REST", no_op, rest, CONNECTIONS),
        Way("REST", gateway, rest, CONNECTIONS),
        Way("Binance REST, signed form", gateway, binance, CONNECTIONS),
        Way(f"batch of {BATCH_ORDERS}", gateway, batch, SOCKETS),
        Way("WebSocket", gateway, websocket, SOCKETS),
    ]


def run(seconds: float, rounds: int) -> tuple[list[Way], RedisCost, str]:
    """Measure every way in turn, then Redis alone; the last is a line about the machine."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="tapewire-bench-") as name:
        folder = Path(name)
        os.sched_setaffinity(0, set(cores[1:]) or {cores[0]})
        with (
            RedisServer(folder / "redis", fsync="everysec") as redis_server,
            redis.Redis.from_url(redis_server.url) as client,
            server([sys.executable, "-c", NO_OP], redis_server.url, folder, cores[0]) as no_op,
            server(
                [sys.executable, "-m", "order_gateway"], redis_server.url, folder, cores[0]
            ) as gateway,
        ):
            ways = ways_of(no_op, gateway)
            for _ in range(rounds):
                for way in ways:
                    way.samples.append(asyncio.run(measure(way, client, seconds)))
                    cancel_everything(gateway)
            redis_version = client.info("server")["redis_version"]
        cost = measure_redis(folder / "alone", rounds)
    where = describe_machine(
        f"Redis {redis_version}; the worker is pinned to one core; "
        f"{rounds} rounds of {seconds:g} s per way",
    )
    return ways, cost, where


def cancel_everything(gateway: Server) -> None:
    """Empty the books, so that each sample starts alike and no account passes a bound."""
    for path in ("/v1/admin/kill", "/v1/admin/resume"):
        answer = httpx.post(f"http://127.0.0.1:{gateway.port}{path}", timeout=60, trust_env=False)
        answer.raise_for_status()


def table(ways: list[Way]) -> str:
    """The ways as a Markdown table."""
    base, rest = ways[0], ways[1]
    lines = [
        "| way | orders/s | worker CPU per order | x no-op | x REST | Redis time per order |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for way in ways:
        redis_us = "" if way is base else f"{way.redis_us:.0f} us"
        lines.append(
            f"| {way.name} | {way.rate:,.0f} | {way.cpu_us:.0f} us | {base.cpu_us / way.cpu_us:.2f}"
            f" | {rest.cpu_us / way.cpu_us:.2f} | {redis_us} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of all measurements")
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    arguments = parser.parse_args()
    ways, cost, where = run(arguments.seconds, arguments.rounds)
    text = f"{where}.\n\n{table(ways)}\n\n{cost}\n"
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text)


if __name__ == "__main__":
    main()
