"""`tapewire order`: place, amend, cancel and show one order."""

from dataclasses import asdict
from typing import Any

import click

from tapewire.client import Cancel, Place, PlacedOrder, RequestRefused
from tapewire.client.order_requests import (
    OrderTypeText,
    SelfTradeText,
    SideText,
    TimeInForceText,
)
from tapewire.commands.client_options import ClientChoice, Session, client_options
from tapewire.commands.options import checked, time_with_offset
from tapewire.commands.order_list import cancel_list, oco
from tapewire.terminal.tables import order_table

TYPES = (
    "limit", "market", "ioc", "fok", "stop", "stop_limit", "take_profit", "take_profit_limit",
)  # fmt: skip
TIMES_IN_FORCE = ("gtc", "ioc", "fok", "gtd")
SELF_TRADE_MODES = ("none", "expire_taker", "expire_maker", "expire_both", "decrement")

_client_id_option = click.option(
    "--client-order-id", metavar="ID", help="Your own name of the order."
)


@click.group()
def order() -> None:
    """Place, amend, cancel and show orders.

    Prices and quantities are decimal text, such as 60000.00.
    """


order.add_command(oco)
order.add_command(cancel_list)


def _placing(command: Any) -> Any:  # noqa: ANN401 (as click's decorators)
    """Give `buy` and `sell` the options of an order."""
    for option in reversed(
        (
            click.argument("symbol"),
            click.argument("quantity", required=False),
            click.argument("price", required=False),
            click.option(
                "--type", "order_type", type=click.Choice(TYPES),
                help="Default: stop with --stop, take_profit with --take-profit, both as _limit "
                "with a price; else limit with a price, market without one.",
            ),
            click.option(
                "--stop", "stop_price", metavar="PRICE",
                help="Wait for a trade at or above (buy), at or below (sell) this price.",
            ),
            click.option(
                "--take-profit", metavar="PRICE",
                help="Wait for a trade at or below (buy), at or above (sell) this price.",
            ),
            click.option(
                "--amount", "quote_quantity", metavar="AMOUNT",
                help="Spend (buy) or receive (sell) this much of the quote asset at the market.",
            ),
            click.option(
                "--tif", "time_in_force", type=click.Choice(TIMES_IN_FORCE),
                help="Time in force. Default: gtc for a limit order, ioc for a market order.",
            ),
            click.option(
                "--expire-at", metavar="TIME", callback=checked(time_with_offset),
                help="Time at which the order expires (ISO 8601 with an offset); means --tif gtd.",
            ),
            click.option(
                "--post-only", is_flag=True, help="Refuse the order if it would trade at once."
            ),
            click.option(
                "--display", "display_quantity", metavar="QUANTITY",
                help="Show only this quantity in the book at a time (an iceberg).",
            ),
            click.option(
                "--self-trade-prevention", type=click.Choice(SELF_TRADE_MODES),
                help="Which order ends when two orders of the account would trade with each "
                "other. Default: expire_taker; none for the account demo.",
            ),
            _client_id_option,
            click.option(
                "--reuse-client-order-id", is_flag=True,
                help="Allow the client order id of an order that has ended.",
            ),
            client_options,
        )
    ):  # fmt: skip
        command = option(command)
    return command


@order.command()
@_placing
def buy(chosen: ClientChoice, symbol: str, **order_options: Any) -> None:  # noqa: ANN401
    """Buy QUANTITY of SYMBOL at PRICE or better. Without PRICE, buy at the market."""
    with chosen.connected() as session:
        _print(session, session.client.place(**asdict(_order(symbol, "buy", **order_options))))


@order.command()
@_placing
def sell(chosen: ClientChoice, symbol: str, **order_options: Any) -> None:  # noqa: ANN401
    """Sell QUANTITY of SYMBOL at PRICE or better. Without PRICE, sell at the market."""
    with chosen.connected() as session:
        _print(session, session.client.place(**asdict(_order(symbol, "sell", **order_options))))


