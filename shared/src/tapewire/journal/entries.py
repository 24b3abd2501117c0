"""One entry of the journal, as the library writes it and as the text of a line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapewire.errors import TapewireError
from tapewire.packed.packing import split_texts

_FIELDS = ("op", "clock", "limits", "args", "result")
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class JournalError(TapewireError):
    """A journal cannot be read, or is not whole."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One accepted command: what was asked, when, within which limits, and what came of it."""

    number: int
    op: str
    clock_us: str
    limits: str
    arguments: tuple[str, ...]
    result: tuple[str, ...]

    def text(self, common_limits: str) -> str:
        """As JSON, without the limits if they are those of the header of its file."""
        members: dict[str, object] = {"n": self.number, "op": self.op, "clock": self.clock_us}
        if self.limits != common_limits:
            members["limits"] = self.limits
        members |= {"args": self.arguments, "result": self.result}
        return _encode(members)


def read_entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> JournalEntry:
    """An entry of the stream. Raises JournalError if it is none of ours."""
    number, _, part = entry_id.decode().partition("-")
    # What is not UTF-8 was not written by the library, but must still reach the report.
    texts = {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in fields.items()
    }
    if part != "0" or tuple(texts) != _FIELDS:
        raise JournalError(f"entry {entry_id.decode()} of the journal was not written by Tapewire.")
    return JournalEntry(
        int(number),
        texts["op"],
        texts["clock"],
        texts["limits"],
        split_texts(texts["args"]),
        split_texts(texts["result"]),
    )


def parse_line(text: str, common_limits: str) -> JournalEntry:
    """A line of a file. Raises ValueError if it is none."""
    members: Any = json.loads(text)
    try:
        entry = JournalEntry(
            members["n"],
            members["op"],
            members["clock"],
            members.get("limits", common_limits),
            tuple(members["args"]),
            tuple(members["result"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a member is missing or has a wrong type: {error}") from None
    texts = (entry.op, entry.clock_us, entry.limits, *entry.arguments, *entry.result)
    if type(entry.number) is not int or not all(isinstance(text, str) for text in texts):
        raise ValueError("a member has a wrong type")
    return entry
