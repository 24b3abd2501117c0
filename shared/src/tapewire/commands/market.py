"""`tapewire market`: list markets, and switch their states."""

from collections.abc import Sequence

import click

from tapewire.client.admin_calls import MarketStateText
from tapewire.commands.client_options import ClientChoice, client_options
from tapewire.terminal.tables import instruments_table

SYMBOLS_HELP = "SYMBOLS are markets; --all switches every market."


@click.group()
def market() -> None:
    """List markets, halt and resume them.

    At a venue with keys the switches need a key with the permission admin.
    """


@market.command("list")
@client_options
def list_markets(chosen: ClientChoice) -> None:
    """List the markets with their states, steps, limits and fees."""
    with chosen.connected() as session:
        found = session.client.instruments()
        session.output.records(found, instruments_table(found))


def _switch(name: str, state: MarketStateText, sentence: str) -> None:
    """Add the command `market NAME`, which switches markets to `state`."""

    @market.command(name, help=f"{sentence} {SYMBOLS_HELP}", short_help=sentence)
    @click.argument("symbols", nargs=-1)
    @click.option("--all", "wants_all", is_flag=True, help="Every market of the venue.")
    @client_options
    def switch(chosen: ClientChoice, symbols: Sequence[str], wants_all: bool) -> None:
        if bool(symbols) == wants_all:
            raise click.UsageError("name SYMBOLS or --all, and not both")
        with chosen.connected() as session:
            wanted = [symbol.upper() for symbol in symbols]
            if wants_all:
                wanted = [item.symbol for item in session.client.instruments()]
            changed = [session.client.admin.change_market(one, state=state) for one in wanted]
            session.output.records(changed, instruments_table(changed))


_switch("halt", "halted", "Accept no orders, no amendments and no cancels.")
_switch("resume", "trading", "Accept every command again; ends an auction.")
_switch("auction", "auction", "Collect orders; `resume` trades them at one price.")
_switch("cancel-only", "cancel_only", "Accept cancels and smaller quantities only.")
_switch("post-only", "post_only", "Accept post-only orders and cancels only.")
