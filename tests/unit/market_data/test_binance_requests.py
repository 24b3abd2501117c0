"""Requests of Binance clients and names of streams: what is read, and how the rest is refused."""

import json
from typing import Any

import pytest

from market_data.binance.errors import StreamError
from market_data.binance.names import (
    FORMED,
    FORMS,
    Form,
    Stream,
    SymbolTable,
    read_stream,
    stream_name,
)
from market_data.binance.requests import (
    StreamRequest,
    answer,
    read_id,
    read_members,
    read_request,
    refusal,
)
from tapewire.binance.symbols import BinanceSymbols
from tapewire.values.types import Symbol

SYMBOLS = BinanceSymbols(map(Symbol, ("BTC-USDT", "AB-C", "A-BC")))


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("btcusdt@trade", Stream("trade", "BTC-USDT")),
        ("BTCUSDT@aggTrade", Stream("aggTrade", "BTC-USDT")),
        ("btc-usdt@depth", Stream("depth", "BTC-USDT")),
        ("btcusdt@depth@100ms", Stream("depth@100ms", "BTC-USDT")),
        ("btcusdt@depth@1000ms", Stream("depth@1000ms", "BTC-USDT")),
        ("btcusdt@depth20@100ms", Stream("depth20@100ms", "BTC-USDT")),
        ("btcusdt@kline_1M", Stream("kline_1M", "BTC-USDT")),
        ("ab-c@bookTicker", Stream("bookTicker", "AB-C")),
        ("!ticker@arr", Stream("!ticker@arr", "")),
        ("!miniTicker@arr@1000ms", Stream("!miniTicker@arr@1000ms", "")),
    ],
)
def test_a_name_is_a_stream(name: str, stream: Stream) -> None:
    """Symbols are read in any case, channels as they are."""
    assert read_stream(name, SYMBOLS) == stream


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("", 2, "Invalid request: invalid stream"),
        ("btcusdt", 2, "Invalid request: invalid stream"),
        ("@trade", 2, "Invalid request: invalid stream"),
        ("btcusdt@", 2, "Invalid request: invalid stream"),
        ("btcusdt@Trade", 2, "Invalid request: invalid stream"),
        ("btcusdt@depth7", 2, "Invalid request: invalid stream"),
        ("btcusdt@depth@10ms", 2, "Invalid request: invalid stream"),
        ("!serverShutdown", 2, "Invalid request: invalid stream"),
        ("btcusdt@!serverShutdown", 2, "Invalid request: invalid stream"),
        ("btcusdt@!ticker@arr", 2, "Invalid request: invalid stream"),
        ("btcusdt@kline_1s", -1120, "Invalid interval."),
        ("btcusdt@kline_", -1120, "Invalid interval."),
        ("ethusdt@trade", -1121, "Invalid symbol."),
        ("abc@trade", -1121, "Invalid symbol."),
        ("btcu\u017fdt@trade", -1121, "Invalid symbol."),
        ("x" * 10_000 + "@trade", -1121, "Invalid symbol."),
    ],
)
def test_a_name_that_is_no_stream_is_refused(name: str, code: int, text: str) -> None:
    """The number and the text are those that Binance clients know."""
    with pytest.raises(StreamError) as refused:
        read_stream(name, SYMBOLS)
    assert (refused.value.code, str(refused.value)) == (code, text)


def test_every_form_of_a_channel_has_a_topic_of_its_own() -> None:
    """No two channels or forms share a name in the hub, or with the channels of the feed."""
    names = [name for formed in FORMED.values() for name, _ in formed]
    assert len(names) == len(set(names)) == len(FORMED) * len(FORMS)
    assert all(name.startswith("binance:") for name in names)
    plain, combined = Form(), Form(is_combined=True)
    stream = Stream("trade", "BTC-USDT")
    assert stream.topic(plain) != stream.topic(combined)
    assert stream_name("depth@100ms", "BTCUSDT") == "btcusdt@depth@100ms"
    assert stream_name("!ticker@arr", "") == "!ticker@arr"


def test_the_table_of_symbols_follows_the_venue() -> None:
    """A symbol that is added or removed is known at the next look."""
    known = ["BTC-USDT"]
    table = SymbolTable(lambda: known)
    assert (table.shown("BTC-USDT"), table.shown("NEW-USDT")) == ("BTCUSDT", "NEW-USDT")
    known[:] = ["NEW-USDT"]
    assert table.shown("NEW-USDT") == "NEWUSDT"
    assert "BTCUSDT" not in table.symbols
    known.append("NEW.USDT")
    assert "NEWUSDT" not in table.symbols
    assert table.shown("NEW-USDT") == "NEW-USDT"


