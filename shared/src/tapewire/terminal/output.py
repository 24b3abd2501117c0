"""Where a command prints: tables and colours for people, JSON for scripts.

`rich` decides about colours: none when standard output is not a terminal or `NO_COLOR` is set.
"""

import os
import sys
from collections.abc import Iterable
from decimal import Decimal

import msgspec
from rich.console import Console, RenderableType

from tapewire.terminal.tables import ListTable

# Width of tables when standard output is not a terminal, so that pipes and files get whole lines.
PIPE_WIDTH_CHARACTERS = 160


class Output:
    """Prints the results of one command on standard output."""

    def __init__(self, *, is_json: bool) -> None:
        """`is_json` prints JSON documents, one per line, in place of tables."""
        self.is_json = is_json
        width = None if sys.stdout.isatty() else PIPE_WIDTH_CHARACTERS
        self.console = Console(file=sys.stdout, width=width, highlight=False, soft_wrap=True)

    @property
    def is_live(self) -> bool:
        """Whether a display can be redrawn: standard output is a terminal and shows no JSON."""
        return self.console.is_terminal and not self.is_json

    def document(self, value: object, shown: RenderableType) -> None:
        """Print one result: `value` as one line of JSON, or `shown`."""
        if self.is_json:
            self.write(json_line(value))
        else:
            self._print(shown)

    def records(self, values: Iterable[object], shown: RenderableType) -> None:
        """Print a list: one line of JSON for each of `values`, or `shown`."""
        if self.is_json:
            for value in values:
                self.write(json_line(value))
        else:
            self._print(shown)

    def _print(self, shown: RenderableType) -> None:
        """Print a table, or the sentence that stands in place of a table without rows."""
        if isinstance(shown, ListTable) and shown.empty and not shown.row_count:
            shown = shown.empty
        self.console.print(shown)

    def write(self, line: str) -> None:
        """Print one line unchanged. A reader that closed the pipe (`| head`) ends the command."""
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # The interpreter flushes standard output at its exit and would complain there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)


def json_line(value: object) -> str:
    """A value as one line of JSON; decimals are strings without an exponent."""
    return msgspec.json.encode(
        _plain(msgspec.to_builtins(value, builtin_types=(Decimal,)))
    ).decode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
