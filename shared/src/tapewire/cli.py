"""The `tapewire` command. Each subcommand is a module of its own, imported when it is used."""

import errno
import gc
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import click

from tapewire import __version__
from tapewire.commands.words import negative_number
from tapewire.runtime.environment import drop_service_links

# A full disk, a device that fails, a closed descriptor, a quota or a size limit that is reached.
OUTPUT_ERRORS = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT, errno.EFBIG})

# name -> (module, attribute, the line that `tapewire --help` shows)
SUBCOMMANDS = {
    name: (f"tapewire.commands.{module}", attribute, line)
    for name, module, attribute, line in (
        ("up", "up", "up", "Start the whole venue on this machine."),
        ("status", "status", "status", "Show how a running venue is."),
        ("doctor", "doctor", "doctor", "Check this machine and a venue, with advice."),
        ("order", "order", "order", "Place, amend, cancel and show orders."),
        ("orders", "history", "orders", "List the account's orders."),
        ("fills", "history", "fills", "List the account's executions."),
        ("balances", "history", "balances", "Show the account's balances."),
        ("cancel-all", "history", "cancel_all", "Cancel every open order of the account."),
        ("book", "prices", "book", "Show an order book as a live ladder."),
        ("tape", "tape", "tape", "Print trades as they happen."),
        ("candles", "prices", "candles", "Draw candles."),
        ("ticker", "prices", "ticker", "Show the last 24 hours and the best prices."),
        ("instruments", "prices", "instruments", "List the instruments."),
        ("market", "market", "market", "List markets, halt and resume them."),
        ("instrument", "instrument", "instrument", "Add and change instruments."),
        ("account", "account_many", "account", "Show accounts, move money, set fees and limits."),
        ("contest", "contest", "contest", "Run rounds, show the leaderboard, send notices."),
        ("key", "key", "key", "Make, list and revoke API keys."),
        ("export", "export", "export", "Write trades, candles, orders or fills to a file."),
        ("replay", "replay", "replay", "Send recorded orders to a running venue."),
        ("journal", "journal", "journal", "Export the journal of a venue, or verify it."),
        ("audit", "audit", "audit", "Check that money, orders and books add up."),
        ("clock", "clock", "clock", "Show the clock of the venue, or set it right."),
        ("backup", "backup", "backup", "Write the whole venue to a file."),
        ("restore", "backup", "restore", "Restore a venue from a backup."),
        ("reset", "reset", "reset", "Delete the data of a venue that does not run."),
        ("completion", "completion", "completion", "Print a completion script for a shell."),
    )
}
# Other names of commands, left out of the list in `tapewire --help`.
ALIASES = {"watch": "tape"}

EXIT_INTERRUPTED = 130  # as shells report a process that SIGINT ended
# A request of these commands changes something, and may be at the venue already.
CHANGING = frozenset(
    {"account", "cancel-all", "clock", "contest", "instrument", "key", "market", "order", "replay"}
)


class LazyGroup(click.Group):
    """Knows its commands by name; `--help` imports none of their modules."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as click declares it)
        """Run a command; a standard output that cannot be written is one sentence, status 1."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            # Commands name the files that they write, so an error without a name is the output's.
            if error.errno not in OUTPUT_ERRORS or error.filename is not None:
                raise
            _drop_output()
            click.echo(f"Error: standard output cannot be written: {error.strerror}.", err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (as click declares it)
        """Run a command; Ctrl-C ends it with one sentence and status 130."""
        words = list(ctx.args)
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            # click reads a negative number as an option, digit by digit.
            number = negative_number(words) if error.option_name[1:2] in "0123456789." else None
            if number is None:
                raise
            raise click.UsageError(
                f"{number} cannot be used here: a number has no sign, because it cannot be "
                "negative.",
                error.ctx,
            ) from None
        except KeyboardInterrupt:
            doubt = " A request that was on its way may have been done."
            name = ctx.invoked_subcommand or ""
            click.echo(f"Ended with Ctrl-C.{doubt if name in CHANGING else ''}", err=True)
            ctx.exit(EXIT_INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order a newcomer needs them."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None if there is no such."""
        del ctx
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in SUBCOMMANDS:
            return None
        module, attribute, _ = SUBCOMMANDS[name]
        command: click.Command = getattr(_import_quickly(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; the refusal of an unknown one names the commands that may be meant."""
        word = args[0]
        if not word.startswith("-") and self.get_command(ctx, word) is None:
            meant = [] if ctx.resilient_parsing else self._meant(ctx, word)
            if meant:
                names = " or ".join(f"`tapewire {name}`" for name in meant)
                raise click.UsageError(f"No such command {word!r}. Did you mean {names}?", ctx)
        return super().resolve_command(ctx, args)

    def _meant(self, ctx: click.Context, word: str) -> list[str]:
        """Commands of groups with this name, such as `order buy`; else commands of similar name."""
        import difflib

        groups = ((name, self.get_command(ctx, name)) for name in SUBCOMMANDS)
        inside = [
            f"{name} {word}"
            for name, group in groups
            if isinstance(group, click.Group) and word in group.commands
        ]
        return inside or difflib.get_close_matches(word, SUBCOMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, from their lines here."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in SUBCOMMANDS.items()])


def _import_quickly(name: str) -> ModuleType:
    """Import a module of a command, and keep the garbage collector from its objects.

    The objects live as long as the process: to look through them is a tenth of a command's start.
    """
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _drop_output() -> None:
    """Send the rest of the output nowhere: the interpreter flushes once more at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tapewire")
def main() -> None:
    """Tapewire: a trading venue that starts with one command.

    Orders in over REST, every trade out over WebSocket.
    """
    drop_service_links(os.environ)
