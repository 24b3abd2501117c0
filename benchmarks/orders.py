"""Orders per second of one gateway worker over REST, batches and WebSocket, beside a no-op app.

The server runs on one core, Redis and the load on the others. Every way is measured several times
in turn, so that a noisy moment hits all of them; the median counts. Ratios are what travels from
one machine to another, best those of the processor time that one order costs the worker: it does
not count what other processes take away, nor a core that waits for Redis or for the load.

    python benchmarks/orders.py [--seconds 3] [--rounds 3] [--markdown FILE]
"""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import httpx
import redis

from tapewire.processes import ChildProcess
from tapewire.redis_server import RedisServer, free_port

CONNECTIONS = 32
SOCKETS = 4
IN_FLIGHT = 128
BATCH_ORDERS = 100
READY_TIMEOUT_S = 20.0
PACKAGES = ("fastapi", "uvicorn", "websockets", "redis", "hiredis", "pydantic", "uvloop")

# The same app with a handler that does nothing: what the framework itself costs.
NO_OP = """
from fastapi import FastAPI
from order_gateway.examples import FILLED_EXAMPLE
from order_gateway.params import OrderRequest
from order_gateway.schemas import OrderReply
from order_gateway.settings import PREFIX, GatewaySettings
from tapewire.serving import serve
from tapewire.settings import load_settings

app = FastAPI()
reply = OrderReply.model_validate(FILLED_EXAMPLE, strict=False)

@app.post("/v1/orders", status_code=201)
async def place(order: OrderRequest) -> OrderReply:
    return reply

@app.get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ready"}

serve(app, load_settings(GatewaySettings, PREFIX), check_address=lambda _: None)
"""


def order_body(number: int) -> dict[str, str]:
    """The standard mix: buys and sells at twenty prices around one, so that about half trade."""
    side = "buy" if number % 2 else "sell"
    ticks = 6_000_000 + (number * 7) % 20 - 10
    return {
        "symbol": "BTC-USDT",
        "side": side,
        "order_type": "limit",
        "quantity": "0.005",
        "price": f"{ticks // 100}.{ticks % 100:02}",
    }


