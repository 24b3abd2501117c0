"""Run one ASGI service: its socket, uvicorn with every option explicit, its start and its end.

Whatever stops a start ends the process with one sentence and status 1, without a traceback.
"""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Literal

import uvicorn
from fastapi import FastAPI
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tapewire.errors import ConfigurationError, TapewireError

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ServerSettings(BaseSettings):
    """How a service listens; each service adds its own port, prefix and limits."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(0, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    reuse_port: bool = Field(
        False, description="Share the port with other workers of the service (SO_REUSEPORT)"
    )
    backlog: int = Field(
        2_048, ge=1, le=65_535, description="Connections that may wait to be accepted"
    )
    connections_max: int = Field(
        4_096, ge=1, le=1_000_000, description="Open connections; more are answered with 503"
    )
    keep_alive_timeout_s: int = Field(
        75, ge=1, le=3_600, description="How long an idle connection stays open"
    )
    graceful_shutdown_timeout_s: int = Field(
        10, ge=0, le=600, description="How long a stop waits for requests that are being answered"
    )


@dataclass(frozen=True, slots=True)
class WebSocketOptions:
    """How the server speaks WebSocket. Compression is off: it costs CPU and memory per client."""

    protocol: type[asyncio.Protocol] | Literal["none"]
    message_bytes_max: int = 65_536
    queue_messages_max: int = 32
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 20.0


NO_WEBSOCKET = WebSocketOptions("none")


@contextlib.contextmanager
def exit_with_a_sentence(service: str) -> Iterator[None]:
    """Turn an error of ours into one line on standard error and exit status 1."""
    try:
        yield
    except TapewireError as error:
        sys.stderr.write(f"{service}: {error}\n")
        sys.exit(1)


def serve(
    app: FastAPI,
    settings: ServerSettings,
    websocket: WebSocketOptions = NO_WEBSOCKET,
    *,
    check_address: Callable[[str], None],
) -> None:
    """Run `app` and its lifespan until SIGINT or SIGTERM; `check_address` may refuse where.

    Raises ConfigurationError if the port cannot be had, and whatever the lifespan raises at start.
    """
    config = configure(app, settings, websocket)
    with (
        bind_socket(settings, check_address) as listener,
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        runner.run(_serve(app, _Server(config, app), listener))


def configure(
    app: FastAPI, settings: ServerSettings, websocket: WebSocketOptions = NO_WEBSOCKET
) -> uvicorn.Config:
    """Every option of uvicorn that matters, so that none changes with its version."""
    return uvicorn.Config(
        app,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http="httptools",
        ws=websocket.protocol,
        ws_max_size=websocket.message_bytes_max,
        ws_max_queue=websocket.queue_messages_max,
        ws_ping_interval=websocket.ping_interval_s,
        ws_ping_timeout=websocket.ping_timeout_s,
        ws_per_message_deflate=False,
        lifespan="off",  # entered by `serve`, so that its errors reach the caller
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        limit_concurrency=settings.connections_max,
        backlog=settings.backlog,
        timeout_keep_alive=settings.keep_alive_timeout_s,
        timeout_graceful_shutdown=settings.graceful_shutdown_timeout_s,
    )


@contextlib.contextmanager
def bind_socket(
    settings: ServerSettings, check_address: Callable[[str], None] = lambda _: None
) -> Iterator[socket.socket]:
    """Take the port, not yet listening; `check_address` is given the IP address before that.

    Raises ConfigurationError if that is not possible, and what `check_address` raises.
    """
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        check_address(str(address[0]))
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {where}: {error.strerror}") from None
    with contextlib.closing(listener):
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if settings.reuse_port:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            yield listener
        except OSError as error:
            # Two sockets may be bound to one port; the second learns of it when it listens.
            if error.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}:
                raise
            raise ConfigurationError(f"cannot listen on {where}: {_explain(error)}") from None


def _explain(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "address already in use; stop the process that uses it, or choose another port"
    return (error.strerror or str(error)).lower()


async def _serve(app: FastAPI, server: "_Server", listener: socket.socket) -> None:
    """The life of the process: start what the app needs, listen, drain, stop what it needed."""
    with server.stopping_on_signals():
        try:
            async with app.router.lifespan_context(app):
                await server.serve(sockets=[listener])
        except asyncio.CancelledError:
            if not server.should_exit:
                raise
            logger.info("stopped before the start was complete")


class _Server(uvicorn.Server):
    """Says where it listens, and stops in good order also before and after it listens."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self._drain: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        for listener in sockets or []:
            host, port, *_ = listener.getsockname()
            shown = f"[{host}]" if ":" in host else host
            logger.info("listening on http://%s:%d", shown, port)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `stopping_on_signals`: uvicorn would skip the drain."""
        yield

    @contextlib.contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Stop in good order on SIGINT or SIGTERM, whatever stage the process is in."""
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
        """Let the app say goodbye to its clients, then exit as the signal asked for."""
        if self._drain is None:
            self._drain = asyncio.create_task(self._app.state.drain.run(), name="drain")
            self._drain.add_done_callback(lambda _: self.handle_exit(number, None))
