"""Signatures of calls: HMAC-SHA256 in hexadecimal over the sent text. Pure.

REST: the raw query, then the raw body, still percent-encoded, without the pair `signature`.
WebSocket: all parameters except `signature`, sorted by name, `name=value` joined by `&`. Sources:
request security of the Binance Spot REST API and WebSocket API documents.
"""

import hashlib
import hmac
from collections.abc import Mapping

from order_gateway.binance.errors import BinanceError, missing
from order_gateway.binance.fields import SIGNATURE, Fields, literal, without

RECV_WINDOW_MS = 5_000
RECV_WINDOW_MS_MAX = 60_000
AHEAD_MS = 1_000
"""Bound on the time by which a client's clock may be ahead of the venue's."""

MICROSECONDS_FROM = 10**14
"""Times of this size or more are in microseconds; milliseconds reach it in the year 5138."""

_PAIR = SIGNATURE.encode()


def form_payload(query: bytes, body: bytes) -> bytes:
    """The text that the signature of a REST call covers."""
    return _stripped(query) + _stripped(body)


def _stripped(part: bytes) -> bytes:
    if _PAIR not in part:
        return part
    return b"&".join(without(part.split(b"&"), _PAIR))


def json_payload(params: Mapping[str, object]) -> bytes:
    """The text that the signature of a WebSocket call covers. Raises BinanceError (-1100)."""
    pairs = (
        f"{name}={literal(name, params[name])}"
        for name in sorted(params)
        if name != SIGNATURE and params[name] is not None
    )
    return "&".join(pairs).encode()


def sign(secret: str, payload: bytes) -> str:
    """The signature of a payload, in lower case hexadecimal."""
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def check_signature(secret: str, payload: bytes, signature: str) -> None:
    """Compare in constant time, in upper or lower case. Raises BinanceError (-1022)."""
    expected = sign(secret, payload).encode()
    if not hmac.compare_digest(expected, signature.lower().encode()):
        raise signature_refused()


def signature_refused() -> BinanceError:
    """The signature does not belong to this request and key."""
    return BinanceError(-1022, "Signature for this request is not valid.")


def check_time(fields: Fields, now_ms: int) -> None:
    """Check that `timestamp` is within `recvWindow`. Raises BinanceError.

    The window also bounds how long a recorded call can be sent again.
    """
    timestamp = fields.whole("timestamp")
    if timestamp is None:
        raise missing("timestamp")
    if timestamp >= MICROSECONDS_FROM:
        timestamp //= 1_000
    window_ms = _read_window_ms(fields)
    if timestamp >= now_ms + AHEAD_MS or now_ms - timestamp > window_ms:
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _read_window_ms(fields: Fields) -> int:
    """`recvWindow` in milliseconds; a fraction has microseconds."""
    text = fields.decimal("recvWindow")
    if text is None:
        return RECV_WINDOW_MS
    window_ms = int(text.partition(".")[0])
    if window_ms > RECV_WINDOW_MS_MAX:
        raise BinanceError(-1131, f"recvWindow must be less than {RECV_WINDOW_MS_MAX}")
    return window_ms
