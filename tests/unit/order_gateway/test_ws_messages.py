"""The messages of WebSocket order entry: every way to be wrong has its code and its field."""

import pytest

from order_gateway.replies import Reply
from order_gateway.schemas import TimerReply
from order_gateway.ws.messages import (
    OPERATIONS,
    Connected,
    Request,
    error_frame,
    hello_frame,
    pong_frame,
    read_id,
    read_object,
    read_request,
    reply_frame,
)
from tapewire.errors import InvalidField, RateLimited, RedisUnavailable, Refusal
from tapewire.values.json_text import NumberText
from tests.support.transport.raw_websocket import parse_frames


def payload(frame: bytes) -> object:
    """The JSON of one text frame."""
    (message,) = parse_frames(frame)
    return message


def read(text: str) -> Request:
    """A request from its text, as a session reads it."""
    message = read_object(text)
    return read_request(message, read_id(message))


@pytest.mark.parametrize("op", OPERATIONS)
def test_a_request_is_read(op: str) -> None:
    """Id, operation and parameters, with numbers digit by digit."""
    request = read(f'{{"id":7,"op":"{op}","params":{{"price":1.50}}}}')
    assert (request.id_text, request.op) == ("7", op)
    assert request.params == {"price": NumberText("1.50")}


def test_a_recorded_time_is_read() -> None:
    """Microseconds since 1970, as a whole number; null is the same as leaving it out."""
    assert (
        read('{"id":1,"op":"ping","clock_us":1340285400000000}').clock_us == 1_340_285_400_000_000
    )
    assert read('{"id":1,"op":"ping","clock_us":null}').clock_us is None


def test_params_may_be_left_out() -> None:
    """What needs none is asked without."""
    assert read('{"id":1,"op":"ping"}').params == {}


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("", "malformed_json", None),
        ("nul", "malformed_json", None),
        ("1", "invalid_body", None),
        ('{"op":"ping"}', "missing_field", "id"),
        ('{"id":null,"op":"ping"}', "missing_field", "id"),
        ('{"id":1e3,"op":"ping"}', "invalid_value", "id"),
        ('{"id":NaN,"op":"ping"}', "invalid_value", "id"),
        ('{"id":12345678901234567890,"op":"ping"}', "invalid_value", "id"),
        ('{"id":[1],"op":"ping"}', "invalid_value", "id"),
        ('{"id":1,"op":5}', "invalid_value", "op"),
        ('{"id":1,"op":"Place"}', "invalid_value", "op"),
        ('{"id":1}', "missing_field", "op"),
        ('{"id":1,"op":"ping","params":null}', "invalid_value", "params"),
        ('{"id":1,"op":"ping","x":1}', "unknown_field", "x"),
        ('{"id":1,"op":"ping","op":"ping"}', "duplicate_field", "op"),
        ('{"id":1,"op":"ping","clock_us":0}', "invalid_value", "clock_us"),
        ('{"id":1,"op":"ping","clock_us":"5"}', "invalid_value", "clock_us"),
        ('{"id":1,"op":"ping","clock_us":1.5}', "invalid_value", "clock_us"),
        ('{"id":1,"op":"ping","clock_us":9007199254740993}', "invalid_value", "clock_us"),
    ],
)
def test_what_is_wrong_is_named(text: str, code: str, field: str | None) -> None:
    """The first fault has a code of the table and the member at fault."""
    with pytest.raises(Refusal) as caught:
        read(text)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_replies_carry_the_answers_of_rest() -> None:
    """The structure of an operation is the result, under the id as the client wrote it."""
    frame = reply_frame('"a\\"b"', Reply(201, TimerReply(60, None)))
    result = {"timeout_s": 60, "fires_at": None}
    assert payload(frame) == {"id": 'a"b', "status": 201, "result": result}
    assert payload(pong_frame("3")) == {"id": 3, "status": 200, "result": {}}
    hello = Connected(
        "x", "alice", cancel_on_disconnect=True, in_flight_max=1, message_bytes_max=2, clock="venue"
    )
    assert payload(hello_frame(hello)) == {
        "type": "connected", "service": "x", "account": "alice", "cancel_on_disconnect": True,
        "in_flight_max": 1, "message_bytes_max": 2, "clock": "venue",
    }  # fmt: skip


def test_refusals_are_the_problems_of_rest() -> None:
    """Status, code and field; with the seconds to wait where there are any."""
    refused = payload(error_frame("1", InvalidField("price", "off_tick", "price is off.")))
    assert isinstance(refused, dict)
    assert (refused["status"], refused["error"]["code"]) == (422, "off_tick")
    assert refused["error"]["field"] == "price"
    assert "retry_after_s" not in refused
    limited = RateLimited("Too many.")
    limited.headers = {"Retry-After": "3"}
    for error, seconds in ((limited, 3), (RedisUnavailable("Away."), 1)):
        reply = payload(error_frame("1", error))
        assert isinstance(reply, dict)
        assert reply["retry_after_s"] == seconds
