"""Places outside the layout that split, join or match a packed record. Pure."""

import ast
import re
from collections.abc import Iterator

from tests.support.house.rules import SHARED, SourceFile, calls

LAYOUT_FILES = tuple(f"{SHARED}packed/{name}.py" for name in ("layout", "events", "packing"))
# Texts that are hashed or shown, not kept: checksums of books, digests of orders, schemas.
OTHER_TEXTS = (
    "market-data/src/market_data/market/book.py",
    "order-gateway/src/order_gateway/documents.py",
    SHARED + "client/book_copy.py",
    SHARED + "matching/digest.py",
)
# These separate the values of packed records; a comma also stands in files of other formats.
SEPARATORS = ("|", "\x1e", "\x1f")
_METHODS = {"split", "rsplit", "partition", "rpartition", "join"}
_LUA_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")
_LUA_SEPARATOR = re.compile(r"\||;|\\0?3[01]")


def packed_elsewhere(file: SourceFile) -> Iterator[str]:
    """Only the layout splits and joins packed records."""
    if file.path.endswith(".lua"):
        yield from _lua_separators(file)
    elif file.path not in LAYOUT_FILES + OTHER_TEXTS:
        yield from _python_separators(file)


def _lua_separators(file: SourceFile) -> Iterator[str]:
    for number, line in enumerate(file.text.splitlines(), start=1):
        code = line.partition("--")[0]
        for text in _LUA_STRING.findall(code):
            if _LUA_SEPARATOR.search(text):
                yield f"{number}: {text!r} has the separator of a packed record"


def _python_separators(file: SourceFile) -> Iterator[str]:
    for line, name, node in calls(file.tree):
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in _METHODS:
            continue
        for item in (node.func.value, *node.args[:1]):
            if isinstance(item, ast.Constant) and _is_separator(item.value):
                yield f"{line}: {name}() with the separator of a packed record"
    for part in ast.walk(file.tree):
        if isinstance(part, ast.JoinedStr):
            texts = [item.value for item in part.values if isinstance(item, ast.Constant)]
            if any(_is_separator(text) for text in texts):
                yield f"{part.lineno}: text with the separator of a packed record"


def _is_separator(value: object) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return isinstance(text, str) and text in SEPARATORS
