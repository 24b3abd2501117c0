"""The usual first version of a feed, for comparison: one message, one send per client.

A `get_message` in the executor, `send_json` to one client after the other, and a sleep of 10 ms
between messages. This feed proves no continuity and refills no gap, and one slow client delays all.
"""

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

CHANNEL = "trade_events"
SLEEP_S = 0.01


def create_app(redis_url: str) -> FastAPI:
    """The application: subscribes while it runs, sends to all connected clients."""
    clients: set[WebSocket] = set()

    async def broadcast() -> None:
        loop = asyncio.get_running_loop()
        with redis.Redis.from_url(redis_url) as client, client.pubsub() as pubsub:
            pubsub.subscribe(CHANNEL)
            while True:
                message = await loop.run_in_executor(None, pubsub.get_message)
                if message is not None and message["type"] == "message":
                    body = {"type": "trade", "data": json.loads(message["data"])}
                    for websocket in list(clients):
                        await websocket.send_json(body)
                await asyncio.sleep(SLEEP_S)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(broadcast())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.websocket("/ws/market-data")
    async def market_data(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.add(websocket)
        try:
            await websocket.send_json({"type": "connected"})
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            pass
        finally:
            clients.discard(websocket)

    return app


def main() -> None:
    """Serve on a port of this machine until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis-url", required=True)
    options = parser.parse_args()
    uvicorn.run(create_app(options.redis_url), port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
