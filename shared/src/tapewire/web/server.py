"""uvicorn's server with a drain before its shutdown and bounds on slow clients."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from tapewire.web.connections import Connections
from tapewire.web.http_protocol import HttpProtocol

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
TLS_SHUTDOWN_TIMEOUT_S = 5.0
# uvicorn calls `on_tick` ten times a second.
TICKS_PER_S = 10
# Objects made before the collector looks at the young ones; Python's own 700 is reached by a
# handful of requests, whose objects nearly all go without it.
YOUNG_OBJECTS = 20_000


def start_the_collector() -> None:
    """Switch the garbage collector on; objects that exist after the start are frozen for it.

    The start leaves about 2,000 objects as garbage. To look for them takes longer than a tenth of
    the imports, and frees less than a megabyte.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


class Server(uvicorn.Server):
    """Reports its address when it listens, and shuts down in order at every stage."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        context: ssl.SSLContext | None,
        *,
        request_timeout_s: float,
        connections: Connections,
    ) -> None:
        super().__init__(config)
        self._app = app
        self._context = context
        self._request_timeout_s = request_timeout_s
        self._connections = connections
        self._drain: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen and report the address, as uvicorn does, with a bound on every TLS handshake."""
        loop, context = asyncio.get_running_loop(), self._context
        self.servers = [
            await loop.create_server(
                self._connection,
                sock=listener,
                ssl=context,
                backlog=self.config.backlog,
                ssl_handshake_timeout=self._request_timeout_s if context else None,
                ssl_shutdown_timeout=TLS_SHUTDOWN_TIMEOUT_S if context else None,
            )
            for listener in sockets or []
        ]
        self.started = True
        start_the_collector()
        for listener in sockets or []:
            host, port, *_ = listener.getsockname()
            shown = f"[{host}]" if ":" in host else host
            logger.info("listening on http%s://%s:%d", "s" if context else "", shown, port)

    async def on_tick(self, counter: int) -> bool:
        """Check for clients that send their request too slowly."""
        if counter % TICKS_PER_S == 0:
            now_s = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, HttpProtocol):
                    connection.enforce_deadline(now_s)
        return await super().on_tick(counter)

    def _connection(self) -> HttpProtocol:
        return HttpProtocol(
            config=self.config,
            server_state=self.server_state,
            app_state={},
            request_timeout_s=self._request_timeout_s,
            connections=self._connections,
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `stopping_on_signals`, because uvicorn would skip the drain."""
        yield

    @contextlib.contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Shut down in order on SIGINT or SIGTERM, at every stage of the process."""
        loop, main = asyncio.get_running_loop(), asyncio.current_task()

        def stop(number: int, frame: FrameType | None) -> None:
            started = self.started
            if started and self._drain is None and hasattr(self._app.state, "drain"):
                loop.call_soon_threadsafe(self._begin_drain, number)
                return
            self.handle_exit(number, frame)
            if not started and main is not None:
                loop.call_soon_threadsafe(main.cancel)

        previous = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _begin_drain(self, number: int) -> None:
        """Let the application drain its clients, then exit as the signal asks."""
        if self._drain is None:
            self._drain = asyncio.create_task(self._app.state.drain.run(), name="drain")
            self._drain.add_done_callback(lambda _: self.handle_exit(number, None))
