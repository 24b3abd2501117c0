"""Reads a document as steps that a reader follows: files to save, commands to run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STEP = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?"
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"\n]+)")?\n(?P<text>.*?)^```',
    re.MULTILINE | re.DOTALL,
)
NOT_RUN = "not run by the tests: "


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A block with a title: the reader saves it under that name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Commands:
    """A block of shell commands. `reason` says why the tests do not run it, if they do not."""

    text: str
    reason: str | None = None


def steps(text: str) -> Iterator[SavedFile | Commands]:
    """The files and shell commands of a document, in order."""
    for match in _STEP.finditer(text):
        if match["title"]:
            yield SavedFile(match["title"], match["text"])
        elif match["language"] == "sh":
            note = match["note"] or ""
            yield Commands(
                match["text"], note.removeprefix(NOT_RUN) if note.startswith(NOT_RUN) else None
            )


def command_lines(text: str) -> Iterator[str]:
    """The lines of shell blocks, those that a backslash continues joined."""
    for match in _STEP.finditer(text):
        if match["language"] == "sh":
            yield from match["text"].replace("\\\n", " ").splitlines()


def tapewire_words(line: str) -> list[str] | None:
    """The words behind `tapewire` of a command line; None for another command."""
    found = re.search(r"(?:^|\$ |/|(?<!user)\s)tapewire ((?:[a-z][\w-]*|--\w).*)$", line)
    if found is None or re.match(r"\s*#", line):
        return None
    words = re.split(r"\s+(?:[|>#]|&&)\s*|;\s", found[1])[0]
    return re.findall(r'(?:[^\s"\']|"[^"]*"|\'[^\']*\')+', words)
