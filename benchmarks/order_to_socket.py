"""The time from an order's POST to its trade on a WebSocket, beside a naive feed, in one run.

Real processes: a Redis that syncs before each answer, one gateway, one market-data process, the
naive feed of `naive_feed.py`. One client places an order, waits for its trade on the socket, pauses
for a random time below 10 ms, and goes on. The two feeds take turns in short blocks, so that
disturbances of the machine hit both.
"""

import argparse
import asyncio
import http.client
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import describe_machine
from websockets.asyncio.client import ClientConnection, connect

from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tapewire.runtime.processes import ChildProcess

HOST = "127.0.0.1"
SYMBOL, PRICE, QUANTITY = "BTC-USDT", "60000.00", "0.00100"
MAKER_QUANTITY = "100"
PAUSE_MAX_S = 0.01
BLOCK_ORDERS = 100
WARM_UP_ORDERS = 50
SYNCS = 100
MEASURING_TIME_MAX_S = 45.0
START_TIMEOUT_S = 20.0
TRADE_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 5.0


@dataclass(slots=True)
class Feed:
    """One of the two compared feeds, and its measured times in milliseconds."""

    name: str
    port: int
    delays_ms: list[float] = field(default_factory=list)
    answers_ms: list[float] = field(default_factory=list)


class Gateway:
    """One keep-alive connection that places orders; a general client would cost more than these."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        # No other client places orders, so the next order has the next number.
        self.last_order_id = 0

    def send(self, side: str, quantity: str, account: str) -> None:
        """Send a limit order without waiting for the answer."""
        body = json.dumps(
            {
                "symbol": SYMBOL,
                "side": side,
                "order_type": "limit",
                "quantity": quantity,
                "price": PRICE,
            }
        )
        self._writer.write(
            f"POST /v1/orders HTTP/1.1\r\nHost: {HOST}\r\nX-Account: {account}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    async def answer(self) -> None:
        """Wait for the answer to one order. Raises RuntimeError unless it was placed."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if b" 201 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(f"the gateway answered {body.decode()}")
        self.last_order_id = int(json.loads(body)["order_id"])


async def trade_of(socket: ClientConnection, order_id: int) -> None:
    """Wait for the trade of one order; a feed that is late may still be sending earlier ones."""
    wanted = f'"taker_order_id":"{order_id}"'
    async with asyncio.timeout(TRADE_TIMEOUT_S):
        while wanted not in str(await socket.recv()).replace(" ", ""):
            pass


async def timed(waiting: Awaitable[None], since_ns: int) -> float:
    """Wait; the milliseconds that have passed since an instant."""
    await waiting
    return (time.perf_counter_ns() - since_ns) / 1e6


async def run_block(feed: Feed, gateway: Gateway, orders: int, until_s: float) -> None:
    """Place orders with one client on the feed, and note when trade and answer came."""
    url = f"ws://{HOST}:{feed.port}/ws/market-data"
    async with connect(url, compression=None, proxy=None) as socket:
        await socket.recv()
        for _ in range(orders):
            if time.monotonic() > until_s:
                break
            await asyncio.sleep(random.uniform(0, PAUSE_MAX_S))
            order_id = gateway.last_order_id + 1
            sent_ns = time.perf_counter_ns()
            gateway.send("buy", QUANTITY, "taker")
            delay_ms, answer_ms = await asyncio.gather(
                timed(trade_of(socket, order_id), sent_ns), timed(gateway.answer(), sent_ns)
            )
            feed.delays_ms.append(delay_ms)
            feed.answers_ms.append(answer_ms)


async def measure(feeds: list[Feed], gateway_port: int, orders: int) -> None:
    """Fill the feeds' delays, block by block in turns."""
    reader, writer = await asyncio.open_connection(HOST, gateway_port)
    gateway = Gateway(reader, writer)
    gateway.send("sell", MAKER_QUANTITY, "maker")
    await gateway.answer()
    until_s = time.monotonic() + MEASURING_TIME_MAX_S
    for feed in feeds:
        await run_block(feed, gateway, WARM_UP_ORDERS, until_s)
        feed.delays_ms.clear()
        feed.answers_ms.clear()
    while any(len(feed.delays_ms) < orders for feed in feeds) and time.monotonic() < until_s:
        for feed in feeds:
            wanted = min(BLOCK_ORDERS, orders - len(feed.delays_ms))
            await run_block(feed, gateway, wanted, until_s)
    writer.close()


