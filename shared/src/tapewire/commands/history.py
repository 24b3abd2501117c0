"""`tapewire orders`, `fills`, `balances` and `cancel-all`: orders and money of an account."""

from itertools import islice
from typing import Any

import click

from tapewire.client.order_calls import StatusText
from tapewire.commands.client_options import ClientChoice, client_options
from tapewire.commands.options import from_option, to_option
from tapewire.commands.words import WholeNumber
from tapewire.terminal.tables import balances_table, fills_table, orders_table

STATUSES = ("open", "new", "partially_filled", "filled", "canceled", "expired")
ITEMS_DEFAULT = 20
ITEMS_MAX = 100_000
PAGE_ITEMS_MAX = 500


def _listing(command: Any) -> Any:  # noqa: ANN401 (as click's decorators)
    """Give a list its filters."""
    for option in reversed(
        (
            click.option("--symbol", metavar="SYMBOL", help="Default: every symbol."),
            from_option,
            to_option,
            click.option(
                "--limit", type=WholeNumber(1, ITEMS_MAX), default=ITEMS_DEFAULT,
                show_default=True, help="How many at most, newest first.",
            ),
            client_options,
        )
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@click.option("--status", type=click.Choice(STATUSES), help="Default: every status.")
@_listing
def orders(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    status: StatusText | None,
    symbol: str | None,
    start: str | None,
    end: str | None,
    limit: int,
) -> None:
    """List the account's orders, newest first."""
    with chosen.connected() as session:
        found = session.client.orders(
            symbol, status=status, start=start, end=end, page_size=min(limit, PAGE_ITEMS_MAX)
        )
        items = list(islice(found, limit))
        session.output.records(items, orders_table(items))


@click.command()
@click.option("--order-id", metavar="ID", help="Fills of one order.")
@_listing
def fills(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    order_id: str | None,
    symbol: str | None,
    start: str | None,
    end: str | None,
    limit: int,
) -> None:
    """List the account's executions, newest first."""
    with chosen.connected() as session:
        found = session.client.fills(
            symbol, order_id=order_id, start=start, end=end, page_size=min(limit, PAGE_ITEMS_MAX)
        )
        items = list(islice(found, limit))
        session.output.records(items, fills_table(items))


@click.command()
@client_options
def balances(chosen: ClientChoice) -> None:
    """Show the account's balances: available, held by open orders, total."""
    with chosen.connected() as session:
        account = session.client.account()
        session.output.document(account, balances_table(account))


@click.command("cancel-all")
@click.argument("symbol", required=False)
@client_options
def cancel_all(chosen: ClientChoice, symbol: str | None) -> None:
    """Cancel every open order of the account, or those of SYMBOL."""
    with chosen.connected() as session:
        canceled = session.client.cancel_all(symbol and symbol.upper())
        noun = "order" if len(canceled) == 1 else "orders"
        session.output.document({"canceled": canceled}, f"canceled {len(canceled)} {noun}")
