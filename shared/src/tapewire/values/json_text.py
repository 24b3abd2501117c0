"""Exact JSON input: numbers keep their text, a duplicate key is refused, bytes must be UTF-8."""

import json
from dataclasses import dataclass

from tapewire.errors import InvalidField, Refusal

NAME_CHARACTERS_SHOWN_MAX = 64


class MalformedJson(Refusal):
    """The body is not valid JSON."""

    code = "malformed_json"


@dataclass(frozen=True, slots=True)
class NumberText:
    """The text of a JSON number, NaN and Infinity included, so that an error can name its field."""

    text: str


def shown_name(name: str) -> str:
    """A name sent by a client, shortened and printable, for use in a sentence."""
    printable = ascii(name[:NAME_CHARACTERS_SHOWN_MAX])[1:-1]
    return printable if len(name) <= NAME_CHARACTERS_SHOWN_MAX else f"{printable}..."


def _build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = shown_name(next(name for name in names if names.count(name) > 1))
        raise InvalidField(twice, "duplicate_field", f"{twice} stands twice in the body.")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_float=NumberText,
    parse_int=NumberText,
    parse_constant=NumberText,
)


def decode_json(body: bytes) -> object:
    """Read a JSON text; every number becomes a NumberText.

    Raises MalformedJson, or InvalidField `duplicate_field`.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The body is not UTF-8: byte {error.start} is wrong.") from None
    return decode_json_text(text)


def decode_json_text(text: str) -> object:
    """As `decode_json`, for text that is already decoded. Raises as `decode_json`."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise MalformedJson("The body is nested too deeply.") from None