def is_ready(port: int) -> bool:
    """Whether the process on the port says so."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for(ready: Callable[[], bool], child: ChildProcess) -> None:
    """Wait until a process is ready. Raises RuntimeError with the end of its log."""
    until_s = time.monotonic() + START_TIMEOUT_S
    while not ready():
        if not child.running or time.monotonic() > until_s:
            raise RuntimeError(f"{child.name} did not start: {child.last_words()}")
        time.sleep(0.05)


def start(stack: ExitStack, folder: Path, redis_url: str) -> tuple[int, list[Feed]]:
    """Start the three processes; returns the gateway's port and the two feeds."""
    ports = {name: free_port() for name in ("gateway", "market-data", "naive")}
    naive = str(Path(__file__).with_name("naive_feed.py"))
    commands = {
        "gateway": ["-m", "order_gateway"],
        "market-data": ["-m", "market_data"],
        "naive": [naive, "--port", str(ports["naive"]), "--redis-url", redis_url],
    }
    environment = {name: value for name, value in os.environ.items() if "TAPEWIRE" not in name}
    environment |= {
        "REDIS_URL": redis_url,
        "TAPEWIRE_GATEWAY_PORT": str(ports["gateway"]),
        "TAPEWIRE_MARKET_DATA_PORT": str(ports["market-data"]),
        # Of what the takers of a run spend.
        "TAPEWIRE_PAPER_BALANCES": "*=80000000",
    }
    for name, arguments in commands.items():
        child = ChildProcess(
            name,
            [sys.executable, "-P", *arguments],
            log_path=folder / f"{name}.log",
            environment=environment,
        )
        child.launch()
        stack.callback(child.stop, STOP_TIMEOUT_S)
        wait_for(lambda port=ports[name]: is_ready(port), child)  # type: ignore[misc]
    return ports["gateway"], [
        Feed("tapewire", ports["market-data"]),
        Feed("naive loop", ports["naive"]),
    ]


def sync_times_ms(folder: Path) -> list[float]:
    """The time that this disk needs for a small synced write:

    with `always` every answer waits for one.
    """
    times_ms = []
    with (folder / "synced").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            begun_ns = time.perf_counter_ns()
            file.write(b"x" * 256)
            os.fdatasync(file.fileno())
            times_ms.append((time.perf_counter_ns() - begun_ns) / 1e6)
    return times_ms


def describe_run(server: RedisServer, syncs_ms: list[float]) -> str:
    """The machine, the server and its disk."""
    return describe_machine(
        f"{server.binary}, appendfsync {server.fsync}",
        f"one fdatasync of its disk: p50 {percentile(syncs_ms, 50):.2f} ms, "
        f"p99 {percentile(syncs_ms, 99):.2f} ms",
    )


def percentile(delays_ms: list[float], percent: float) -> float:
    """The delay that this share of the orders did not exceed."""
    ordered = sorted(delays_ms)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def report(feeds: list[Feed]) -> str:
    """A table of both feeds, and the ratio of their delays."""
    lines = [
        "| from POST to | orders | p50 ms | p90 ms | p99 ms | max ms |",
        "|---|---|---|---|---|---|",
    ]
    rows = [(f"trade, {feed.name}", feed.delays_ms) for feed in feeds]
    rows.append(("answer of the gateway", [delay for feed in feeds for delay in feed.answers_ms]))
    for name, delays_ms in rows:
        figures = " | ".join(f"{percentile(delays_ms, p):.2f}" for p in (50, 90, 99, 100))
        lines.append(f"| {name} | {len(delays_ms)} | {figures} |")
    ours, naive = (feed.delays_ms for feed in feeds)
    ratios = (f"{percentile(naive, p) / percentile(ours, p):.1f}x at p{p}" for p in (50, 99))
    return "\n".join([*lines, "", f"quicker than the naive loop: {', '.join(ratios)}"])


def main() -> None:
    """Measure once and print; ends by itself within a minute."""
    parser = argparse.ArgumentParser(description="From an order's POST to its trade on a WebSocket")
    parser.add_argument("--orders", type=int, default=2_000, help="orders for each of the feeds")
    parser.add_argument("--fsync", choices=("always", "everysec"), default="always")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(RedisServer(folder / "redis", fsync=options.fsync))
        print(describe_run(server, sync_times_ms(folder)), flush=True)
        gateway_port, feeds = start(stack, folder, server.url)
        asyncio.run(measure(feeds, gateway_port, options.orders))
    print(f"\n{report(feeds)}")


if __name__ == "__main__":
    main()
