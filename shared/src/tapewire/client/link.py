"""One connection to the feed at a time: open, receive, notice a dead connection, open the next one.

Delays between attempts are random within a bound that doubles (full jitter), so that the clients of
a restarted service do not connect in step.
"""

import asyncio
import contextlib
import json
import logging
import os
import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from tapewire.client.errors import FeedRefused, FeedUnavailable
from tapewire.errors import ConfigurationError
from tapewire.runtime.venue_address import FEED_PATH
from tapewire.values.account_names import ACCOUNT_HEADER
from tapewire.web.tls import client_context
from tapewire.wire.feed_messages import (
    FeedErrorMessage,
    FeedMessage,
    UnknownMessage,
    decode_message,
)

# The subscription is sent as a message, because many symbols do not fit in a URL.
NO_CHANNELS = "channels="
REQUEST_ID = 1

FINAL_CLOSE_CODES = range(4500, 5000)
# A subscription that is refused with one of these codes is tried again.
PASSING_CODES = frozenset({"busy", "rate_limited", "unavailable"})
REFUSED_STATUSES = frozenset({401, 403})
RETRIED_STATUSES = frozenset({429, *range(500, 600)})


class ConnectionEnded(Exception):
    """The connection has ended; another one may be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """The bounds of a connection; times in seconds."""

    open_timeout_s: float = 5.0
    close_timeout_s: float = 1.0
    # The feed sends a heartbeat after a second of silence.
    silence_timeout_s: float = 5.0
    retry_delay_s: float = 0.05
    retry_delay_max_s: float = 5.0
    # Seconds without a connection, after which FeedUnavailable is raised; None: never.
    give_up_after_s: float | None = None
    message_bytes_max: int = 16 * 1024 * 1024
    # Trust these certificates (PEM) for wss:// addresses instead of those of the system.
    ca_file: Path | None = None
    # For private channels, at a venue with keys.
    api_key: str | None = field(default=None, repr=False)
    # For private channels, at an open venue.
    account: str | None = None


class Link:
    """The present connection, if there is one, to one of several services."""

    def __init__(
        self, urls: Sequence[str], options: LinkOptions, on_trouble: Callable[[str], None]
    ) -> None:
        """`urls` are tried in turn; `on_trouble` gets the reason when a connection fails or ends.

        Raises ValueError without any URL, ConfigurationError for a malformed URL or an unusable CA
        file.
        """
        if not urls:
            raise ValueError("a client needs the address of a service")
        # As errors show them: without NO_CHANNELS.
        self._urls = [_feed_url(url) for url in urls]
        self._options = options
        trust = None if options.ca_file is None else client_context(options.ca_file)
        self._trust: dict[str, Any] = {} if trust is None else {"ssl": trust}
        self._headers = {} if options.account is None else {ACCOUNT_HEADER: options.account}
        self._logger: logging.Logger | None = None
        if options.api_key is not None:
            self._headers["Authorization"] = f"Bearer {options.api_key}"
            # At debug level the library logs the headers of a handshake, the key among them.
            self._logger = logging.getLogger("websockets.client.handshakes")
            self._logger.setLevel(logging.INFO)
        self._on_trouble = on_trouble
        self._turn = 0
        self._attempts = 0
        self._alive_at_s = time.monotonic()
        self._connection: ClientConnection | None = None
        self._error: FeedErrorMessage | None = None
        self.connections = 0

    @property
    def is_open(self) -> bool:
        """Whether a connection is open."""
        return self._connection is not None

    @property
    def _url(self) -> str:
        return self._urls[self._turn % len(self._urls)]

    @property
    def _tls(self) -> dict[str, Any]:
        """The TLS settings: none for ws://, or when the system's certificates are trusted."""
        return self._trust if self._url.startswith("wss:") else {}

    async def open(self, request: Mapping[str, object]) -> None:
        """Connect and subscribe. Raises ConnectionEnded, FeedRefused, FeedUnavailable."""
        await self._pause()
        url, options = self._url, self._options
        try:
            # Heartbeats prove that the feed is alive, so that no ping is needed.
            self._connection = await connect(
                f"{url}{'&' if '?' in url else '?'}{NO_CHANNELS}",
                additional_headers=self._headers,
                logger=self._logger,
                **self._tls,
                open_timeout=options.open_timeout_s,
                close_timeout=options.close_timeout_s,
                ping_interval=None,
                max_size=options.message_bytes_max,
                compression=None,
                proxy=None,
            )
            self.connections += 1
            self._error = None
            await self._connection.send(json.dumps({**request, "id": REQUEST_ID}))
        except (InvalidURI, UnicodeError):
            # A UnicodeError: the host is no name that DNS can look up.
            raise FeedRefused("invalid_url", f"{url} is not a WebSocket address") from None
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            if status in REFUSED_STATUSES:
                raise FeedRefused(
                    str(status), f"{url} answers {status}: not with this key"
                ) from None
            if status not in RETRIED_STATUSES:
                raise FeedRefused(str(status), f"{url} answers {status}; is it the feed?") from None
            await self._lost(f"{url} answers {status}")
        except ssl.SSLCertVerificationError as error:
            reason = f"the certificate of {url} is not trusted: {error.verify_message}"
            raise FeedRefused("certificate_not_trusted", reason) from None
        except (OSError, InvalidHandshake, WebSocketException) as error:
            await self._lost(f"{url}: {_reason(error)}")

    async def receive(self) -> FeedMessage | UnknownMessage:
        """The next message. Raises ConnectionEnded, FeedRefused, MessageError."""
        if self._connection is None:
            raise ConnectionEnded
        try:
            async with asyncio.timeout(self._options.silence_timeout_s):
                text = await self._connection.recv()
        except TimeoutError:
            await self._lost(f"{self._url} is silent")
        except ConnectionClosed as closed:
            await self._closed(closed)
        message = decode_message(text)
        if isinstance(message, FeedErrorMessage):
            await self._take_error(message)
        return message

    def prove_alive(self, *, settled: bool) -> None:
        """Note that data arrived; with `settled` the next failure counts as the first one."""
        self._alive_at_s = time.monotonic()
        if settled:
            self._attempts = 0

    async def close(self) -> None:
        """End the connection; the next one goes to the next service. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._turn += 1
            with contextlib.suppress(OSError, WebSocketException):
                await connection.close()

    async def _pause(self) -> None:
        options = self._options
        silence_s = time.monotonic() - self._alive_at_s
        if options.give_up_after_s is not None and silence_s > options.give_up_after_s:
            raise FeedUnavailable(f"no feed at {', '.join(self._urls)} for {silence_s:.1f} s")
        if self._attempts:
            # The exponent is bounded, because a float cannot hold 2 ** 10_000.
            bound_s = options.retry_delay_s * 2 ** min(self._attempts - 1, 30)
            await asyncio.sleep(random.uniform(0, min(bound_s, options.retry_delay_max_s)))
        self._attempts += 1

    async def _take_error(self, error: FeedErrorMessage) -> None:
        self._error = error
        if error.id != REQUEST_ID:
            return
        if error.code not in PASSING_CODES:
            await self.close()
            raise FeedRefused(error.code, error.message)
        await self._lost(error.message)

    async def _closed(self, closed: ConnectionClosed) -> NoReturn:
        code = closed.rcvd.code if closed.rcvd is not None else None
        reason = closed.rcvd.reason if closed.rcvd is not None else ""
        if code in FINAL_CLOSE_CODES:
            await self.close()
            error = self._error
            raise FeedRefused(
                error.code if error else str(code), error.message if error else reason
            ) from None
        await self._lost(f"{self._url} closed ({code or 'connection lost'}) {reason}".rstrip())

    async def _lost(self, reason: str) -> NoReturn:
        if self._connection is None:
            self._turn += 1
        await self.close()
        self._on_trouble(reason)
        raise ConnectionEnded(reason) from None


def _reason(error: Exception) -> str:
    """The reason in words: asyncio puts addresses and numbers into the text of an OSError."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def _feed_url(url: str) -> str:
    """The address to connect to; the default path is the path of the feed."""
    try:
        parts = urlsplit(url)
        is_valid = parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ConfigurationError(
            f"{url!r} is not the URL of a feed: write ws://HOST:PORT or wss://HOST:PORT"
        )
    path = "" if parts.path.strip("/") else FEED_PATH
    return f"{url.rstrip('/')}{path}"
