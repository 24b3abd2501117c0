"""socketify (uWebSockets under Python): native topics, one publish a message.

    python -m benchmarks.peers.socketify_feed PORT RATE

RATE 0 publishes bursts as fast as the loop turns; otherwise that many messages per second.
"""

import asyncio
import sys

from benchmarks.feed_message import message
from benchmarks.peers.pace import paced
from socketify import App, AppListenOptions, CompressOptions, OpCode

# Fewer than the 16 KiB at which uWebSockets sends early cost more calls; more gain nothing.
BURST_MESSAGES = 64
BACKPRESSURE_BYTES_MAX = 64 * 1024 * 1024


async def publish(app: App, rate: float) -> None:
    """Publish for ever on the one topic."""
    seq = 0
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
    app = App()
    app.ws(
        "/*",
        {
            "compression": CompressOptions.DISABLED,
            "max_backpressure": BACKPRESSURE_BYTES_MAX,
            "idle_timeout": 120,
            "open": lambda socket: socket.subscribe("trades"),
        },
    )
    app.listen(AppListenOptions(port=port, host="127.0.0.1"), lambda _: None)
    publishing = app.loop.loop.create_task(publish(app, rate))
    app.run()
    publishing.cancel()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
