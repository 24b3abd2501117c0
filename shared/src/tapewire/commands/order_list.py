"""`tapewire order oco`, `tapewire order cancel-list`: two orders of which one cancels the other."""

import click

from tapewire.client import ListOrder
from tapewire.client.order_requests import SideText
from tapewire.commands.client_options import ClientChoice, client_options
from tapewire.terminal.tables import order_table


@click.command()
@click.argument("side", type=click.Choice(("buy", "sell")))
@click.argument("symbol")
@click.argument("quantity")
@click.option("--limit", "limit_price", metavar="PRICE", help="Price of a limit order.")
@click.option("--take-profit", metavar="PRICE", help="Stop price of a take-profit order.")
@click.option(
    "--stop", "stop_price", metavar="PRICE", required=True, help="Stop price of the stop order."
)
@click.option(
    "--stop-limit",
    metavar="PRICE",
    help="Limit price of the stop order. Default: none, a market order.",
)
@client_options
def oco(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    side: SideText,
    symbol: str,
    quantity: str,
    limit_price: str | None,
    take_profit: str | None,
    stop_price: str,
    stop_limit: str | None,
) -> None:
    """Place two orders of which one cancels the other.

    --limit or --take-profit is the order at the better price, --stop the order at the worse price.
    """
    if (limit_price is None) == (take_profit is None):
        raise click.UsageError("name one of --limit and --take-profit")
    if limit_price is not None:
        profit = ListOrder(order_type="limit", price=limit_price)
    else:
        profit = ListOrder(order_type="take_profit", stop_price=take_profit)
    stop = ListOrder(
        order_type="stop" if stop_limit is None else "stop_limit",
        stop_price=stop_price,
        price=stop_limit,
    )
    with chosen.connected() as session:
        placed = session.client.place_list(symbol.upper(), side, quantity, profit=profit, stop=stop)
        for listed in placed.orders:
            session.output.document(listed, order_table(listed))


@click.command("cancel-list")
@click.argument("list_id")
@client_options
def cancel_list(chosen: ClientChoice, list_id: str) -> None:
    """Cancel both orders that `order oco` placed; LIST_ID is the id of the first order."""
    with chosen.connected() as session:
        for listed in session.client.cancel_list(list_id).orders:
            session.output.document(listed, order_table(listed))
