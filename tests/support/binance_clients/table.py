"""The table of clients and calls in docs/binance.md, made from a run."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.support.house.documents import ROOT

DOCUMENT = ROOT / "docs" / "binance.md"
BEGIN, END = (
    "<!-- clients: `make test-clients ARGS=--write-clients` -->\n",
    "<!-- end of clients -->",
)
MADE, ABSENT = "✓", ""


def versions() -> dict[str, str]:
    """The pinned version of each client, by its package."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    pins = [pin for name, found in extras.items() if name.startswith("clients") for pin in found]
    return dict(pin.split("==") for pin in pins)


def make_table(columns: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """A row for each call, a column for each program: name, package, the calls that it made."""
    known = versions()
    heads = [f"{name} {known[package]}" for name, package, _ in columns]
    rows = list(dict.fromkeys(call for *_, made in columns for call in made))
    lines = [f"| call | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for row in rows:
        marks = (MADE if row in made else ABSENT for *_, made in columns)
        lines.append(f"| {row} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def read_table(document: Path = DOCUMENT) -> str:
    """The table as the document has it."""
    text = document.read_text("utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip("\n") + "\n"


def write_table(table: str, document: Path = DOCUMENT) -> None:
    """Put a table into the document."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    text = document.read_text("utf-8")
    document.write_text(pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", text), "utf-8")
