"""A feed with as many messages a second as wanted, for measuring the page and nothing else.

`python -m benchmarks.busy_feed PORT MESSAGES_PER_S SECONDS` serves one market. With the signal USR1
the stream begins for every connection that follows book and trades: a trade with each book update,
MESSAGES_PER_S times SECONDS messages in all. From then on there are heartbeats only. The work of
the real service would otherwise be measured too.
"""

import asyncio
import json
import random
import signal
import sys
import time
import zlib
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from tapewire.web.websocket_frames import text_frame

SYMBOL = "BTC-USDT"
EPOCH = "4b647e01df66"
TICK_S = 0.01
LEVELS = 400
MIDDLE = 6_000_000


def text_of(units: int, decimals: int) -> str:
    """Units as decimal text."""
    digits = str(units).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


class Market:
    """A book that stays around one price, and its trades; the same random numbers each time."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.trade_seq = self.book_seq = 0
        self.now = now()
        self.bids = {MIDDLE - 1 - index: 50_000 + index for index in range(LEVELS)}
        self.asks = {MIDDLE + 1 + index: 50_000 + index for index in range(LEVELS)}

    def trade(self) -> str:
        """The next trade, as the feed sends it."""
        self.trade_seq += 1
        side = "buy" if self.random.random() < 0.5 else "sell"
        price = text_of(MIDDLE + int(self.random.random() * 40) - 20, 2)
        quantity = text_of(1 + int(self.random.random() * 100_000), 5)
        return (
            f'{{"type":"trade","data":{{"trade_id":"{SYMBOL}-{self.trade_seq}",'
            f'"seq":{self.trade_seq},"symbol":"{SYMBOL}","price":"{price}",'
            f'"quantity":"{quantity}","aggressor_side":"{side}","maker_order_id":"1",'
            f'"taker_order_id":"2","timestamp":"{self.now}","epoch":"{EPOCH}"}}}}'
        )

    def update(self) -> str:
        """The next change of the book: a level of each side has another quantity."""
        self.book_seq += 1
        changed = []
        for side, sign in ((self.bids, -1), (self.asks, 1)):
            price = MIDDLE + sign * (1 + int(self.random.random() ** 4 * LEVELS))
            side[price] = 1 + int(self.random.random() * 200_000)
            changed.append(f'["{text_of(price, 2)}","{text_of(side[price], 5)}"]')
        return (
            f'{{"type":"l2_update","data":{{"symbol":"{SYMBOL}","seq":{self.book_seq},'
            f'"bids":[{changed[0]}],"asks":[{changed[1]}],"timestamp":"{self.now}",'
            f'"epoch":"{EPOCH}"}}}}'
        )

    def snapshot(self) -> dict[str, Any]:
        """The whole book."""
        bids, asks = self.levels()
        return {
            "type": "book_snapshot",
            "data": {"symbol": SYMBOL, "seq": self.book_seq, "epoch": EPOCH, "depth": "all",
                     "bids": bids, "asks": asks, "checksum": self.checksum(), "timestamp": now()},
        }  # fmt: skip

    def levels(self) -> tuple[list[list[str]], list[list[str]]]:
        """Both sides, best first."""
        bids = sorted(self.bids.items(), reverse=True)
        asks = sorted(self.asks.items())
        return (
            [[text_of(price, 2), text_of(lots, 5)] for price, lots in bids],
            [[text_of(price, 2), text_of(lots, 5)] for price, lots in asks],
        )

    def checksum(self) -> int:
        """As the protocol defines it."""
        sides = [",".join(f"{p}:{q}" for p, q in side[:10]) for side in self.levels()]
        return zlib.crc32("|".join(sides).encode())

    def heartbeat(self) -> dict[str, Any]:
        """Where the market stands."""
        return {
            "type": "heartbeat", "epoch": EPOCH, "seq": {SYMBOL: self.trade_seq},
            "timestamp": now(),
            "book": {SYMBOL: {"seq": self.book_seq, "checksum": self.checksum()}},
        }  # fmt: skip


def now() -> str:
    """The time as the venue writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class BusyFeed:
    """Serves every connection; the market moves for connections that follow trades."""

    def __init__(self, messages_per_s: int, duration_s: float) -> None:
        self._pairs_per_s = messages_per_s / 2
        self._pairs = int(self._pairs_per_s * duration_s)
        self._market = Market()
        self.begun = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, socket: ServerConnection) -> None:
        """Answer requests until the connection ends."""
        await say(socket, {"type": "connected", "service": "market-data", "epoch": EPOCH,
                           "subscriptions": [], "seq": {}})  # fmt: skip
        followed: set[str] = set()
        self._start(self._beat(socket, followed))
        async for text in socket:
            request = json.loads(text)
            answer = {"id": request["id"], "epoch": EPOCH, "seq": {SYMBOL: self._market.trade_seq},
                      "subscriptions": []}  # fmt: skip
            if request["op"] == "ping":
                await say(socket, {"type": "pong", "id": request["id"]})
            elif request["op"] == "authenticate":
                await say(socket, {"type": "authenticated", "id": request["id"], "account": "demo"})
            else:
                await say(socket, {"type": f"{request['op']}d", **answer})
            if request["op"] == "subscribe":
                if "book" in request["channels"]:
                    await say(socket, self._market.snapshot())
                is_new = not {"book", "trades"} <= followed
                followed |= set(request["channels"])
                if is_new and {"book", "trades"} <= followed:
                    self._start(self._stream(socket))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beat(self, socket: ServerConnection, followed: set[str]) -> None:
        while True:
            await asyncio.sleep(1)
            beat = self._market.heartbeat()
            if "book" not in followed:
                beat["seq"] = {}
                del beat["book"]
            await say(socket, beat)

    async def _stream(self, socket: ServerConnection) -> None:
        """Send `count` pairs at the wanted rate; a slow machine takes longer."""
        await self.begun.wait()
        start_s = time.monotonic()
        market = self._market
        while market.trade_seq < self._pairs:
            await asyncio.sleep(TICK_S)
            due = int((time.monotonic() - start_s) * self._pairs_per_s)
            market.now = now()
            frames = []
            while market.trade_seq < min(due, self._pairs):
                frames += [
                    text_frame(market.trade().encode()),
                    text_frame(market.update().encode()),
                ]
            socket.transport.write(b"".join(frames))
            await socket.drain()


async def say(socket: ServerConnection, message: dict[str, Any]) -> None:
    """Send one message."""
    await socket.send(json.dumps(message, separators=(",", ":")))


async def main(port: int, messages_per_s: int, duration_s: float) -> None:
    """Serve until the process is stopped."""
    feed = BusyFeed(messages_per_s, duration_s)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, feed.begun.set)
    async with serve(feed.handle, "127.0.0.1", port, compression=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