@pytest.mark.parametrize(
    ("request_text", "request_read", "request_id"),
    [
        ({"method": "SUBSCRIBE", "params": ["a@trade"], "id": 1},
         StreamRequest("SUBSCRIBE", ("a@trade",)), 1),
        ({"method": "UNSUBSCRIBE", "params": ["a@trade", "b@trade"], "id": "x-1_A"},
         StreamRequest("UNSUBSCRIBE", ("a@trade", "b@trade")), "x-1_A"),
        ({"method": "LIST_SUBSCRIPTIONS", "id": None}, StreamRequest("LIST_SUBSCRIPTIONS"), None),
        ({"method": "LIST_SUBSCRIPTIONS", "params": []},
         StreamRequest("LIST_SUBSCRIPTIONS"), None),
        ({"method": "SET_PROPERTY", "params": ["combined", True], "id": -1},
         StreamRequest("SET_PROPERTY", is_combined=True), -1),
        ({"method": "GET_PROPERTY", "params": ["combined"], "id": 0},
         StreamRequest("GET_PROPERTY"), 0),
    ],
)  # fmt: skip
def test_a_request_is_read(
    request_text: dict[str, Any], request_read: StreamRequest, request_id: int | str | None
) -> None:
    """Each method takes its parameters, and the id comes back as it was."""
    members = read_members(json.dumps(request_text))
    assert (read_request(members), read_id(members)) == (request_read, request_id)


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("", 3, "Invalid JSON: expected value at line 1 column 1"),
        ("{", 3, "Invalid JSON: expected value at line 1 column 2"),
        ('{"id":NaN}', 3, "Invalid JSON"),
        ("[" * 5_000, 3, "Invalid JSON"),
        (f'{{"id":{"9" * 5_000}}}', 3, "Invalid JSON"),
        ("[]", 2, "expected an object"),
        ("null", 2, "expected an object"),
        ('{"method":"LIST_SUBSCRIPTIONS","method":"LIST_SUBSCRIPTIONS"}', 2, "duplicate field"),
        ("{}", 2, "missing field `method`"),
        ('{"method":"subscribe"}', 2, "unknown variant `subscribe`, expected one of `SUBSCRIBE`"),
        ('{"method":["SUBSCRIBE"]}', 2, "unknown variant"),
        ('{"method":{"a":1}}', 2, "unknown variant"),
        ('{"method":"SUBSCRIBE"}', 2, "missing field `params`"),
        ('{"method":"SUBSCRIBE","params":[]}', 2, "missing field `params`"),
        ('{"method":"SUBSCRIBE","params":"a@trade"}', 2, "`params` must be an array"),
        ('{"method":"SUBSCRIBE","params":[1]}', 2, "a stream name must be a string"),
        ('{"method":"LIST_SUBSCRIPTIONS","params":["a"]}', 2, "too many parameters"),
        ('{"method":"SET_PROPERTY"}', 2, "property name must be a string"),
        ('{"method":"SET_PROPERTY","params":[1,true]}', 2, "property name must be a string"),
        ('{"method":"SET_PROPERTY","params":["x",true]}', 0, "Unknown property"),
        ('{"method":"SET_PROPERTY","params":["combined"]}', 1, "Invalid value type"),
        ('{"method":"SET_PROPERTY","params":["combined",1]}', 1, "Invalid value type"),
        ('{"method":"SET_PROPERTY","params":["combined",true,1]}', 2, "too many parameters"),
        ('{"method":"GET_PROPERTY","params":["combined",true]}', 2, "too many parameters"),
        ('{"method":"LIST_SUBSCRIPTIONS","id":1.5}', 2, "request ID"),
        ('{"method":"LIST_SUBSCRIPTIONS","id":true}', 2, "request ID"),
        ('{"method":"LIST_SUBSCRIPTIONS","id":9223372036854775808}', 2, "request ID"),
        (f'{{"method":"LIST_SUBSCRIPTIONS","id":"{"x" * 37}"}}', 2, "request ID"),
        ('{"method":"LIST_SUBSCRIPTIONS","id":"a b"}', 2, "request ID"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_that_is_none_is_refused(text: str, code: int, part: str) -> None:
    """Every refusal has the number of its kind and says what is wrong."""

    def read() -> None:
        members = read_members(text)
        read_id(members)
        read_request(members)

    with pytest.raises(StreamError) as refused:
        read()
    assert refused.value.code == code
    assert part in str(refused.value)


def test_answers_have_the_shape_that_clients_know() -> None:
    """An answer has the result, a refusal the error; both have the id."""
    assert answer(None, 7) == {"result": None, "id": 7}
    assert refusal(StreamError.unknown_symbol(), "a") == {
        "error": {"code": -1121, "msg": "Invalid symbol."},
        "id": "a",
    }
