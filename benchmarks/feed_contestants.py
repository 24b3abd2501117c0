"""The servers that `feed.py` measures: how each is started, fed, and reached by clients.

Every server runs pinned to one core. A contestant that is not installed says what is missing.
"""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.feed_message import message
from benchmarks.feed_publishers import Encode, nats_publish, nchan_publish, redis_publish

from tapewire import keys
from tapewire.matching.engine import Engine
from tapewire.redis.client import RedisAddress, open_async
from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tapewire.values.instruments import parse_instruments

SERVER_CORE = "0"
START_TIMEOUT_S = 20.0
MIXED_SYMBOLS = tuple(f"S{number:02d}-USDT" for number in range(100))
NATS_HELLO = b'CONNECT {"verbose":false}\r\nSUB trades 1\r\nPING\r\n'


@dataclass(frozen=True, slots=True)
class Server:
    """A running contestant. Without `encode` it makes its messages itself."""

    pid: int
    port: int
    path: str
    target: int = 0
    encode: Encode | None = None
    hello: bytes = b""
    marker: str = ""


Start = Callable[[float, Path], Iterator[Server]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server to compare; `start(rate, folder)` with rate 0 for saturated."""

    name: str
    version: Callable[[], str]
    missing: Callable[[], str]
    start: Start


@contextmanager
def pinned(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on its core until the end of the block."""
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *command],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int) -> None:
    """Wait until something listens. Raises TimeoutError."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")


def tapewire(rate: float, folder: Path) -> Iterator[Server]:
    """The market-data service as it is shipped, fed through Redis, one symbol trading."""
    return _tapewire(folder, ("BTC-USDT",))


def tapewire_mixed(rate: float, folder: Path) -> Iterator[Server]:
    """The same with all of MIXED_SYMBOLS trading in turn."""
    return _tapewire(folder, MIXED_SYMBOLS)


def _tapewire(folder: Path, symbols: tuple[str, ...]) -> Iterator[Server]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(folder / "redis", port=free_port()))
        port = free_port()
        process = stack.enter_context(
            pinned(
                [sys.executable, "-m", "market_data"],
                REDIS_URL=redis.url,
                TAPEWIRE_MARKET_DATA_PORT=str(port),
                # The venue has none of the trades that are published here: a later round of the
                # canary would tell the service that they were lost.
                TAPEWIRE_MARKET_DATA_CANARY_INTERVAL_S="60",
                TAPEWIRE_MARKET_DATA_CANARY_TIMEOUT_S="600",
            )
        )
        wait_for_port(port)
        epoch = _register(redis.url, symbols)
        _wait_until_ready(port)
        yield Server(
            process.pid,
            port,
            "/ws/market-data",
            redis.port,
            redis_publish(
                # Each symbol has its own contiguous sequence.
                lambda number: message(
                    (number - 1) // len(symbols) + 1, epoch, symbols[(number - 1) % len(symbols)]
                )
            ),
        )


def _register(url: str, symbols: tuple[str, ...]) -> str:
    """Make instruments known, as a gateway does; returns the epoch."""
    instruments = parse_instruments(
        "".join(
            f'[[instrument]]\nsymbol = "{symbol}"\nbase = "BASE"\nquote = "USDT"\n'
            'tick_size = "0.01"\nlot_size = "0.00001"\nmin_quantity = "0.00001"\n'
            'max_quantity = "100"\n'
            for symbol in symbols
        ),
        "the benchmark",
    )

    async def register() -> str:
        address = RedisAddress(url, connect_timeout_s=2, timeout_s=5, client_name="benchmark")
        engine = await Engine.open(address)
        await engine.ready()
        await engine.publish_instruments(instruments)
        await engine.close()
        client = open_async(address)
        epoch: Any = await client.get(keys.EPOCH)
        await client.aclose()
        return str(epoch.decode())

    return asyncio.run(register())


def _wait_until_ready(port: int) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if json.load(answer)["status"] == "ready":
                    time.sleep(1.5)
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("market-data did not become ready")


def naive(rate: float, folder: Path) -> Iterator[Server]:
    """The loop of many tutorials: one send_json per client, a sleep between messages."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(folder / "redis", port=free_port()))
        port = free_port()
        process = stack.enter_context(
            pinned(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.naive_feed",
                    "--port",
                    str(port),
                    "--redis-url",
                    redis.url,
                ]
            )
        )
        wait_for_port(port)
        yield Server(process.pid, port, "/ws/market-data", redis.port, redis_publish(message))


