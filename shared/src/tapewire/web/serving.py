"""Run one ASGI service: its socket, uvicorn with every option explicit, its start and its end.

An error at start ends the process with one sentence and status 1, without a traceback.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvicorn
from fastapi import FastAPI
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from tapewire.errors import ConfigurationError, TapewireError
from tapewire.limits import WORKERS_MAX
from tapewire.settings import VenueSettings
from tapewire.values.origins import Admission
from tapewire.values.service_address import ServiceAddress
from tapewire.web.connections import CONNECTIONS_MAX, Connections
from tapewire.web.exposure import resolved_address
from tapewire.web.origin_guard import OriginGuard
from tapewire.web.problem import ProblemApp
from tapewire.web.response_headers import every_answer
from tapewire.web.server import Server
from tapewire.web.tls import server_context

logger = logging.getLogger(__name__)

ADDRESS_PART_EIGHTHS = 7


class ServerSettings(BaseSettings):
    """The listening options of a service; each service adds its own port, prefix and limits."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(0, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    reuse_port: bool = Field(
        False, description="Share the port with other workers of the service (SO_REUSEPORT)"
    )
    workers: int = Field(
        1,
        ge=1,
        le=WORKERS_MAX,
        description="Processes of the service; above 1 a parent starts them on one port",
    )
    backlog: int = Field(
        2_048, ge=1, le=65_535, description="Connections that may wait to be accepted"
    )
    connections_max: int = Field(
        CONNECTIONS_MAX,
        ge=1,
        le=1_000_000,
        description="Open connections; above the limit idle ones are closed, or new ones get 503",
    )
    address_connections_max: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Open connections of one address; by default 7/8 of all",
    )
    keep_alive_timeout_s: int = Field(
        75, ge=1, le=3_600, description="Time after which an idle connection is closed"
    )
    request_timeout_s: int = Field(
        10,
        ge=1,
        le=600,
        description="Time in which a client must send a request, or finish the TLS handshake",
    )
    graceful_shutdown_timeout_s: int = Field(
        10, ge=0, le=600, description="Time that a stop waits for running requests"
    )
    tls_certificate: Path | None = Field(
        None, description="Certificate and its chain (PEM); with it and its key: https and wss"
    )
    tls_key: Path | None = Field(None, description="Private key of the certificate (PEM)")
    tls_key_password: SecretStr | None = Field(
        None, description="Password of the private key, if it has one"
    )
    venue: VenueSettings = Field(
        default_factory=VenueSettings,
        description="Settings that every service reads",
    )

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context of the listener, None for plain HTTP. Raises ConfigurationError."""
        password = self.tls_key_password
        return server_context(
            self.tls_certificate,
            self.tls_key,
            None if password is None else password.get_secret_value(),
            prefix=self.model_config.get("env_prefix", ""),
        )

    @property
    def connections_of_an_address(self) -> int:
        """The bound of one address: as set, or the part of all that leaves room for others."""
        part = self.connections_max * ADDRESS_PART_EIGHTHS // 8
        return self.address_connections_max or max(1, part)

    def admission(self) -> Admission:
        """Which pages may call the service, and under which names."""
        venue = self.venue
        return Admission.listening_on(
            resolved_address(self.host),
            origins=venue.allowed_origins,
            hosts=venue.allowed_hosts,
            own_name=self.host,
            page=self.page_address(),
        )

    def page_address(self) -> ServiceAddress | None:
        """The other service whose pages may ask this one; None without such a service."""
        return None


@dataclass(frozen=True, slots=True)
class WebSocketOptions:
    """WebSocket options. Compression is off, because it costs CPU and memory per client."""

    protocol: type[asyncio.Protocol] | Literal["none"]
    message_bytes_max: int = 65_536
    queue_messages_max: int = 32
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 20.0


NO_WEBSOCKET = WebSocketOptions("none")


@contextlib.contextmanager
def exit_with_a_sentence(service: str) -> Iterator[None]:
    """Turn a TapewireError into one line on standard error and exit status 1."""
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
    """Run `app` and its lifespan until SIGINT or SIGTERM; `check_address` may refuse the address.

    Raises ConfigurationError for a port in use or an unusable certificate, and whatever the
    lifespan raises at start.
    """
    context = settings.tls()
    config = configure(app, settings, websocket)
    with (
        bind_socket(settings, check_address) as listener,
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        connections = app.connections if isinstance(app, ProblemApp) else Connections()
        connections.bound(settings.connections_max, settings.connections_of_an_address)
        server = Server(
            config,
            app,
            context,
            request_timeout_s=settings.request_timeout_s,
            connections=connections,
        )
        runner.run(_serve(app, server, listener))


def configure(
    app: FastAPI, settings: ServerSettings, websocket: WebSocketOptions = NO_WEBSOCKET
) -> uvicorn.Config:
    """Set every uvicorn option that matters, so that no default changes with its version."""
    return uvicorn.Config(
        OriginGuard(app, settings.admission()),
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http="httptools",
        ws=websocket.protocol,
        ws_max_size=websocket.message_bytes_max,
        ws_max_queue=websocket.queue_messages_max,
        ws_ping_interval=websocket.ping_interval_s,
        ws_ping_timeout=websocket.ping_timeout_s,
        ws_per_message_deflate=False,
        lifespan="off",  # Entered by `serve`, so that its errors reach the caller.
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        # A client could claim any address in a header and use up the rate limit of another client.
        proxy_headers=False,
        headers=every_answer(secure=settings.tls_certificate is not None),
        server_header=False,
        date_header=True,
        backlog=settings.backlog,
        timeout_keep_alive=settings.keep_alive_timeout_s,
        timeout_graceful_shutdown=settings.graceful_shutdown_timeout_s,
    )


@contextlib.contextmanager
def bind_socket(
    settings: ServerSettings, check_address: Callable[[str], None] = lambda _: None
) -> Iterator[socket.socket]:
    """Bind the port without listening; `check_address` gets the IP address first.

    Raises ConfigurationError if the port cannot be bound, and what `check_address` raises.
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
            # Two sockets may bind one port; the second fails when it listens.
            if error.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}:
                raise
            raise ConfigurationError(f"cannot listen on {where}: {_explain(error)}") from None


def _explain(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "address already in use; stop the process that uses it, or choose another port"
    return (error.strerror or str(error)).lower()


async def _serve(app: FastAPI, server: Server, listener: socket.socket) -> None:
    """The life of the process: start the application, listen, drain, stop the application."""
    with server.stopping_on_signals():
        try:
            async with app.router.lifespan_context(app):
                await server.serve(sockets=[listener])
        except asyncio.CancelledError:
            if not server.should_exit:
                raise
            logger.info("stopped before the start was complete")
