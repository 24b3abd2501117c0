"""Errors and their codes: every code has one meaning, and no code is without one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import order_gateway
import tapewire
from tapewire.error_codes import ERROR_CODES
from tapewire.errors import Conflict, InvalidField, Refusal, TapewireError, Unavailable

SOURCES = [
    path
    for package in (tapewire, order_gateway)
    for path in Path(str(package.__file__)).parent.rglob("*.py")
]


def subclasses(kind: type[TapewireError]) -> Iterator[type[TapewireError]]:
    """Every class below `kind`."""
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.mark.parametrize("kind", [*subclasses(Refusal), *subclasses(Unavailable)])
def test_an_error_has_the_status_of_its_code(kind: type[Refusal | Unavailable]) -> None:
    """Class and table agree; errors of the client library are no answers."""
    if kind not in {InvalidField, Conflict} and not kind.__module__.startswith("tapewire.client"):
        assert ERROR_CODES[kind.code].status == kind.status


# Which argument of these is the code, and the status that goes with all of them.
CODED = {"InvalidField": (1, InvalidField.status), "Conflict": (0, Conflict.status)}


def codes_in_calls() -> Iterator[tuple[str, str, int]]:
    """Every literal code that is given to one of `CODED` somewhere, with its file and status."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if called and node.func.id in CODED:  # type: ignore[attr-defined]
                place, status = CODED[node.func.id]  # type: ignore[attr-defined]
                code = node.args[place]  # type: ignore[attr-defined]
                if isinstance(code, ast.Constant):
                    yield path.name, str(code.value), status


def test_every_code_of_a_refusal_is_in_the_table() -> None:
    """A refusal with a code of its own making could not be answered with."""
    found = set(codes_in_calls())
    assert len(found) > 10
    assert [item for item in found if item[1] not in ERROR_CODES] == []
    assert all(ERROR_CODES[code].status == status for _, code, status in found)


def test_titles_are_short_sentences() -> None:
    """A title fits in a table cell and ends without a full stop."""
    for code, meaning in ERROR_CODES.items():
        assert code == code.lower()
        assert 400 <= meaning.status <= 503
        assert len(meaning.title) <= 60
        assert not meaning.title.endswith(".")


def test_an_unavailable_venue_says_when_to_come_back() -> None:
    """Every kind of 503 has a Retry-After."""
    assert all(kind("x").retry_after_s >= 1 for kind in Unavailable.__subclasses__())
