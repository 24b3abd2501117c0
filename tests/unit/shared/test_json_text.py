"""Exact JSON: number texts survive, what is no JSON or ambiguous does not."""

import pytest

from tapewire.errors import InvalidField
from tapewire.values.json_text import MalformedJson, NumberText, decode_json, shown_name


@pytest.mark.parametrize(
    "text",
    ["0.1", "60000.10", "1e3", "-0", "9" * 5000, "0." + "1" * 400, "NaN", "-Infinity", "1E400"],
)
def test_a_number_keeps_its_text(text: str) -> None:
    """No number is ever turned into a float or a bounded integer."""
    assert decode_json(f'{{"price": {text}}}'.encode()) == {"price": NumberText(text)}


def test_all_else_is_what_json_says() -> None:
    """Strings, booleans, null, arrays and nested objects are read as usual."""
    body = '{"a": "é\\n", "b": [true, null, {}]}'.encode()
    assert decode_json(body) == {"a": "é\n", "b": [True, None, {}]}


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"{'a': 1}", b'{"a": 1,}', b'{"a": 1} x', b'{"a": 01}', b'{"a": .5}',
        b'{"a": +1}', b'{"a": "\n"}', b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b"nan", b"0x1",
    ],
)  # fmt: skip
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    """Each with a sentence that says where."""
    with pytest.raises(MalformedJson, match="The body is not"):
        decode_json(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_endless_nesting_is_malformed(opening: bytes) -> None:
    """Endless nesting ends in a refusal, not in a crash."""
    with pytest.raises(MalformedJson, match="nested too deeply"):
        decode_json(opening * 60_000)


@pytest.mark.parametrize(
    "body", [b'{"price": 1, "price": 2}', b'{"x": {"price": 1, "a": 0, "price": 1}}']
)
def test_a_key_that_stands_twice_is_refused(body: bytes) -> None:
    """Two readers might take different ones; the name is in the refusal."""
    with pytest.raises(InvalidField, match="price stands twice") as caught:
        decode_json(body)
    assert (caught.value.code, caught.value.field) == ("duplicate_field", "price")


def test_a_shown_name_is_short_and_printable() -> None:
    """A client cannot put control characters or pages of text into our sentences."""
    assert shown_name("price") == "price"
    assert shown_name("a\x00\ud800é") == "a\\x00\\ud800\\xe9"
    assert len(shown_name("x" * 10_000)) < 100
