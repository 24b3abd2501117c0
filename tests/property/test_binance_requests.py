"""Whatever a Binance client sends to the streams is read, or refused with a number and a text."""

import contextlib
import json

from hypothesis import example, given
from hypothesis import strategies as st

from market_data.binance.errors import StreamError
from market_data.binance.names import ALL_SYMBOLS_CHANNELS, SYMBOL_CHANNELS, Stream, read_stream
from market_data.binance.requests import METHODS, read_id, read_members, read_request, refusal
from tapewire.binance.symbols import BinanceSymbols
from tapewire.values.types import Symbol
from tapewire.web.websocket_frames import json_frame

SYMBOLS = BinanceSymbols([Symbol("BTC-USDT"), Symbol("ODD")])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(METHODS) | values,
        "params": st.lists(st.sampled_from(["combined", "btcusdt@trade", True]) | values) | values,
        "id": values,
        "more": values,
    },
)
names = st.text() | st.builds(
    "{}@{}".format,
    st.sampled_from(["btcusdt", "BTC-USDT", "odd", "", "nosuch"]) | st.text(),
    st.sampled_from(sorted(SYMBOL_CHANNELS)) | st.text(),
)


@given(st.text() | requests.map(json.dumps) | values.map(json.dumps))
@example("[" * 100_000)
@example('{"id":' + "9" * 5_000 + "}")
@example('{"method":"\\ud800"}')
def test_every_text_is_a_request_or_refused(text: str) -> None:
    """No text raises anything but a StreamError, and every refusal can be sent."""
    try:
        members = read_members(text)
        request_id = read_id(members)
        request = read_request(members)
    except StreamError as error:
        json_frame(refusal(error))
    else:
        assert request.method in METHODS
        assert request_id is None or isinstance(request_id, int | str)


@given(names)
def test_every_name_is_a_stream_or_refused(name: str) -> None:
    """A stream that is read has a symbol of the venue and a channel that is served."""
    with contextlib.suppress(StreamError):
        stream = read_stream(name, SYMBOLS)
        assert stream.channel in SYMBOL_CHANNELS | ALL_SYMBOLS_CHANNELS
        assert stream == Stream(stream.channel, "") or stream.symbol in SYMBOLS.listed
