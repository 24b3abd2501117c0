"""Imports between modules: circles of files, and imports that run up the order of folders. Pure.

`tests/test_structure.py` names the order and applies these functions to the repository.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# In an order: every module directly in the package that the order does not name.
REST = "*"
MAY_IMPORT = re.compile(r"May import: ([^.`]*(?:`[\w.]+`[^.`]*)*)\.(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement: `line` of the module `source` imports the module `target`."""

    source: str
    line: int
    target: str


def module_name(path: str) -> str:
    """The dotted name of a file below a folder `src`, or below the root for `tests`."""
    parts = list(PurePosixPath(path.rpartition("/src/")[2]).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(texts: Mapping[str, str]) -> list[Import]:
    """Imports among the modules whose source text `texts` has, by module name.

    Imports inside functions and for type checkers count as well. Importing a name that is a module
    of its own counts for that module, not for its package.
    """
    found = []
    for source, text in texts.items():
        for node in ast.walk(ast.parse(text)):
            for name in _targets(node):
                target = _known(name, texts)
                if target and target != source:
                    found.append(Import(source, getattr(node, "lineno", 1), target))
    return found


def _known(name: str, texts: Mapping[str, str]) -> str:
    """The longest beginning of a dotted name that is a module; empty if there is none."""
    while name and name not in texts:
        name = name.rpartition(".")[0]
    return name


def _targets(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"{module}.{alias.name}" for alias in names)


def circles(found: Sequence[Import]) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others; each sorted."""
    targets: dict[str, set[str]] = {}
    for item in found:
        targets.setdefault(item.source, set()).add(item.target)
    reached = {source: _reachable(source, targets) for source in targets}
    groups = {
        tuple(sorted(other for other in reach if source in reached.get(other, ())))
        for source, reach in reached.items()
        if source in reach
    }
    return [list(group) for group in sorted(groups)]


def _reachable(source: str, targets: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [source]
    while waiting:
        for target in targets.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def upward(found: Sequence[Import], orders: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Imports within a package that do not lead to an earlier place of its order."""
    for item in found:
        package = item.source.partition(".")[0]
        if package not in orders or item.target.partition(".")[0] != package:
            continue
        order = orders[package]
        source, target = place(item.source, order), place(item.target, order)
        if source != target and order.index(source) < order.index(target):
            yield f"{item.source}:{item.line} imports {item.target}: {target} is above {source}"


def undeclared(
    found: Sequence[Import], docstrings: Mapping[str, str], orders: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Imports of a folder that its docstring does not allow, within a package.

    `docstrings` has those of the folders by dotted name. The sentence `May import: ...` names
    places of the order, or modules in them, or says `everything below`.
    """
    for item in found:
        package, _, target = item.target.partition(".")
        folder = ".".join(item.source.split(".")[:2])
        if folder not in docstrings or package != folder.partition(".")[0]:
            continue
        if item.target == folder or item.target.startswith(f"{folder}."):
            continue
        allowed = allowed_imports(docstrings[folder])
        if allowed is None or any(f"{target}.".startswith(f"{name}.") for name in allowed):
            continue
        if place(item.target, orders[package]) == orders[package][0] and not target:
            continue
        yield f"{item.source}:{item.line} imports {item.target}: {folder} may not"


def allowed_imports(docstring: str) -> list[str] | None:
    """The names in the sentence `May import: ...`; None for `everything below`.

    Raises ValueError if there is no such sentence.
    """
    match = MAY_IMPORT.search(docstring)
    if match is None:
        raise ValueError(f"no sentence `May import: ...` in {docstring!r}")
    return None if "everything below" in match[1] else re.findall(r"`([\w.]+)`", match[1])


def place(module: str, order: Sequence[str]) -> str:
    """The entry of the order that a module belongs to: its folder, or a module named there.

    Raises ValueError if the order has no place for it.
    """
    inside = module.split(".")[1:]
    if not inside:
        return order[0]
    if inside[0] in order:
        return inside[0]
    if len(inside) == 1 and REST in order:
        return REST
    raise ValueError(f"{module}: the order of its package has no place {inside[0]!r}")
