"""The function library of the venue: its Lua source, put together once and named by its content.

All Lua files of `lua/` become one library, so that each function exists once in Redis. The name of
the library and of its functions carries a hash of the source: gateways of two versions work side by
side. The packed records (`packed/layout.py`) and the bounds (`limits.py`) become Lua code here.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tapewire.limits import (
    ACCOUNT_LOG_EVENTS_MAX,
    AUCTION_READS_MAX,
    BALANCE_UNITS_MAX,
    CANDLES_MAX,
    CLOCK_JUMP_US_MAX,
    EXACT_INTEGER_MAX,
    INDICATIVE_READS,
    ORDER_FILLS_SHOWN_MAX,
    ORDER_FILLS_TRIM_TRADES,
)
from tapewire.packed.layout import LAYOUTS
from tapewire.packed.packing import FORMAT, ITEM, LATER_DEFAULTS, PART, UNIT, Layout

LIBRARY_PREFIX = "tapewire_"
HASH_DIGITS = 12

# In this order: a file uses what the files before it define.
CORE = (
    "text", "records", "market", "broken", "book", "orders", "ledger", "candles", "command",
    "holds", "standing", "lists", "settlement", "trades", "match", "fok", "admit", "stops",
    "ending", "auction_price", "auction", "risk", "entry", "funds", "frame",
)  # fmt: skip
# Lua allows 200 local names in one block. These files have names of their own; the files after them
# know the names listed here.
PUBLIC_NAMES: Mapping[str, tuple[str, ...]] = {
    "broken": ("BROKEN", "mark_broken", "clear_broken", "answer_failure"),
    "candles": ("CANDLE_BASES", "record_candle"),
    "match": ("match",),
    "fok": ("would_fill",),
    "admit": (
        "is_out_of_band", "would_take", "wait_for_stop", "begin_record", "run_taker",
        "write_order",
    ),
    "stops": ("FIRING", "fires", "note_waiting", "run_stops"),
    "auction_price": ("Search",),
    "auction": ("Auction",),
    "entry": (
        "new_order", "earlier_placement", "entry_refusal", "enter_order", "enter_and_fire",
        "market_refusal",
    ),
}  # fmt: skip
COMMANDS = (
    "place", "place_list", "replace", "amend", "fire_stops", "cancel", "cancel_all", "expire",
    "dead_man", "control", "indicate", "instruments", "delist", "open_account", "transfer",
    "set_account", "set_clock",
)  # fmt: skip
READS = (
    "audit_account", "audit_changes", "audit_open", "audit_index", "audit_level", "audit_levels",
    "audit_places", "log_page",
)  # fmt: skip

# A command that only takes orders out of the book may run when Redis is out of memory.
_FREEING = frozenset({"cancel", "cancel_all", "expire", "delist"})

# Lua patterns of the kinds of values; a text has no separator of its record.
_PATTERNS = {"digits": "(%d+)", "optional digits": "(%d*)", "number": "(%d+)",
             "optional number": "(%d*)", "later number": "(%d*)", "later digits": "(%d*)",
             "rest": "(.*)"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Library:
    """The library without its first lines, which name it and the load (`load_text`)."""

    digest: str
    body: str

    @property
    def name(self) -> str:
        """The name by which Redis knows the library."""
        return f"{LIBRARY_PREFIX}{self.digest}"

    def function(self, name: str) -> str:
        """The name of a function: names are unique among all libraries of a Redis."""
        return f"{name}_{self.digest}"

    def load_text(self, load_id: str) -> str:
        """The text for FUNCTION LOAD; `load_id` names this one load (`loading.py`)."""
        return (
            f"#!lua name={self.name}\n"
            f"local DIGEST, LOAD_ID = '{self.digest}', '{load_id}'\n{self.body}"
        )


@cache
def load_library() -> Library:
    """Put the library together. Raises FileNotFoundError for a file that does not exist."""
    body = "\n".join(_parts())
    return Library(hashlib.sha256(body.encode()).hexdigest()[:HASH_DIGITS], body)


def _parts() -> list[str]:
    parts = [_constants()]
    for name in CORE:
        parts.append(_core_file(name))
        if name == "text":
            parts += [lua_codec(layout) for layout in LAYOUTS]
    # The local names of a command or a read end with its file.
    for name in COMMANDS:
        flags = "'allow-oom'" if name in _FREEING else ""
        source = _file("commands", name)
        parts.append(f"do\n{source}\nregister_command('{name}', {name}, {{ {flags} }})\nend")
    for name in READS:
        parts.append(f"do\n{_file('reads', name)}\nregister_read('{name}', {name})\nend")
    return parts


def _core_file(name: str) -> str:
    """A file of `core`; its private names end with it."""
    source, names = _file("core", name), PUBLIC_NAMES.get(name)
    if names is None:
        return source
    for public in names:
        # The name is declared in front of the block, so that the file only sets it.
        source = re.sub(
            rf"^local (function {public}\b|{public} =)", r"\1", source, count=1, flags=re.MULTILINE
        )
    return f"local {', '.join(names)}\ndo\n{source}\nend"


def _file(folder: str, name: str) -> str:
    files = resources.files("tapewire.matching")
    return files.joinpath("lua", folder, f"{name}.lua").read_text("utf-8")


def _constants() -> str:
    """The bounds and separators that the files name."""
    numbers = {
        "EXACT_MAX": EXACT_INTEGER_MAX,
        "BALANCE_UNITS_MAX": BALANCE_UNITS_MAX,
        "ACCOUNT_LOG_EVENTS_MAX": ACCOUNT_LOG_EVENTS_MAX,
        "AUCTION_READS_MAX": AUCTION_READS_MAX,
        "INDICATIVE_READS": INDICATIVE_READS,
        "CANDLES_MAX": CANDLES_MAX,
        "CLOCK_JUMP_US_MAX": CLOCK_JUMP_US_MAX,
        "ORDER_FILLS_SHOWN_MAX": ORDER_FILLS_SHOWN_MAX,
        "ORDER_FILLS_TRIM_TRADES": ORDER_FILLS_TRIM_TRADES,
        "FORMAT": FORMAT,
    }
    texts = {"UNIT": UNIT, "PART": PART, "ITEM": ITEM}
    lines = [f"local {name} = {number}" for name, number in numbers.items()]
    lines += [f"local {name} = {_literal(text)}" for name, text in texts.items()]
    return "\n".join(lines)


def lua_codec(layout: Layout[object]) -> str:  # type: ignore[type-var]
    """Lua code of one record: a table named as the record, with five functions.

    `split(text)` returns the values as text, `join(values...)` is the packed text of values that
    are text; `read(text)` is a table of the values, as numbers where they are numbers,
    `read_into(record, text)` adds them to a table, `write(record)` is the packed text of one.
    """
    kinds = layout.kinds
    names = ", ".join(kinds)
    pattern = _pattern(kinds, layout.separator)
    values = {name: _read_term(name, kind) for name, kind in kinds.items()}
    fields = "\n".join(f"    {name} = {value}," for name, value in values.items())
    assignments = "\n".join(f"  record.{name} = {value}" for name, value in values.items())
    terms = {name: _write_term(name, kind) for name, kind in kinds.items()}
    return f"""
