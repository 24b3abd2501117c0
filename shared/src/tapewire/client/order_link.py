"""Opens a connection of order entry over WebSocket."""

import asyncio
import logging
import ssl
from typing import Any, cast

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from tapewire.client.addresses import ServiceAddress
from tapewire.client.errors import Unreachable
from tapewire.client.reply_connection import REPLY_BYTES_MAX, ReplyConnection
from tapewire.client.rest import RETRIED_STATUSES, RestOptions, refusal_of
from tapewire.errors import MessageError
from tapewire.web.tls import client_context

PATH = "/v1/ws"
CLOSE_TIMEOUT_S = 1.0


class Hello(msgspec.Struct, frozen=True):
    """The first message of the gateway: whose connection it is, and its bounds."""

    account: str
    cancel_on_disconnect: bool
    in_flight_max: int
    message_bytes_max: int
    # `recorded`: each request carries the time at which it is done.
    clock: str = "venue"


_read_hello = msgspec.json.Decoder(Hello).decode


async def open_link(
    gateway: ServiceAddress, options: RestOptions, *, cancel_on_disconnect: bool
) -> tuple[ReplyConnection, Hello]:
    """Connect to a gateway, in as many attempts as `options` allow.

    Raises RequestRefused if the gateway does not let this account in, Unreachable,
    ConfigurationError, MessageError if the other side is no gateway.
    """
    url = f"{gateway.websocket_url}{PATH}"
    query = "?cancel_on_disconnect=true" if cancel_on_disconnect else ""
    settings = _settings(gateway, options)
    reason = "no attempt was made"
    for attempt in range(options.attempts_max):
        await asyncio.sleep(options.retry_delay_within_s(attempt))
        try:
            connection = cast(ReplyConnection, await connect(f"{url}{query}", **settings))
            try:
                async with asyncio.timeout(options.timeout_s):
                    return connection, _greeting(await connection.first())
            except BaseException:
                await connection.close()
                raise
        except InvalidStatus as answer:
            reply = answer.response
            refusal = refusal_of(
                reply.status_code, bytes(reply.body or b""), dict(reply.headers.raw_items())
            )
            if reply.status_code not in RETRIED_STATUSES:
                raise refusal from None
            reason = refusal.detail
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(
                f"the certificate of {url} is not trusted: {error.verify_message}"
            ) from None
        except (OSError, InvalidHandshake, WebSocketException) as error:
            reason = str(error) or type(error).__name__
    raise Unreachable(f"{url}: {reason}")


def _settings(gateway: ServiceAddress, options: RestOptions) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "additional_headers": options.headers,
        "open_timeout": options.timeout_s,
        "close_timeout": CLOSE_TIMEOUT_S,
        "max_size": REPLY_BYTES_MAX,
        "compression": None,
        "create_connection": ReplyConnection,
        "proxy": None,
    }
    if options.api_key is not None:
        # At its debug level the library logs the headers of a handshake, the key among them.
        logger = logging.getLogger("websockets.client.handshakes")
        logger.setLevel(logging.INFO)
        settings["logger"] = logger
    if gateway.ca_file is not None and gateway.url.startswith("https:"):
        settings["ssl"] = client_context(gateway.ca_file)
    return settings


def _greeting(message: bytes) -> Hello:
    try:
        return _read_hello(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MessageError(f"the first message is not that of a gateway: {error}") from None
