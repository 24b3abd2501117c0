"""The structure of the packages: imports run down an order of folders, and never in a circle.

A new folder gets its place in `ORDERS`, and the sentence in its `__init__.py` that says what lives
there and what it may import.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.support.house.documents import ROOT
from tests.support.house.structure import (
    REST,
    Import,
    circles,
    imports,
    module_name,
    undeclared,
    upward,
)

# A place may import the places before it. `REST` stands for all modules directly in the package
# that are not named.
ORDERS: dict[str, tuple[str, ...]] = {
    "tapewire": (
        "limits", "errors", "error_codes", "runtime", "values", "packed", "wire", "keys",
        "settings", "redis", "market", "binance", "matching", "web", "api_keys", "client",
        "terminal", "journal", "audit", "replay", "crowd", "launcher", "commands", "cli",
        "__main__",
    ),
    "order_gateway": (
        REST, "ws", "page", "contest", "binance", "state", "guard", "incoming", "contest_routes",
        "instrument_routes", "order_routes", "order_list_routes", "account_routes", "admin_routes",
        "account_admin_routes", "key_routes", "socket_routes",
        "binance_routes", "asyncapi", "app", "__main__",
    ),
    "market_data": (
        "limits", "errors", "settings", "topics", "fanout", "market", "feed", "clients", "http",
        "binance", "app", "__main__",
    ),
}  # fmt: skip
SOURCES = ("shared/src", "order-gateway/src", "market-data/src")


@cache
def modules() -> Mapping[str, str]:
    """Source text by module name, of everything that ships and of the support of the tests."""
    folders = [ROOT / folder for folder in SOURCES] + [ROOT / "tests" / "support"]
    paths = [path for folder in folders for path in folder.rglob("*.py")]
    return {
        module_name(path.relative_to(ROOT).as_posix()): path.read_text("utf-8") for path in paths
    }


@cache
def imported() -> Sequence[Import]:
    """Every import among `modules`, parsed once for all tests."""
    return imports(modules())


def test_no_files_import_each_other_in_a_circle() -> None:
    """No module imports itself through others."""
    assert circles(imported()) == []


def test_imports_run_down_the_order() -> None:
    """No module imports a folder that stands above its own."""
    assert list(upward(imported(), ORDERS)) == []


def test_the_orders_name_what_there_is() -> None:
    """Every place in an order is a folder or module of its package."""
    packages = {path.name: path for folder in SOURCES for path in (ROOT / folder).iterdir()}
    assert {name for name in packages if (packages[name] / "__init__.py").is_file()} == set(ORDERS)
    for package, order in ORDERS.items():
        there = {path.stem for path in packages[package].iterdir()}
        assert set(order) - {REST} <= there, package


def folders() -> list[Path]:
    """Every folder of every package."""
    return sorted(
        path.parent for folder in SOURCES for path in (ROOT / folder).rglob("__init__.py")
    )


@pytest.mark.parametrize("folder", folders(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_folder_says_what_lives_there(folder: Path) -> None:
    """The `__init__.py` of a folder has a docstring."""
    assert docstring(folder)


def test_a_folder_imports_what_it_says() -> None:
    """The `__init__.py` of each folder names what its modules import of their package."""
    names = {
        module_name(folder.relative_to(ROOT).as_posix() + "/x.py"): folder for folder in folders()
    }
    below = {name.removesuffix(".x"): docstring(folder) for name, folder in names.items()}
    docstrings = {name: text for name, text in below.items() if name.count(".") == 1}
    assert set(ORDERS) < set(below)
    assert list(undeclared(imported(), docstrings, ORDERS)) == []


def docstring(folder: Path) -> str:
    """The docstring of a folder."""
    return ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""


CIRCLE = {
    "p.a": "from p import b",
    "p.b": "def f():\n    import p.c",
    "p.c": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import name",
    "p.d": "import p.a",
}


def test_a_circle_is_found() -> None:
    """Imports in functions and for type checkers close a circle; its importers are outside."""
    assert circles(imports(CIRCLE)) == [["p.a", "p.b", "p.c"]]


def test_an_import_that_runs_up_is_found() -> None:
    """Only imports from an earlier to a later place are reported, with their line."""
    found = [
        Import("p.low.x", 1, "p.high.y"),
        Import("p.high.y", 2, "p.low.x"),
        Import("p.low.x", 3, "p.low.z"),
        Import("p.flat", 4, "p.high"),
        Import("q", 5, "p.high"),
    ]
    assert list(upward(found, {"p": ("low", REST, "high")})) == [
        "p.low.x:1 imports p.high.y: high is above low",
        "p.flat:4 imports p.high: high is above *",
    ]


def test_a_folder_without_a_place_is_found() -> None:
    """A folder that the order does not name is an error, also where modules need no name."""
    with pytest.raises(ValueError, match="no place 'new'"):
        list(upward([Import("p.new.x", 1, "p.low")], {"p": ("low", REST)}))


DOCSTRING = "Low things.\n\nMay import: `base`,\n`mid.x`. More text.\n"


def test_an_import_that_is_not_declared_is_found() -> None:
    """Names in the sentence allow a folder or one of its modules, and nothing else."""
    found = [
        Import("p.low.x", 1, "p.base.y"),
        Import("p.low.x", 2, "p.mid.x"),
        Import("p.low.x", 3, "p.mid.y"),
        Import("p.low.x", 4, "p.low.z"),
        Import("p.low.x", 5, "q.mid"),
        Import("p.other.x", 6, "p.mid.y"),
    ]
    docstrings = {"p.low": DOCSTRING, "p.other": "All. May import: everything below."}
    order = {"p": ("base", "mid", "low", "other")}
    assert list(undeclared(found, docstrings, order)) == [
        "p.low.x:3 imports p.mid.y: p.low may not"
    ]
    with pytest.raises(ValueError, match="no sentence"):
        list(undeclared(found, {"p.low": "Nothing is said."}, order))


def test_what_the_nightly_profile_searches_longer_is_in_the_nightly_run() -> None:
    """A module of tests that asks for the profile is named in `NIGHTLY_TESTS` of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    named = next(line for line in makefile.splitlines() if line.startswith("NIGHTLY_TESTS"))
    run = named.partition(":=")[2].split()
    asking = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "\nfrom tests.support.profile import" in path.read_text("utf-8")
    ]
    assert asking
    assert [path for path in asking if not path.startswith(tuple(run))] == []


def test_serial_tests_have_modules_of_their_own() -> None:
    """All workers wait for a serial test, so it runs at the end; a module stays with one worker."""
    mixed = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if re.search(r"^ *@pytest\.mark\.serial", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert mixed == []
