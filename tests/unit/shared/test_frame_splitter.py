"""The splitter beside the library's own parser: the same messages, answers and errors."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from tapewire.web.frame_splitter import HELD_BYTES_MAX, FrameSplitter, is_between_frames
from tapewire.web.websocket_frames import masked_text_frames

MESSAGE_BYTES_MAX = 10_000
BITS = {"reserved bit": 0x40, "opcode": 0x04}
FAULTS = st.sampled_from(["none"] * 6 + ["mask", *BITS])

SIZES = st.sampled_from([0, 1, 125, 126, 300, HELD_BYTES_MAX, MESSAGE_BYTES_MAX, 65_536])
DATA = st.builds(
    Frame,
    st.sampled_from([Opcode.TEXT, Opcode.TEXT, Opcode.TEXT, Opcode.BINARY, Opcode.CONT]),
    SIZES.map(lambda size: b"x" * size),
    fin=st.sampled_from([True, True, True, False]),
)
CONTROL = st.builds(Frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.just(b"still there"))
CLOSE = st.just(Frame(Opcode.CLOSE, b"\x03\xe8"))
FRAMES = st.lists(st.one_of(DATA, DATA, DATA, CONTROL, CLOSE), max_size=8)
GAPS = st.lists(st.sampled_from([1, 2, 3, 7, 200, 5_000, 100_000]), min_size=1, max_size=12)


def protocol_of(side: Any) -> Protocol:
    """An open connection of the library."""
    if side is SERVER:
        return ServerProtocol(state=OPEN, max_size=MESSAGE_BYTES_MAX)
    uri = parse_uri("ws://127.0.0.1")
    return ClientProtocol(uri, state=OPEN, max_size=MESSAGE_BYTES_MAX)


def chunks_of(data: bytes, gaps: list[int]) -> list[bytes]:
    """The data in parts of the sizes of `gaps`, again and again."""
    chunks, begin, turn = [], 0, 0
    while begin < len(data):
        chunks.append(data[begin : begin + gaps[turn % len(gaps)]])
        begin, turn = begin + gaps[turn % len(gaps)], turn + 1
    return chunks


def events_of(protocol: Protocol) -> list[tuple[Opcode, bytes, bool]]:
    """The frames that the library has read since it was asked."""
    frames = [event for event in protocol.events_received() if isinstance(event, Frame)]
    return [(frame.opcode, bytes(frame.data), frame.fin) for frame in frames]


@pytest.mark.parametrize("side", [SERVER, CLIENT])
@given(frames=FRAMES, gaps=GAPS, fault=FAULTS)
def test_splitter_and_library_agree(
    side: Any, frames: list[Frame], gaps: list[int], fault: str
) -> None:
    """Whatever comes, in whatever parts: messages, answers, the error that ends the connection."""
    is_masked = (side is SERVER) is not (fault == "mask")
    wire = [bytearray(each.serialize(mask=is_masked)) for each in frames]
    if wire and fault in BITS:
        wire[-1][0] |= BITS[fault]
    chunks = chunks_of(bytes(b"".join(wire)), gaps)
    alone, helped = protocol_of(side), protocol_of(side)
    splitter = FrameSplitter(is_masked=side is SERVER, message_bytes_max=MESSAGE_BYTES_MAX)
    expected, found = [], []
    for chunk in chunks:
        alone.receive_data(chunk)
        expected += events_of(alone)
        for piece, is_text in splitter.split(chunk):
            if not is_text:
                helped.receive_data(piece)
                found += events_of(helped)
            elif helped.state is OPEN:
                found.append((Opcode.TEXT, piece, True))
    assert found == expected
    assert helped.state is alone.state
    assert str(helped.parser_exc) == str(alone.parser_exc)
    assert len(helped.data_to_send()) == len(alone.data_to_send())


def test_between_frames_is_known() -> None:
    """Neither within a header, nor within a payload, nor within a message of fragments."""
    protocol = protocol_of(SERVER)
    frame = Frame(Opcode.TEXT, b"whole").serialize(mask=True)
    assert is_between_frames(protocol)
    for byte in frame[:-1]:
        protocol.receive_data(bytes([byte]))
        assert not is_between_frames(protocol)
    protocol.receive_data(frame[-1:])
    assert not is_between_frames(protocol)
    protocol.events_received()
    assert is_between_frames(protocol)
    protocol.receive_data(Frame(Opcode.TEXT, b"begun", fin=False).serialize(mask=True))
    protocol.events_received()
    assert not is_between_frames(protocol)


def test_parts_of_a_large_frame_are_not_joined() -> None:
    """A frame that comes in small parts costs no more than its size."""
    splitter = FrameSplitter(is_masked=False, message_bytes_max=100_000)
    whole = Frame(Opcode.TEXT, b"x" * 70_000).serialize(mask=False)
    assert splitter.split(whole) == [(b"x" * 70_000, True)]
    pieces = [piece for part in chunks_of(whole, [100]) for piece in splitter.split(part)]
    assert all(not is_text and len(data) <= 100 for data, is_text in pieces)
    assert b"".join(data for data, _ in pieces) == whole
    assert splitter.split(whole) == [(b"x" * 70_000, True)]


def test_masked_frames_are_read_by_the_library() -> None:
    """Each text is one message, with a mask of its own."""
    texts = [b"x" * size for size in (0, 1, 125, 126, 65_535, 65_536)]
    protocol = ServerProtocol(state=OPEN)
    wire = masked_text_frames(texts)
    protocol.receive_data(wire)
    assert events_of(protocol) == [(Opcode.TEXT, text, True) for text in texts]
    assert masked_text_frames(texts) != wire