@order.command()
@click.argument("side", type=click.Choice(("buy", "sell")))
@_placing
@click.option("--cancel", "cancel_id", metavar="ID", help="Id of the order to cancel.")
@click.option("--cancel-client-order-id", metavar="ID", help="Its client order id.")
@click.option(
    "--allow-failure", is_flag=True, help="Place the order also if the cancel is refused."
)
def replace(
    chosen: ClientChoice,
    side: SideText,
    symbol: str,
    *,
    cancel_id: str | None,
    cancel_client_order_id: str | None,
    allow_failure: bool,
    **order_options: Any,  # noqa: ANN401
) -> None:
    """Cancel an order and place another in the same market, in one atomic step."""
    if (cancel_id is None) == (cancel_client_order_id is None):
        raise click.UsageError("name the order by one of --cancel and --cancel-client-order-id")
    with chosen.connected() as session:
        done = session.client.replace(
            Cancel(cancel_id, cancel_client_order_id),
            _order(symbol, side, **order_options),
            mode="allow_failure" if allow_failure else "stop_on_failure",
        )
        for part in (done.canceled, done.placed):
            if isinstance(part, PlacedOrder):
                _print(session, part)
        for part in (done.placed, done.canceled):
            if isinstance(part, RequestRefused):
                raise part


@order.command()
@click.argument("order_id", required=False)
@_client_id_option
@click.option("--price", metavar="PRICE", help="New limit price.")
@click.option("--quantity", metavar="QUANTITY", help="New total, executed quantity included.")
@click.option("--stop", "stop_price", metavar="PRICE", help="New stop price.")
@client_options
def amend(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    order_id: str | None,
    client_order_id: str | None,
    price: str | None,
    quantity: str | None,
    stop_price: str | None,
) -> None:
    """Change the price, quantity or stop price of an open order.

    A smaller quantity alone keeps the priority of the order.
    """
    _check_ids(order_id, client_order_id)
    if price is None and quantity is None and stop_price is None:
        raise click.UsageError("name at least one of --price, --quantity, --stop")
    with chosen.connected() as session:
        changed = session.client.amend(
            order_id,
            client_order_id=client_order_id,
            price=price,
            quantity=quantity,
            stop_price=stop_price,
        )
        _print(session, changed)


@order.command()
@click.argument("order_id", required=False)
@_client_id_option
@click.option("--cancel-id", metavar="NAME", help="A name of the cancel.")
@client_options
def cancel(
    chosen: ClientChoice,
    order_id: str | None,
    client_order_id: str | None,
    cancel_id: str | None,
) -> None:
    """Cancel the remaining quantity of an open order."""
    _check_ids(order_id, client_order_id)
    with chosen.connected() as session:
        canceled = session.client.cancel(
            order_id, client_order_id=client_order_id, cancel_id=cancel_id
        )
        _print(session, canceled)


@order.command()
@click.argument("order_id", required=False)
@_client_id_option
@client_options
def show(chosen: ClientChoice, order_id: str | None, client_order_id: str | None) -> None:
    """Show one order with its fills."""
    _check_ids(order_id, client_order_id)
    with chosen.connected() as session:
        _print(session, session.client.order(order_id, client_order_id=client_order_id))


def _order(
    symbol: str,
    side: SideText,
    *,
    quantity: str | None,
    price: str | None,
    order_type: OrderTypeText | None,
    stop_price: str | None,
    take_profit: str | None,
    quote_quantity: str | None,
    time_in_force: TimeInForceText | None,
    expire_at: str | None,
    post_only: bool,
    display_quantity: str | None,
    self_trade_prevention: SelfTradeText | None,
    client_order_id: str | None,
    reuse_client_order_id: bool,
) -> Place:
    if stop_price is not None and take_profit is not None:
        raise click.UsageError("name one of --stop and --take-profit")
    return Place(
        symbol=symbol.upper(),
        side=side,
        quantity=quantity,
        price=price,
        order_type=order_type or implied_type(price, stop_price, take_profit),
        stop_price=stop_price or take_profit,
        quote_quantity=quote_quantity,
        time_in_force=time_in_force or ("gtd" if expire_at else None),
        expire_at=expire_at,
        post_only=post_only or None,
        display_quantity=display_quantity,
        self_trade_prevention=self_trade_prevention,
        client_order_id=client_order_id,
        reuse_client_order_id=reuse_client_order_id or None,
    )


def implied_type(
    price: str | None, stop_price: str | None, take_profit: str | None
) -> OrderTypeText:
    """The order type that the prices of an order imply."""
    if take_profit is not None:
        return "take_profit" if price is None else "take_profit_limit"
    if stop_price is not None:
        return "stop" if price is None else "stop_limit"
    return "market" if price is None else "limit"


def _check_ids(order_id: str | None, client_order_id: str | None) -> None:
    if (order_id is None) == (client_order_id is None):
        raise click.UsageError("name the order either by ORDER_ID or by --client-order-id")


def _print(session: Session, placed: PlacedOrder) -> None:
    session.output.document(placed, order_table(placed))
