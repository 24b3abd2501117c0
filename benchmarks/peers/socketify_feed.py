"""socketify (uWebSockets under Python): native topics, one publish a message.

    python -m benchmarks.peers.socketify_feed PORT RATE

RATE 0 publishes bursts as fast as the loop turns; otherwise that many messages per second.
"""

import asyncio
import sys
import time

from benchmarks.feed_message import message
from benchmarks.peers.pace import paced
from socketify import App, AppListenOptions, CompressOptions, OpCode, WebSocket

# Fewer than the 16 KiB at which uWebSockets sends early cost more calls; more gain nothing.
BURST_MESSAGES = 64
QUIET_S = 0.5
BACKPRESSURE_BYTES_MAX = 64 * 1024 * 1024


class Arrivals:
    """When the last client came: a flood before all are there would keep the others out."""

    def __init__(self) -> None:
        self.last_s = float("inf")

    def came(self, socket: WebSocket) -> None:
        """Subscribe a new client."""
        socket.subscribe("trades")
        self.last_s = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether no client connected for a while."""
        return time.monotonic() - self.last_s > QUIET_S


async def publish(app: App, rate: float, arrivals: Arrivals) -> None:
    """Publish on the one topic until stopped, once all clients are connected."""
    seq = 0
    while not arrivals.over:
        await asyncio.sleep(0.01)
    while True:
        if rate:
            async for _ in paced(rate):
                seq += 1
                app.publish("trades", message(seq), OpCode.TEXT)
        for _ in range(BURST_MESSAGES):
            seq += 1
            app.publish("trades", message(seq), OpCode.TEXT)
        await asyncio.sleep(0)


def main(port: int, rate: float) -> None:
    """Serve until the process is ended."""
    app, arrivals = App(), Arrivals()
    app.ws(
        "/*",
        {
            "compression": CompressOptions.DISABLED,
            "max_backpressure": BACKPRESSURE_BYTES_MAX,
            "idle_timeout": 120,
            "open": arrivals.came,
        },
    )
    app.listen(AppListenOptions(port=port, host="127.0.0.1"), lambda _: None)
    publishing = app.loop.loop.create_task(publish(app, rate, arrivals))
    app.run()
    publishing.cancel()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
