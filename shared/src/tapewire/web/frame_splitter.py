"""Takes whole text messages out of received bytes; all other frames stay with the library. Pure.

The parser of the library is a generator that runs several steps for each frame, which costs five
times the splitting of a text frame here. Nearly all frames of a connection are text messages in one
frame. The splitter passes everything else on as it came, in its order: control frames, fragments,
compressed and binary messages, messages above the limit, and frames that break the protocol. The
library then answers them as if the splitter did not exist.
"""

import sys
from typing import Any

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # C, or Python without it
from websockets.protocol import Protocol

from tapewire.web.websocket_frames import FIN_TEXT, MASK_BYTES, MASKED

# RFC 6455, section 5.2.
FIN = 0x80
OPCODE = 0x0F
DATA_OPCODES = frozenset({0x0, 0x1, 0x2})
OPCODES = DATA_OPCODES | {0x8, 0x9, 0xA}
HEAD_BYTES = 2
TWO_BYTE_SIZE, EIGHT_BYTE_SIZE = 126, 127
# A frame that has not come whole waits here up to this size. The library takes the parts of larger
# ones, because joining them again with each part that comes would cost much.
HELD_BYTES_MAX = 4_096


class FrameSplitter:
    """Splits the received bytes of one connection, from the beginning of a frame on."""

    __slots__ = (
        "_foreign_bytes", "_held", "_is_fragmented", "_mask_bytes", "_message_bytes_max",
    )  # fmt: skip

    def __init__(self, *, is_masked: bool, message_bytes_max: int) -> None:
        """`is_masked` on the side of the server: clients mask what they send."""
        self._mask_bytes = MASK_BYTES if is_masked else 0
        self._message_bytes_max = message_bytes_max
        # The beginning of a frame.
        self._held = b""
        # The bytes that are still to come of a frame that the library gets.
        self._foreign_bytes = 0
        # Whether a message in fragments has begun.
        self._is_fragmented = False

    def split(self, data: bytes) -> list[tuple[bytes, bool]]:
        """The pieces of the bytes that have come, in their order.

        A piece is the payload of a text message and True, or bytes for the library and False.
        """
        pieces: list[tuple[bytes, bool]] = []
        if self._held:
            data, self._held = self._held + data, b""
        begin, end = 0, len(data)
        if self._foreign_bytes:
            begin = self._foreign_end(data, pieces)
        while end - begin >= HEAD_BYTES:
            head, size, start = data[begin], data[begin + 1] & ~MASKED, begin + HEAD_BYTES
            if size == TWO_BYTE_SIZE:
                start += 2
                size = int.from_bytes(data[begin + 2 : begin + 4])
            elif size == EIGHT_BYTE_SIZE:
                start += 8
                size = int.from_bytes(data[begin + 2 : begin + 10])
            if self._is_refused(head, data[begin + 1], size if start <= end else 0):
                # Nothing is a message behind it.
                self._foreign_bytes = sys.maxsize
                pieces.append((data[begin:], False))
                return pieces
            start += self._mask_bytes
            stop = start + size
            if start > end:
                # Not even the header has come whole.
                break
            if head == FIN_TEXT and not self._is_fragmented:
                if stop <= end:
                    payload = data[start:stop]
                    if self._mask_bytes:
                        payload = apply_mask(payload, data[start - MASK_BYTES : start])
                    pieces.append((payload, True))
                    begin = stop
                    continue
                if stop - begin <= HELD_BYTES_MAX:
                    break
            self._note_fragment(head)
            self._foreign_bytes = max(stop - end, 0)
            pieces.append((data[begin:stop], False))
            begin = stop
        self._held = data[begin:]
        return pieces

    def _foreign_end(self, data: bytes, pieces: list[tuple[bytes, bool]]) -> int:
        """Add the rest of the library's frame to the pieces; where the rest ends."""
        end = min(self._foreign_bytes, len(data))
        self._foreign_bytes -= end
        pieces.append((data[:end], False))
        return end

    def _is_refused(self, head: int, second: int, size: int) -> bool:
        """Whether the library ends the connection as soon as it has the size of the frame."""
        return (
            (second >= MASKED) is not bool(self._mask_bytes)
            or size > self._message_bytes_max
            or (head != FIN_TEXT and head & OPCODE not in OPCODES)
        )

    def _note_fragment(self, head: int) -> None:
        if head & OPCODE in DATA_OPCODES:
            self._is_fragmented = not head & FIN


def is_between_frames(protocol: Protocol) -> bool:
    """Whether the library has read whole frames so far, and no message in part.

    The parser then waits in `at_eof` for the first byte of the next frame. The library does not say
    so elsewhere; another version may answer False, which leaves all frames to the library.
    """
    waiting: Any = protocol.parser
    while waiting.gi_yieldfrom is not None:
        waiting = waiting.gi_yieldfrom
    is_waiting = waiting.gi_code.co_name == "at_eof"
    return is_waiting and protocol.current_size is None and not protocol.events
