"""Packed records are listed once: in Python and Lua the same, and split nowhere else."""

import re

import pytest

from tapewire.matching.library import COMMANDS, CORE, READS, load_library
from tapewire.packed.layout import (
    ACCOUNT_BOUNDS,
    BOUNDS,
    CANDLE,
    CONTROLS,
    FILL,
    LAYOUTS,
    STATE,
    TERMS,
)
from tapewire.packed.packing import UNIT, Layout, account_of
from tapewire.values.bounds import AccountLimits, MarketBounds
from tests.support.house.layouts import packed_elsewhere
from tests.support.house.rules import SHARED, SourceFile
from tests.test_tidy import repository

LUA = SHARED + "matching/lua/x.lua"
PYTHON = SHARED + "x.py"


def test_packed_records_are_split_in_one_place() -> None:
    """No file that ships splits, joins or matches a packed record but the layout."""
    broken = [
        f"{file.path}:{reason}"
        for file in repository()
        if file.in_source and file.path.endswith((".py", ".lua"))
        for reason in packed_elsewhere(file)
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (PYTHON, "terms.split('|')"),
        (PYTHON, "state.rpartition(b'|')"),
        (PYTHON, "'|'.join(values)"),
        (PYTHON, "text.partition('\\x1f')"),
        (PYTHON, "part = '\\x1e'.join(parts)"),
        (PYTHON, "text = f'{ticks}|{lots}'"),
        (LUA, "local text = one .. '|' .. other"),
        (LUA, "string.match(text, '^(%d+)|(%d+)$')"),
        (LUA, r"local text = kind .. '\31' .. id"),
        (LUA, "table.concat(lines, ';')"),
    ],
)
def test_a_second_place_is_found(path: str, text: str) -> None:
    """Each way to split or join by hand is noticed."""
    assert list(packed_elsewhere(SourceFile(path, text)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (PYTHON, "kinds = int | str"),
        (PYTHON, "'a table | of text'"),
        (PYTHON, "text.split(',')"),
        (LUA, "-- state = status|executed"),
        (LUA, "local json = '{\"a\":1,'"),
    ],
)
def test_what_is_no_packed_record_is_let_through(path: str, text: str) -> None:
    """Unions, tables, commas and comments are none."""
    assert not list(packed_elsewhere(SourceFile(path, text)))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: str(layout.name))
def test_a_record_is_read_as_it_was_written(layout: Layout[tuple[str, ...]]) -> None:
    """Values come back by name; another number of values is refused."""
    values = [str(number) for number in range(len(layout.kinds))]
    record = layout.read(layout.write(values))
    assert [getattr(record, name) for name in layout.kinds] == values
    with pytest.raises(ValueError, match=f"no {layout.name}"):
        layout.read(values[0])
    with pytest.raises(ValueError, match=layout.name):
        layout.write(values[1:])


def test_later_fields_are_written_only_if_they_say_something() -> None:
    """A record from before they existed reads as with their defaults."""
    old = "60|1|1|1|1|5|5|1|7|7"
    candle = CANDLE.read(old)
    assert (candle.taker_buy_lots, candle.taker_buy_notional) == ("0", "0")
    assert CANDLE.write(candle) == old
    assert CANDLE.write(candle._replace(taker_buy_notional="5")) == f"{old}|0|5"
    assert CANDLE.write(candle._replace(taker_buy_lots="5")) == f"{old}|5"
    with pytest.raises(ValueError, match="has not 12 values"):
        CANDLE.read(old.removesuffix("|7"))


def test_a_state_of_format_1_has_no_fee_credit() -> None:
    """The text of the state is unchanged while the order has no credit."""
    old = "new|0|0|5|0|||"
    assert STATE.read(old).fee_credit_millionths == "0"
    assert STATE.write(STATE.read(old)) == old
    assert STATE.read(f"{old}||7").fee_credit_millionths == "7"


def test_a_list_of_records_may_be_empty() -> None:
    """The empty text is a list of none."""
    assert FILL.read_list("") == []
    assert [fill.lots for fill in FILL.read_list("1,2,m,3,4;5,6,t,7,8")] == ["2", "6"]


def test_every_layout_is_in_the_library() -> None:
    """The library has the code of each record, with the fields in their order."""
    source = load_library().body
    for layout in LAYOUTS:
        assert f"function {layout.name}.join({', '.join(layout.kinds)})" in source
    assert "record.quantity and integer_text(record.quantity)" in source


def test_every_lua_file_is_in_the_library() -> None:
    """A file that no list of the library names would never run."""
    root = SHARED + "matching/lua/"
    found = {file.path.removeprefix(root) for file in repository() if file.path.startswith(root)}
    listed = {"core": CORE, "commands": COMMANDS, "reads": READS}
    assert found == {f"{folder}/{name}.lua" for folder, names in listed.items() for name in names}


def test_bounds_have_the_same_order_everywhere() -> None:
    """What an administrator sets is the end of the controls, in one order."""
    assert list(BOUNDS.kinds) == list(MarketBounds.__annotations__)
    assert list(ACCOUNT_BOUNDS.kinds) == list(AccountLimits.__annotations__)
    assert list(CONTROLS.kinds)[2:] == list(BOUNDS.kinds)


def test_no_lua_file_has_a_bound_as_a_number() -> None:
    """Bounds of limits.py come into the library by name."""
    for file in repository():
        if file.path.startswith(SHARED + "matching/lua/"):
            code = "\n".join(line.partition("--")[0] for line in file.text.splitlines())
            assert not re.search(r"'~', *\d|\b(9007199254740992|4611686018427387904)\b", code), (
                file.path
            )


def test_the_account_of_an_event_is_its_first_value() -> None:
    """The account is read without the rest of the event."""
    assert account_of(b"alice|e|1|2|3\x1e") == b"alice"
    assert UNIT not in TERMS.separator + STATE.separator
