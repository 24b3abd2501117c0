"""Reads the documents as data: code blocks, links, headings. Pure but for `documents`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = (
    "docs", "benchmarks", "deploy", "examples", "tests", "shared", "order-gateway", "market-data",
)  # fmt: skip
_NOT_ON_THE_SITE = ("deploy", "tests", "shared", "order-gateway", "market-data")

_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_BLOCK = re.compile(
    r"^```(?P<language>\w*)(?: title=[^\n]*)?\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    found = list(ROOT.glob("*.md"))
    for folder in FOLDERS:
        found += (ROOT / folder).rglob("*.md")
    return sorted(found)


def site_documents() -> list[Path]:
    """The documents that readers of the site look for (`make docs`)."""
    return [path for path in documents() if path.relative_to(ROOT).parts[0] not in _NOT_ON_THE_SITE]


def read(name: str) -> str:
    """The text of one document, by its path from the root."""
    return (ROOT / name).read_text("utf-8")


def section(text: str, begin: str, end: str) -> str:
    """What stands between two marks, the first of which the document has once."""
    assert text.count(begin) == 1, f"{begin!r} stands {text.count(begin)} times"
    return text.partition(begin)[2].partition(end)[0]


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of one language."""
    return [match["text"] for match in _BLOCK.finditer(text) if match["language"] == language]


def prose(text: str) -> str:
    """The text without its code blocks."""
    return _BLOCK.sub("", text)


def json_values(text: str) -> Iterator[Any]:
    """Every JSON value of a code block, one after the other."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        position += len(text[position:]) - len(text[position:].lstrip())


def links(document: Path) -> Iterator[tuple[str, str]]:
    """The relative links of a document: path, which is empty for itself, and anchor."""
    for match in _LINK.finditer(document.read_text("utf-8")):
        if "://" not in match["target"]:
            target, _, anchor = match["target"].partition("#")
            yield target, anchor


def broken_links(document: Path) -> Iterator[str]:
    """Relative links that lead to no file, or to no heading of it."""
    for target, anchor in links(document):
        file = (document.parent / target).resolve() if target else document
        if not file.exists():
            yield f"{target} leads nowhere"
        elif anchor and anchor not in headings(file.read_text("utf-8")):
            yield f"{target}#{anchor} names no heading"


def headings(text: str) -> set[str]:
    """The anchors of all headings, as the usual viewers make them."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


def broken_tables(text: str) -> Iterator[str]:
    """Tables without a header, and rows with another number of cells than their header."""
    for match in re.finditer(r"(?:^\|.*\n)+", prose(text), re.MULTILINE):
        rows = match[0].splitlines()
        if len(rows) < 2 or not re.fullmatch(r"\|(?: *:?-+:? *\|)+", rows[1]):
            yield f"no header stands above {rows[0][:60]}"
            continue
        cells = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
        yield from (
            f"{count - 1} cells instead of {cells[0] - 1}: {row[:60]}"
            for row, count in zip(rows, cells, strict=True)
            if count != cells[0]
        )


def rule_numbers(text: str) -> list[int]:
    """The numbers of the rules in docs/matching.md, in the order of the text."""
    rules = section(text, "\n## Rules\n", "\n### How orders end\n")
    return [int(number) for number in re.findall(r"^(\d+)\. ", rules, re.MULTILINE)]


def torn_paragraphs(text: str) -> Iterator[str]:
    """Paragraphs that begin with a small letter, because an empty line tears a sentence."""
    for match in re.finditer(
        r"^[^\s#|<`\-].*[^.:!?\n]\n\n(?=([a-z*].*))", prose(text), re.MULTILINE
    ):
        yield f"an empty line tears: {match[1][:60]}"
