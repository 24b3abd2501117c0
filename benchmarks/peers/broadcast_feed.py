"""`websockets.broadcast`: one call a message to all connections, as its documentation shows.

    python -m benchmarks.peers.broadcast_feed PORT RATE

RATE 0 broadcasts in bursts as fast as the loop turns, waiting while any connection has unsent
data; otherwise that many messages per second, each with the time it was sent.
"""

import asyncio
import sys

from benchmarks.feed_message import message
from benchmarks.peers.pace import paced
from websockets.asyncio.server import ServerConnection, broadcast, serve

BURST_MESSAGES = 100
UNSENT_BYTES_MAX = 1024 * 1024


async def main(port: int, rate: float) -> None:
    """Serve until the process is ended."""
    connections: set[ServerConnection] = set()

    async def handler(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            connections.discard(connection)

    async with serve(handler, "127.0.0.1", port, compression=None, ping_interval=None):
        seq = 0
        while True:
            if rate:
                async for _ in paced(rate):
                    seq += 1
                    broadcast(connections, message(seq).decode())
            while any(
                connection.transport.get_write_buffer_size() > UNSENT_BYTES_MAX
                for connection in connections
            ):
                await asyncio.sleep(0)
            for _ in range(BURST_MESSAGES):
                seq += 1
                broadcast(connections, message(seq).decode())
            await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
