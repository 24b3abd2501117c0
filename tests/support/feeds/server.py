"""A real uvicorn with the feed's WebSocket protocol and a hub, in a thread with its own loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket

from market_data.fanout.hub import Hub
from market_data.fanout.lag import LagPolicy
from market_data.fanout.session import Session
from market_data.http.feed_socket import FeedSocketProtocol
from market_data.limits import FanoutLimits
from tapewire.web.connections import Connections
from tapewire.web.http_protocol import HttpProtocol
from tapewire.web.websocket_frames import text_frame
from tapewire.web.websocket_protocol import SCOPE_EXTENSION
from tests.support.wait import wait_for, wait_until

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
TRADES = frozenset({("trades", "*")})
MESSAGE_BYTES_MAX = 4096

Result = TypeVar("Result")


class QuickSocketProtocol(FeedSocketProtocol):
    """The protocol with a close timeout that tests can wait for, and a small kernel buffer."""

    close_timeout_s = 0.3
    send_buffer_bytes = 16 * 1024


class BoundedHttpProtocol(HttpProtocol):
    """The HTTP protocol of the services; the test sets its bounds here."""

    def __init__(self, **uvicorn_arguments: Any) -> None:
        super().__init__(request_timeout_s=10, connections=Connections(), **uvicorn_arguments)


class FeedServer:
    """The server, its hub, and access to both from the thread of the test."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limits: FanoutLimits, **uvicorn_options: Any
    ) -> None:
        """Prepare; `running_server` starts it."""
        self.loop = loop
        self.hub = Hub(limits=limits)
        self.sockets: list[FeedSocketProtocol] = []
        self.adopt_now = threading.Event()
        self.adopt_now.set()
        self.server = uvicorn.Server(
            uvicorn.Config(
                self._create_app(),
                port=0,
                http=BoundedHttpProtocol,
                ws=QuickSocketProtocol,
                ws_max_size=MESSAGE_BYTES_MAX,
                lifespan="off",
                log_level="critical",
                timeout_graceful_shutdown=2,
                **uvicorn_options,
            )
        )

    def run(self) -> None:
        """Serve until the test stops the server; the body of the thread."""
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self.server.serve())
        finally:
            self.loop.close()

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    def call(self, function: Callable[[], Result]) -> Result:
        """Run a function on the server's loop and return what it returns."""

        async def run() -> Result:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def publish(self, first: int, last: int, size_bytes: int = 100) -> None:
        """Publish and flush numbered messages of about this size."""

        def publish() -> None:
            for seq in range(first, last + 1):
                payload = b"%d " % seq + b"x" * size_bytes
                self.hub.publish("trades", "BTC", seq, text_frame(payload))
            self.hub.flush()

        self.call(publish)

    def wait_for_clients(self, count: int) -> None:
        """Wait until the hub has `count` clients."""
        wait_for(lambda: len(self.hub.sessions) == count, f"{count} clients in the hub")

    def wait_for_connections(self, count: int) -> None:
        """Wait until the server has `count` connections."""
        connections = self.server.server_state.connections
        wait_for(lambda: len(connections) == count, f"{count} connections")

    def _create_app(self) -> FastAPI:
        app = FastAPI()

        @app.websocket("/feed")
        async def feed(websocket: WebSocket) -> None:
            await websocket.accept()
            await wait_until(self.adopt_now.is_set, "the test to let connections be adopted")
            policy = LagPolicy(websocket.query_params.get("on_lag", "disconnect"))
            socket = cast("FeedSocketProtocol", websocket.scope["extensions"][SCOPE_EXTENSION])
            self.sockets.append(socket)
            session = self.hub.connect(socket, TRADES, policy=policy, on_text=answer)
            socket.adopt(session)
            session.send(text_frame(b"hello"))
            if websocket.query_params.get("then") == "fail":
                raise LookupError("the endpoint failed after it adopted")

        @app.websocket("/classic")
        async def classic(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text(await websocket.receive_text())

        @app.websocket("/refuse")
        async def refuse(websocket: WebSocket) -> None:
            await websocket.close(1008)

        @app.websocket("/early")
        async def early(websocket: WebSocket) -> None:
            socket = cast("FeedSocketProtocol", websocket.scope["extensions"][SCOPE_EXTENSION])
            socket.adopt(self.hub.connect(socket, TRADES))

        return app


def answer(session: Session, text: str) -> None:
    """Echo a message; `close` closes, `who` is anything else."""
    if text == "close":
        session.close(4001, "as you wish")
    else:
        session.send(text_frame(text.encode()))


@contextlib.contextmanager
def running_server(
    loop_name: str, limits: FanoutLimits | None = None, **uvicorn_options: Any
) -> Iterator[FeedServer]:
    """Run a server for the length of a `with` block."""
    feed = FeedServer(LOOPS[loop_name](), limits or FanoutLimits(), **uvicorn_options)
    thread = threading.Thread(target=feed.run, name="feed-server")
    thread.start()
    try:
        wait_for(lambda: feed.server.started, "the server listens")
        yield feed
    finally:
        feed.server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"