local {layout.name} = {{}}
function {layout.name}.split(text)
  return match_text(text, {_literal(f"^{pattern}$")})
end
function {layout.name}.join({names})
{_joining({name: name for name in kinds}, kinds, _literal(layout.separator))}
end
function {layout.name}.read(text)
  local {names} = {layout.name}.split(text)
  return {{
{fields}
  }}
end
function {layout.name}.read_into(record, text)
  local {names} = {layout.name}.split(text)
{assignments}
  return record
end
function {layout.name}.write(record)
{_joining(terms, kinds, _literal(layout.separator))}
end"""


def _pattern(kinds: Mapping[str, str], separator: str) -> str:
    """The Lua pattern of a record; later values may be missing with their separators."""
    pattern = ""
    for kind in kinds.values():
        if pattern:
            pattern += f"{separator}?" if kind in LATER_DEFAULTS else separator
        pattern += _PATTERNS.get(kind, f"([^{separator}]*)")
    return pattern


def _joining(terms: Mapping[str, str], kinds: Mapping[str, str], separator: str) -> str:
    """Lua code that returns the packed text of some terms, without missing later values."""
    first = [term for name, term in terms.items() if kinds[name] not in LATER_DEFAULTS]
    later = [name for name, kind in kinds.items() if kind in LATER_DEFAULTS]
    joined = f"\n    .. {separator} .. ".join(first)
    if not later:
        return f"  return {joined}"
    lines = ["  local later = ''"]
    for name in reversed(later):
        default = _literal(LATER_DEFAULTS[kinds[name]])
        lines += [
            f"  local {name}_text = {terms[name]}",
            f"  if later ~= '' or {name}_text ~= {default} then",
            f"    later = {separator} .. {name}_text .. later",
            "  end",
        ]
    return "\n".join([*lines, f"  return {joined}\n    .. later"])


def _read_term(name: str, kind: str) -> str:
    return {
        "number": f"{name} + 0",
        "optional number": f"{name} ~= '' and {name} + 0 or nil",
        "later number": f"{name} ~= '' and {name} + 0 or 0",
        "later digits": f"{name} ~= '' and {name} or '0'",
    }.get(kind, name)


def _write_term(name: str, kind: str) -> str:
    value = f"record.{name}"
    if kind in {"number", "later number"}:
        return f"integer_text({value})"
    if kind == "optional number":
        return f"({value} and integer_text({value}) or '')"
    return value


def _literal(text: str) -> str:
    """A Lua string; control characters as decimal escapes."""
    escaped = "".join(char if char.isprintable() else f"\\{ord(char):03}" for char in text)
    return f"'{escaped}'"
