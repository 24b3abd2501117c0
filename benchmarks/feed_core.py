"""The fan-out core alone, without Redis: a FastAPI endpoint, the hub, and a synthetic publisher.

    taskset -c 0 .venv/bin/python benchmarks/feed_core.py --mode burst --port 9001
    taskset -c 1 ./feed_client 127.0.0.1 9001 /feed --clients 1000 --seconds 5

burst     512 messages per event-loop turn, as fast as the slowest client allows
single    one message per turn: one write per client and message, the price of a system call
rate      --rate messages per second, one by one on a clock of their own, as from a socket: what
          has come due while a flush ran is flushed together; `t` is the time a message was due
idle      nothing, to look at the memory per client
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import uvicorn
from fastapi import FastAPI, WebSocket

from market_data.fanout.hub import Hub
from market_data.http.feed_socket import FeedSocketProtocol
from market_data.limits import BATCH_MESSAGES_MAX, CLIENT_MESSAGE_BYTES_MAX
from tapewire.web.websocket_frames import text_frame
from tapewire.web.websocket_protocol import SCOPE_EXTENSION

EVERY_TRADE = frozenset({("trades", "*")})
LAG_PACE_MESSAGES = 4096


def trade(seq: int, time_ns: int) -> bytes:
    """Return the frame of one trade of about 240 bytes."""
    return text_frame(
        b'{"type":"trade","data":{"t":%d,"trade_id":"T%012d","seq":%d,"symbol":"BTC-USDT",'
        b'"price":"60000.00","quantity":"0.50000000","aggressor_side":"buy","maker_order_id":'
        b'"O000000000001","taker_order_id":"O000000000002","timestamp":"2026-01-01"}}'
        % (time_ns, seq, seq)
    )


async def publish_saturated(hub: Hub, batch: int) -> None:
    """Publish until the task is cancelled, as fast as the slowest client allows."""
    seq = 0
    for turn in itertools.count():
        # Looking at every client each turn would cost as much as the single writes measured here.
        while turn % 16 == 0 and is_full(hub):
            await asyncio.sleep(0.001)
        for _ in range(batch):
            seq += 1
            hub.publish("trades", "BTC-USDT", seq, trade(seq, time.monotonic_ns()))
        hub.flush()
        await asyncio.sleep(0)


async def publish_at_rate(hub: Hub, rate: float) -> None:
    """Publish due messages until the task is cancelled, at the same rate for slow clients."""
    seq = 0
    start_ns = time.monotonic_ns()
    interval_ns = int(1e9 / rate)
    while True:
        now_ns = time.monotonic_ns()
        while start_ns + seq * interval_ns <= now_ns:
            hub.publish("trades", "BTC-USDT", seq, trade(seq, start_ns + seq * interval_ns))
            seq += 1
        hub.flush()
        due_ns = start_ns + seq * interval_ns
        await asyncio.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))


def is_full(hub: Hub) -> bool:
    """Tell whether a saturated publisher has to wait."""
    return any(session.lag > LAG_PACE_MESSAGES for session in hub.sessions)


def create_app(mode: str, rate: float, clients: int) -> FastAPI:
    """Wire hub, publisher and endpoint."""
    hub = Hub()

    async def publish() -> None:
        # A client that is still connecting the others does not read yet.
        while len(hub.sessions) < clients:
            await asyncio.sleep(0.01)
        if mode == "rate":
            await publish_at_rate(hub, rate)
        elif mode != "idle":
            await publish_saturated(hub, BATCH_MESSAGES_MAX if mode == "burst" else 1)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(publish())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/feed")
    async def feed(websocket: WebSocket) -> None:
        await websocket.accept()
        socket = cast("FeedSocketProtocol", websocket.scope["extensions"][SCOPE_EXTENSION])
        session = hub.connect(socket, EVERY_TRADE)
        socket.adopt(session)
        session.send(text_frame(b'{"type":"connected","service":"market-data"}'))

    @app.get("/memory")
    def memory() -> dict[str, int]:
        gc.collect()
        rss_pages = int(Path("/proc/self/statm").read_text().split()[1])
        return {"rss_bytes": rss_pages * resource.getpagesize(), "clients": len(hub.sessions)}

    return app


def main() -> None:
    """Read the options and serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mode", choices=["burst", "single", "rate", "idle"], default="burst")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--clients", type=int, default=1000, help="publish once these are there")
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    parser.add_argument("--send-buffer", type=int, default=-1, help="-1: the default, 0: kernel")
    options = parser.parse_args()
    if options.send_buffer >= 0:
        FeedSocketProtocol.send_buffer_bytes = options.send_buffer or None
    uvicorn.run(
        create_app(options.mode, options.rate, options.clients),
        host="127.0.0.1",
        port=options.port,
        loop=options.loop,
        ws=FeedSocketProtocol,
        ws_per_message_deflate=False,
        ws_max_size=CLIENT_MESSAGE_BYTES_MAX,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
