"""Frames conform to RFC 6455 at every size boundary."""

import pytest
from websockets.frames import CLOSE, Close, Frame, Opcode
from websockets.streams import StreamReader

from market_data.limits import CLOSE_REASON_BYTES_MAX
from tapewire.web.websocket_frames import close_frame, close_reason, text_frame


def parse(data: bytes) -> Frame:
    """Return the one frame in the data, as an independent parser reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    generator = Frame.parse(reader.read_exact, mask=False)
    try:
        next(generator)
    except StopIteration as stop:
        assert not reader.buffer
        frame: Frame = stop.value
        return frame
    raise AssertionError("the frame is cut")


@pytest.mark.parametrize("size_bytes", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_text_frame_is_read_back(size_bytes: int) -> None:
    """The payload of a frame of any length class is decoded unchanged."""
    payload = b"x" * size_bytes
    frame = parse(text_frame(payload))
    assert (frame.opcode, bytes(frame.data), frame.fin) == (Opcode.TEXT, payload, True)


def test_text_frame_keeps_the_payload_untouched() -> None:
    """The payload bytes are embedded as they are, also when they are not ASCII."""
    payload = '{"note":"ü€"}'.encode()
    assert text_frame(payload).endswith(payload)


@pytest.mark.parametrize("code", [1000, 1003, 1009, 1012, 3000, 4008, 4999])
def test_close_frame_carries_code_and_reason(code: int) -> None:
    """A close frame is read back with its code and reason."""
    frame = parse(close_frame(code, "slow_consumer"))
    assert frame.opcode == CLOSE
    assert Close.parse(frame.data) == Close(code, "slow_consumer")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_close_frame_refuses_codes_that_may_not_be_sent(code: int) -> None:
    """Reserved codes never reach the wire."""
    with pytest.raises(ValueError, match="may not be sent"):
        close_frame(code)


def test_close_reason_is_cut_at_a_character() -> None:
    """A reason longer than 123 bytes is cut between characters."""
    cut = close_reason("€" * 100)
    assert len(cut.encode()) <= CLOSE_REASON_BYTES_MAX
    assert cut == "€" * (CLOSE_REASON_BYTES_MAX // 3)
    assert close_reason("short") == "short"
