"""WebSocket frames (RFC 6455, section 5.2): a server builds them once for all its clients."""

import os
import struct
from collections.abc import Mapping, Sequence

import msgspec
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # C, or Python without it

# RFC 6455, section 5.5: a control frame holds 125 bytes, two of which are the close code.
CLOSE_REASON_BYTES_MAX = 123

FIN_TEXT = 0x81
FIN_CLOSE = 0x88
MASKED = 0x80
MASK_BYTES = 4

# RFC 6455, 7.4: codes that may travel in a close frame below the private ranges.
WIRE_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


def text_frame(payload: bytes) -> bytes:
    """Return the payload as one unmasked, unfragmented text frame."""
    return _text_head(len(payload)) + payload


def masked_text_frames(payloads: Sequence[bytes]) -> bytes:
    """Return each payload as one text frame of a client, with a mask of its own."""
    masks = os.urandom(MASK_BYTES * len(payloads))
    frames: list[bytes] = []
    for index, payload in enumerate(payloads):
        mask = masks[MASK_BYTES * index :][:MASK_BYTES]
        frames += (_text_head(len(payload), MASKED), mask, apply_mask(payload, mask))
    return b"".join(frames)


def _text_head(size_bytes: int, masked: int = 0) -> bytes:
    if size_bytes < 126:
        return b"%c%c" % (FIN_TEXT, masked | size_bytes)
    if size_bytes < 65_536:
        return struct.pack("!BBH", FIN_TEXT, masked | 126, size_bytes)
    return struct.pack("!BBQ", FIN_TEXT, masked | 127, size_bytes)


def json_frame(message: Mapping[str, object]) -> bytes:
    """Return a message as one text frame of compact JSON."""
    return text_frame(msgspec.json.encode(message))


def close_reason(reason: str) -> str:
    """Return the reason, cut at a character to the size that a close frame can carry."""
    return reason.encode()[:CLOSE_REASON_BYTES_MAX].decode(errors="ignore")


def close_frame(code: int, reason: str = "") -> bytes:
    """Return a close frame; the reason is cut to fit.

    Raises ValueError for a code that may not be sent (1005, 1006, 1015, outside 1000-4999).
    """
    if code not in WIRE_CLOSE_CODES and not 3000 <= code < 5000:
        raise ValueError(f"close code {code} may not be sent")
    payload = struct.pack("!H", code) + close_reason(reason).encode()
    return bytes((FIN_CLOSE, len(payload))) + payload
