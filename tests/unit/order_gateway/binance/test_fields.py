"""Parameters of the Binance surface: forms and JSON to text."""

import pytest

from order_gateway.binance.errors import BinanceError
from order_gateway.binance.fields import read_form, read_json, read_names
from tapewire.values.json_text import NumberText


def code_of(*parts: bytes) -> int:
    """The code with which a form is refused."""
    with pytest.raises(BinanceError) as refused:
        read_form(*parts)
    return refused.value.code


def test_the_query_comes_before_the_body() -> None:
    """A parameter that stands in both counts as the query has it."""
    fields = read_form(b"a=1&b=%41%20+c", b"a=2&d=4&&")
    assert [fields.optional(name) for name in "abcd"] == ["1", "A  c", None, "4"]


@pytest.mark.parametrize("part", [b"a=%", b"a=%4", b"a=%zz", b"a=%ff", b"%zz=1", b"a=\xff"])
def test_broken_encoding_is_refused(part: bytes) -> None:
    """In values and names, in the query and in the body."""
    assert code_of(part) == code_of(b"", part) == -1100


def test_a_parameter_stands_once() -> None:
    """Twice in one part is refused, and so are too many parameters."""
    assert code_of(b"a=1&a=1") == code_of(b"", b"a=1&b=2&a=3") == -1101
    assert code_of(b"&".join(b"a%d=1" % number for number in range(101))) == -1101


def test_a_value_has_the_form_of_its_parameter() -> None:
    """Everything else is refused by name, an empty one too."""
    fields = read_form(b"e=&d=1.&i=1.5&c=a b&s=%3Cb%3E&long=" + b"9" * 10_000)
    for read, name, code in (
        (fields.required, "e", -1102), (fields.required, "none", -1102),
        (fields.optional, "e", -1105), (fields.decimal, "d", -1100), (fields.whole, "i", -1100),
        (fields.client_id, "c", -1100), (fields.symbol, "s", -1100), (fields.whole, "long", -1100),
        (fields.decimal, "long", -1100), (fields.client_id, "long", -1100),
        (fields.symbol, "long", -1100), (fields.flag, "d", -1130),
    ):  # fmt: skip
        with pytest.raises(BinanceError) as refused:
            read(name)
        assert refused.value.code == code, name
        assert len(refused.value.text) < 200


def test_json_keeps_what_the_client_wrote() -> None:
    """Numbers by their text, booleans as words, lists as they are signed; null is left out."""
    fields = read_json(
        {"a": NumberText("1.50"), "b": True, "c": None, "d": ["X", NumberText("1")], "e": "t"}
    )
    assert fields.optional("a") == "1.50"
    assert fields.optional("b") == "true"
    assert "c" not in fields
    assert fields.optional("d") == '["X",1]'
    unreadable: tuple[object, ...] = ({}, "\ud800")
    for value in unreadable:
        with pytest.raises(BinanceError) as refused:
            read_json({"a": value})
        assert refused.value.code == -1100


def test_a_list_of_names_is_json() -> None:
    """Spaces do not count; anything else is refused."""
    assert read_names('["A", "B-C"]') == ["A", "B-C"]
    for text in ("[]", '["A"', "A", '["A"]["B"]', '["A" "B"]'):
        with pytest.raises(BinanceError):
            read_names(text)
