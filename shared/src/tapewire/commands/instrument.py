"""`tapewire instrument`: list, add, change and delist instruments while the venue runs."""

from typing import Any

import click

from tapewire.client import InstrumentInfo
from tapewire.commands.client_options import ClientChoice, client_options
from tapewire.commands.words import WholeNumber
from tapewire.terminal.tables import instruments_table

# Fields of an instrument that may change: option, field, help. All are limits or fees.
_TEXT_LIMITS = (
    ("--min-quantity", "min_quantity", "Smallest quantity of an order."),
    ("--max-quantity", "max_quantity", "Largest quantity of an order."),
    ("--max-price", "max_price", "Highest price of an order."),
    ("--min-notional", "min_notional", "Smallest price x quantity of an order with a price."),
)
_MARKET_TEXTS = (
    ("--order-quantity-max", "order_quantity_max", "Largest quantity of one order of an account."),
    ("--order-notional-max", "order_notional_max", "Largest price x quantity of one order."),
    ("--position-max", "position_max", "Largest position of an account, open buys included."),
)
_MARKET_NUMBERS = (
    ("--open-orders-max", "open_orders_max", "Open orders of one account."),
    ("--maker-fee-ppm", "maker_fee_ppm", "Fee of the maker, in millionths of the received amount."),
    ("--taker-fee-ppm", "taker_fee_ppm", "Fee of the taker, in millionths of the received amount."),
)


def _bounds(command: Any) -> Any:  # noqa: ANN401 (as click's decorators)
    """Give a command one option for each limit and fee."""
    for option, name, text in (*_TEXT_LIMITS, *_MARKET_TEXTS):
        command = click.option(option, name, metavar="DECIMAL", help=text)(command)
    for option, name, text in _MARKET_NUMBERS:
        command = click.option(option, name, type=WholeNumber(0), metavar="NUMBER", help=text)(
            command
        )
    accept = click.option(
        "--allow-coarse-fees",
        is_flag=True,
        default=None,
        help="Accept a fee below one unit of the smallest amounts traded.",
    )
    return accept(command)


@click.group()
def instrument() -> None:
    """List, add, change and delist instruments.

    At a venue with keys `add`, `change` and `delist` need a key with the permission admin.
    """


@instrument.command("list")
@client_options
def list_instruments(chosen: ClientChoice) -> None:
    """List the instruments with steps, limits, fees and market states."""
    with chosen.connected() as session:
        found = session.client.instruments()
        session.output.records(found, instruments_table(found))


@instrument.command()
@click.argument("symbol")
@click.option("--base", required=True, metavar="ASSET", help="The traded asset.")
@click.option("--quote", required=True, metavar="ASSET", help="The asset of the price.")
@click.option("--tick-size", required=True, metavar="DECIMAL", help="Smallest step of a price.")
@click.option("--lot-size", required=True, metavar="DECIMAL", help="Smallest step of a quantity.")
@click.option(
    "--price-band", metavar="PERCENT", help="Largest distance of a price from the last trade."
)
@click.option(
    "--base-decimals",
    type=WholeNumber(0, 12),
    help="Decimals of the asset's amounts; they never change.",
)
@click.option(
    "--quote-decimals",
    type=WholeNumber(0, 12),
    help="Decimals of the asset's amounts; they never change.",
)
@_bounds
@client_options
def add(chosen: ClientChoice, symbol: str, **fields: Any) -> None:  # noqa: ANN401
    """Add the instrument SYMBOL, or list it again after `delist`.

    --min-quantity and --max-quantity are required.
    """
    for option, name, _ in _TEXT_LIMITS[:2]:
        if fields[name] is None:
            raise click.UsageError(f"Missing option '{option}'.")
    with chosen.connected() as session:
        known = {item.symbol for item in session.client.instruments()}
        if symbol.upper() in known:
            raise click.UsageError(f"{symbol.upper()} exists; use `tapewire instrument change`")
        made = session.client.admin.publish_instrument(symbol.upper(), **fields)
        session.output.document(made, instruments_table([made]))


@instrument.command()
@click.argument("symbol")
@_bounds
@client_options
def change(chosen: ClientChoice, symbol: str, **fields: Any) -> None:  # noqa: ANN401
    """Change limits and fees of SYMBOL; options left out change nothing. 0 means no limit."""
    given = {name: value for name, value in fields.items() if value is not None}
    if not given:
        raise click.UsageError("name at least one limit or fee")
    limits = {name for _, name, _ in _TEXT_LIMITS}
    controls = {name: value for name, value in given.items() if name not in limits}
    with chosen.connected() as session:
        changed = session.client.instrument(symbol.upper())
        if limits & given.keys():
            wanted = _as_written(changed) | {name: given[name] for name in limits & given.keys()}
            changed = session.client.admin.publish_instrument(changed.symbol, **wanted)
        if controls:
            changed = session.client.admin.change_market(changed.symbol, **controls)
        session.output.document(changed, instruments_table([changed]))


@instrument.command()
@click.argument("symbol")
@click.confirmation_option(
    prompt="Cancel every order of the market, and take the instrument off the list?"
)
@client_options
def delist(chosen: ClientChoice, symbol: str) -> None:
    """Cancel every order in SYMBOL and delist SYMBOL.

    Balances, trades and fills stay. `tapewire instrument add` lists the symbol again.
    """
    with chosen.connected() as session:
        done = session.client.admin.delist_instrument(symbol.upper())
        session.output.document(
            done, f"{done.symbol} is delisted; {done.canceled_count} orders were canceled"
        )


def _as_written(item: InstrumentInfo) -> dict[str, Any]:
    """The fields of an instrument that a change of its limits repeats."""
    return {
        "base": item.base,
        "quote": item.quote,
        "tick_size": item.tick_size,
        "lot_size": item.lot_size,
        "min_quantity": item.min_quantity,
        "max_quantity": item.max_quantity,
        "max_price": item.max_price,
        "min_notional": item.min_notional,
        "base_decimals": item.base_decimals,
        "quote_decimals": item.quote_decimals,
    }
