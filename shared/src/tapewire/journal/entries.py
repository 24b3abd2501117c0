"""One entry of the journal: read from the stream, written to and read from a line of a file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapewire.errors import TapewireError
from tapewire.packed.packing import split_texts

_FIELDS = ("op", "clock", "limits", "args", "result")
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class JournalError(TapewireError):
    """A journal cannot be read, or commands are missing."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One accepted command: operation, clock, limits, arguments, result."""

    number: int
    op: str
    clock_us: str
    limits: str
    arguments: tuple[str, ...]
    result: tuple[str, ...]

    def text(self, common_limits: str) -> str:
        """The entry as JSON, without the limits if they equal those of the file's header."""
        members: dict[str, object] = {"n": self.number, "op": self.op, "clock": self.clock_us}
        if self.limits != common_limits:
            members["limits"] = self.limits
        members |= {"args": self.arguments, "result": self.result}
        return _encode(members)


def read_entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> JournalEntry:
    """Read an entry of the stream. Raises JournalError if Tapewire did not write the entry."""
    number, _, part = entry_id.decode().partition("-")
    # Bytes that are not UTF-8 were not written by the library, and must still reach the report.
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
    """Read a line of a file. Raises ValueError."""
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