def request_bytes(path: str, body: bytes, account: str) -> bytes:
    """One REST request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nX-Account: {account}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class _RestClient(asyncio.Protocol):
    """Asks again as soon as it is answered; one request at a time, as HTTP clients do."""

    def __init__(self, path: str, bodies: list[bytes], account: str, orders: int) -> None:
        self.done = 0
        self.failed = 0
        self.running = True
        self._requests = [request_bytes(path, body, account) for body in bodies]
        self._next = 0
        self._orders = orders
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        at = self._buffer.find(b"content-length: ")
        length = int(self._buffer[at + 16 : self._buffer.index(b"\r", at)])
        if len(self._buffer) < head_end + 4 + length:
            return
        if self._buffer.startswith(b"HTTP/1.1 20"):
            self.done += self._orders
        else:
            self.failed += 1
        self._buffer = b""
        if self.running:
            self._ask()

    def _ask(self) -> None:
        self.transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1


class _SocketClient(asyncio.Protocol):
    """Keeps IN_FLIGHT requests on their way over one WebSocket."""

    def __init__(self, account: str) -> None:
        self.done = 0
        self.failed = 0
        self.running = True
        self._account = account
        self._next = 0
        self._buffer = bytearray()
        self._shaken = False
        self._frames: list[bytes] = []
        for number in range(1_000):
            text = json.dumps({"id": number, "op": "place", "params": order_body(number)}).encode()
            # A mask of zeros leaves the payload as it is; the server unmasks it all the same.
            self._frames.append(b"\x81" + bytes((0x80 | 126,)) + len(text).to_bytes(2) + bytes(4))
            self._frames[-1] += text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(
            f"GET /v1/ws?account={self._account} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._shaken:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            del self._buffer[: end + 4]
            self._shaken = True
            self._ask(IN_FLIGHT)
        # The hello makes the first call: it is no reply and is not counted.
        count = self._take_frames()
        if count and self.running:
            self._ask(count)

    def _take_frames(self) -> int:
        buffer, at, replies = self._buffer, 0, 0
        while len(buffer) - at >= 4:
            size, head = buffer[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(buffer[at + 2 : at + 4]), 4
            elif size == 127:
                if len(buffer) - at < 10:
                    break
                size, head = int.from_bytes(buffer[at + 2 : at + 10]), 10
            if len(buffer) - at < head + size:
                break
            payload = bytes(buffer[at + head : at + head + 40])
            at += head + size
            if payload.startswith(b'{"type"'):
                continue
            replies += 1
            if b'"status":20' in payload:
                self.done += 1
            else:
                self.failed += 1
        del buffer[:at]
        return replies

    def _ask(self, count: int) -> None:
        first = self._next % len(self._frames)
        self._next += count
        frames = (self._frames * 2)[first : first + count]
        self.transport.write(b"".join(frames))


Client = _RestClient | _SocketClient


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
        raise RuntimeError(f"{failed} requests were refused")
    return sample


@dataclass(frozen=True, slots=True)
class Server:
    """A worker that is measured."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server(command: list[str], redis_url: str, folder: Path, core: int) -> Iterator[Server]:
    """One worker, pinned to one core."""
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TAPEWIRE_")
    } | {
        "REDIS_URL": redis_url,
        "TAPEWIRE_GATEWAY_PORT": str(port),
        "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "0",
        "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "0",
        # Of what the orders of a run hold.
        "TAPEWIRE_PAPER_BALANCES": "*=80000000",
    }
    log = folder / f"server-{port}.log"
    child = ChildProcess("server", command, log_path=log, environment=environment)
    child.launch()
    try:
        os.sched_setaffinity(child.pid, {core})
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while not _answers(port):
            if time.monotonic() > deadline_s or not child.running:
                raise RuntimeError(f"the server did not start: {child.last_words()}")
            time.sleep(0.05)
        yield Server(port, child.pid)
    finally:
        child.stop(5.0)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass(slots=True)
class Way:
    """One way of sending orders, and what was measured of it."""

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
    stats = client.info("commandstats").get("cmdstat_evalsha", {"usec": 0, "calls": 0})
    return int(stats["usec"]), int(stats["calls"])


def ways_of(no_op: Server, gateway: Server) -> list[Way]:
    """All that is measured, the no-op app first."""
    single = [json.dumps(order_body(number)).encode() for number in range(1_000)]
    batches = [
        json.dumps({"orders": [order_body(first + n) for n in range(BATCH_ORDERS)]}).encode()
        for first in range(0, 1_000, BATCH_ORDERS)
    ]

    def rest(index: int) -> Client:
        return _RestClient("/v1/orders", single, f"a{index}", 1)

    def batch(index: int) -> Client:
        return _RestClient("/v1/orders/batch", batches, f"a{index}", BATCH_ORDERS)

    def websocket(index: int) -> Client:
        return _SocketClient(f"a{index}")

    return [
        Way("no-op app, REST", no_op, rest, CONNECTIONS),
        Way("REST", gateway, rest, CONNECTIONS),
        Way(f"batch of {BATCH_ORDERS}", gateway, batch, SOCKETS),
        Way("WebSocket", gateway, websocket, SOCKETS),
    ]


def run(seconds: float, rounds: int) -> tuple[list[Way], str]:
    """Measure every way in turn; the ways and a line about the machine."""
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
            redis_version = client.info("server")["redis_version"]
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    where = (
        f"Python {platform.python_version()}, Redis {redis_version}, {packages}; "
        f"{len(cores)} cores, the worker pinned to one; {rounds} rounds of {seconds:g} s each way"
    )
    return ways, where


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
    ways, where = run(arguments.seconds, arguments.rounds)
    text = f"{where}.\n\n{table(ways)}\n"
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text)


if __name__ == "__main__":
    main()
