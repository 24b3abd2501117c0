"""Requests and queries of clients: every unknown or invalid field is refused."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from market_data.clients.protocol import Request, read_query, read_request, request_id_of
from market_data.errors import RequestError


def refusal(text: str) -> tuple[str, str]:
    """Code and message of a refused request."""
    with pytest.raises(RequestError) as refused:
        read_request(text)
    return refused.value.code, str(refused.value)


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("", "malformed_json", "JSON object"),
        ("[]", "malformed_json", "JSON object"),
        ("[" * 100_000, "malformed_json", "JSON object"),
        ('{"op":"ping","id":NaN}', "malformed_json", "JSON object"),
        ('{"op":"ping"}{}', "malformed_json", "JSON object"),
        ('{"op":"ping","params":{"x":1}}', "unknown_field", "'params'"),
        ('{"op":"ping","\\ud800":1}', "unknown_field", "whole characters"),
        ('{"op":"ping","id":"\\ud800"}', "invalid_field", "id"),
        ('{"op":"ping","channels":["trades"]}', "invalid_field", "channels"),
        ('{"op":"ping","since":{}}', "invalid_field", "since"),
        ('{"op":"unsubscribe","on_lag":"skip"}', "invalid_field", "on_lag"),
        ('{"op":"authenticate","symbols":["BTC-USDT"]}', "invalid_field", "symbols"),
        ('{"op":"subscribe","account":"alice"}', "invalid_field", "account"),
        ('{"op":"subscribe","key":"tw_x"}', "invalid_field", "key"),
        ('{"op":"ping","op":"ping"}', "invalid_field", "'op'"),
        ('{"op":"subscribe","since":{"A":1,"A":2}}', "invalid_field", "'A'"),
        ('{"op":"subscribe","symbols":[]}', "invalid_field", "symbols"),
        ('{"op":"subscribe","channels":[]}', "invalid_field", "channels"),
        ('{"op":"subscribe","channels":["bbo","bbo"]}', "invalid_field", "channels: 'bbo'"),
        ('{"op":"unsubscribe","symbols":["A","B","A"]}', "invalid_field", "symbols: 'A'"),
        ('{"op":"subscribe","symbols":["*","A"]}', "invalid_field", "symbols"),
        ('{"op":"subscribe","epoch":"e1"}', "invalid_field", "epoch"),
        ('{"op":"subscribe","since":{"A":-1}}', "invalid_field", "since.A"),
        ('{"op":"subscribe","since":{"A":1.5}}', "invalid_field", "since.A"),
        ('{"op":"subscribe","id":true}', "invalid_field", "id"),
        ('{"op":"leave"}', "unknown_op", "op"),
        ('{"id":1}', "unknown_op", "op"),
    ],
)
def test_a_request_is_refused_with_the_name(text: str, code: str, named: str) -> None:
    """The refusal names the wrong field, also a field that the operation does not use."""
    found, message = refusal(text)
    assert (found, named in message) == (code, True), message


@pytest.mark.parametrize("wrong", [None, True, 1.0, 10**30, "x" * 2_000, [[]], [1], {"A": "1"}])
@pytest.mark.parametrize("field", sorted(set(Request.model_fields) - {"op"}))
def test_a_refusal_says_what_the_field_may_be(field: str, wrong: object) -> None:
    """In words of the protocol: no name and no sentence of the validator reaches a client."""
    message = {"op": "subscribe", field: wrong}
    try:
        Request.model_validate(message)
    except ValidationError:
        found, sentence = refusal(json.dumps(message))
        assert found == "invalid_field"
        assert re.fullmatch(rf"{field}(\.\w+)?: {field} must (be|name) .*", sentence), sentence
        assert not re.search(r"constrained|\[|Input|valid", sentence), sentence


@pytest.mark.parametrize(
    "fields",
    [
        {"op": "subscribe", "id": 1, "channels": ["book"], "symbols": ["*"], "on_lag": "skip"},
        {"op": "subscribe", "since": {"A": 1}, "epoch": "e1"},
        {"op": "unsubscribe", "id": "a", "channels": ["book"], "symbols": ["A"]},
        {"op": "ping", "id": -5},
        {"op": "authenticate", "account": "alice"},
    ],
)
def test_a_good_request_is_read(fields: dict[str, Any]) -> None:
    """Every operation takes its own fields."""
    request = read_request(json.dumps(fields))
    assert request.model_dump(exclude_unset=True) == fields


@pytest.mark.parametrize(
    ("parameters", "code", "named"),
    [
        ([("foo", "1")], "unknown_field", "'foo'"),
        ([("channels", "trades"), ("channels", "bbo")], "invalid_field", "channels"),
        ([("symbols", "")], "invalid_field", "symbols"),
        ([("symbols", "A,,B")], "invalid_field", "symbols"),
        ([("channels", "trades,")], "invalid_field", "channels"),
        ([("channels", "trades,bbo,trades")], "invalid_field", "channels"),
        ([("symbols", "A,A")], "invalid_field", "symbols"),
        ([("symbols", "*,*")], "invalid_field", "symbols"),
        ([("symbols", "A,*")], "invalid_field", "symbols"),
        ([("since", "A:1,A:2")], "invalid_field", "'A'"),
        ([("since", "A")], "invalid_field", "since"),
        ([("since", "")], "invalid_field", "since"),
        ([("since", "A:99999999999999999")], "invalid_field", "since"),
        ([("epoch", "e1")], "invalid_field", "epoch"),
        ([("on_lag", "wait")], "invalid_field", "on_lag"),
    ],
)
def test_a_query_is_refused_with_the_name(
    parameters: list[tuple[str, str]], code: str, named: str
) -> None:
    """A parameter that is unknown, doubled, empty or out of range is refused by name."""
    with pytest.raises(RequestError) as refused:
        read_query(parameters)
    assert refused.value.code == code
    assert named in str(refused.value)


def test_a_query_may_ask_for_no_channel() -> None:
    """Then the client subscribes later; without the parameter it gets trades."""
    assert read_query([("channels", "")]).channels == []
    assert read_query([]).channels == ["trades"]


def test_the_id_of_a_refused_request_comes_back() -> None:
    """As far as the message has a usable one."""
    assert request_id_of('{"op":"leave","id":7}') == 7
    assert request_id_of('{"op":"leave","id":"' + "x" * 99 + '"}') == "x" * 64
    assert request_id_of('{"id":[1]}') is None
    assert request_id_of('{"id":"\\ud800"}') is None
    assert request_id_of("[1]") is None
