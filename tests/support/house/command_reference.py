"""The command line as docs/reference/commands.md lists it, from the texts of `--help`."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator

import click

from tapewire.cli import ALIASES, main

HEAD = """\
# Commands

Every command with its options, as `--help` shows them. [The command line](../commands.md) has an
overview, the choice of the venue, and the exit statuses.
"""
SHARED_MIN = 5  # an option that so many commands have in the same words stands at the end, once


def commands(
    command: click.Command, path: str, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Context]]:
    """Every command below this one that does something, by its whole name."""
    context = click.Context(
        command, parent=parent, info_name=path.rpartition(" ")[2], **command.context_settings
    )
    if not isinstance(command, click.Group):
        yield path, context
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None, name
        yield from commands(below, f"{path} {name}", context)


def every_command() -> dict[str, click.Context]:
    """The commands of `tapewire` by name, such as `tapewire order buy`."""
    return dict(commands(main, "tapewire"))


def option_rows(context: click.Context) -> list[tuple[str, str]]:
    """Each option as written, and its text; `--help` is left out."""
    rows = []
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record and "--help" not in parameter.opts:
            rows.append((record[0], re.sub(r"\s+", " ", record[1]).strip()))
    return rows


def command_page() -> str:
    """The whole page without its note."""
    found = every_command()
    uses = Counter(row for context in found.values() for row in option_rows(context))
    shared = {row for row, count in uses.items() if count >= SHARED_MIN}
    parts = [HEAD]
    for name, context in found.items():
        parts.append(f"## {name}\n\n{_described(context, shared)}")
    parts.append("## Options of many commands\n\n" + _table(row for row in uses if row in shared))
    return "\n".join(parts)


def _described(context: click.Context, shared: set[tuple[str, str]]) -> str:
    usage = context.command.get_usage(context)
    usage = re.sub(r"\s+", " ", usage.removeprefix("Usage: "))
    parts = [f"```\n{usage}\n```\n", f"{_text(context.command)}\n"]
    rows = option_rows(context)
    own = [row for row in rows if row not in shared]
    if own:
        parts.append(_table(own))
    common = [f"`{_flag(row[0])}`" for row in rows if row in shared]
    if common:
        parts.append(
            f"Also {', '.join(common)}: [options of many commands](#options-of-many-commands).\n"
        )
    aliases = [alias for alias, of in ALIASES.items() if of == context.command.name]
    parts += [f"Another name of the command is `tapewire {alias}`.\n" for alias in aliases]
    return "\n".join(parts)


def _text(command: click.Command) -> str:
    """The help text; lines that `\\b` keeps as they are become a block."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(
        f"```\n{paragraph.removeprefix(chr(8)).strip(chr(10))}\n```"
        if paragraph.startswith("\b")
        else _escaped(re.sub(r"\s+", " ", paragraph))
        for paragraph in paragraphs
    )


def _escaped(text: str) -> str:
    """Text in which Markdown sees no marks; words in backticks stay as they are."""
    pieces = text.split("`")
    return "`".join(
        re.sub(r"([*]|<(?=\w))", r"\\\1", piece) if number % 2 == 0 else piece
        for number, piece in enumerate(pieces)
    )


def _flag(written: str) -> str:
    return written.partition(" ")[0].rstrip(",")


def _table(rows: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    lines = ["| option | meaning |", "|---|---|"]
    for written, text in rows:
        cell = written.replace("|", r"\|")
        lines.append(f"| `{cell}` | {_escaped(text).replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"