def _generator(module: str) -> Callable[[float, Path], Iterator[Server]]:
    def start(rate: float, folder: Path) -> Iterator[Server]:
        port = free_port()
        with pinned([sys.executable, "-m", module, str(port), str(rate)]) as process:
            wait_for_port(port)
            yield Server(process.pid, port, "/")

    return start


def nchan(rate: float, folder: Path) -> Iterator[Server]:
    """nginx with nchan, one worker, memory store."""
    port = free_port()
    configuration = folder / "nginx.conf"
    module = next(Path("/usr/lib/nginx/modules").glob("*nchan*.so"))
    configuration.write_text(
        f"""load_module {module};
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{ access_log off; client_body_temp_path {folder}/body; keepalive_requests 100000000;
  nchan_shared_memory_size 256M;
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location = /pub {{ nchan_publisher; nchan_channel_id t; nchan_message_buffer_length 4096;
      nchan_message_timeout 5s; }}
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id t;
      nchan_subscriber_first_message newest; }} }} }}
"""
    )
    with pinned(["nginx", "-c", str(configuration), "-p", str(folder)]) as process:
        wait_for_port(port)
        yield Server(process.pid, port, "/sub", port, nchan_publish(message))


def nats(rate: float, folder: Path) -> Iterator[Server]:
    """nats-server with its WebSocket listener."""
    port, client_port = free_port(), free_port()
    configuration = folder / "nats.conf"
    configuration.write_text(
        f'host: "127.0.0.1"\nport: {client_port}\nmax_connections: 65536\n'
        f'websocket {{ host: "127.0.0.1", port: {port}, no_tls: true, compression: false }}\n'
    )
    environment = {"GOMAXPROCS": "1"}
    with pinned(["nats-server", "-c", str(configuration)], **environment) as process:
        wait_for_port(port)
        yield Server(process.pid, port, "/", client_port, nats_publish(message), NATS_HELLO, '"t":')


def _package(name: str) -> Callable[[], str]:
    return lambda: "" if importlib.util.find_spec(name) else f"the Python package {name}"


def _program(name: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(name) else f"the program {name}"


def _nchan_missing() -> str:
    modules = Path("/usr/lib/nginx/modules")
    has_module = modules.is_dir() and any(modules.glob("*nchan*.so"))
    return "" if shutil.which("nginx") and has_module else "nginx with the nchan module"


def _version_of(*command: str) -> Callable[[], str]:
    def read() -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        return found[0] if found else "unknown"

    return read


def _nothing_missing() -> str:
    return ""


CONTESTANTS = (
    Contestant("tapewire", lambda: version("tapewire"), _nothing_missing, tapewire),
    Contestant("naive FastAPI loop", lambda: version("fastapi"), _nothing_missing, naive),
    Contestant(
        "websockets.broadcast",
        lambda: version("websockets"),
        _nothing_missing,
        _generator("benchmarks.peers.broadcast_feed"),
    ),
    Contestant("nchan", _version_of("nginx", "-v"), _nchan_missing, nchan),
    Contestant(
        "nats-server", _version_of("nats-server", "--version"), _program("nats-server"), nats
    ),
    Contestant(
        "socketify",
        lambda: version("socketify"),
        _package("socketify"),
        _generator("benchmarks.peers.socketify_feed"),
    ),
)
