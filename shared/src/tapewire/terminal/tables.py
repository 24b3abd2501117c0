"""Orders, fills, balances, instruments and tickers as tables. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich import box
from rich.table import Table
from rich.text import Text

from tapewire.client.replies import AccountInfo, HistoryFill, InstrumentInfo, Ticker
from tapewire.values.types import Side
from tapewire.wire.orders import PlacedOrder

SIDE_STYLES = {Side.BUY: "green", Side.SELL: "red"}
NONE = "-"


class ListTable(Table):
    """A table of a list; `Output` prints `empty` in place of a table without rows."""

    empty = ""


def new_table(
    *columns: str, numbers: Sequence[str] = (), title: str | None = None, empty: str = ""
) -> ListTable:
    """An empty table; the columns named in `numbers` are aligned to the right."""
    table = ListTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    table.empty = empty
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    return table


def decimal_text(value: Decimal | None) -> str:
    """A number as the venue wrote it, with its decimals; a dash for none."""
    return NONE if value is None else format(value, "f")


def amount_text(value: Decimal | None) -> str:
    """An exact amount of money without the zeros at its end, but with two decimals at least."""
    whole, point, decimals = decimal_text(value).partition(".")
    return f"{whole}{point}{decimals[:2]}{decimals[2:].rstrip('0')}"


def side_text(side: Side) -> Text:
    """A side in its colour; the word stands there as well, so colour is never needed."""
    return Text(str(side), style=SIDE_STYLES[side])


def time_text(timestamp: str | None) -> str:
    """Date and time of a timestamp in UTC, down to milliseconds."""
    return NONE if timestamp is None else timestamp.replace("T", " ")[:23]


def orders_table(orders: Iterable[PlacedOrder]) -> Table:
    """One line per order, in the order given."""
    numbers = ("price", "quantity", "executed")
    table = new_table(
        "order id", "client order id", "symbol", "side", "type", *numbers, "status", "time (UTC)",
        numbers=numbers, empty="no orders",
    )  # fmt: skip
    for order in orders:
        price = order.price if order.stop_price is None else order.stop_price
        table.add_row(
            order.order_id,
            order.client_order_id or NONE,
            order.symbol,
            side_text(order.side),
            str(order.order_type),
            decimal_text(price),
            decimal_text(order.quantity),
            decimal_text(order.executed_quantity),
            status_text(order),
            time_text(order.timestamp),
        )
    return table


def status_text(order: PlacedOrder) -> str:
    """The status with the reason of an end that was not a fill."""
    return f"{order.status} ({order.reason})" if order.reason else str(order.status)


def order_table(order: PlacedOrder) -> Table:
    """One order with all its options and fills."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    members: list[tuple[str, str | Text]] = [
        ("order id", order.order_id),
        ("client order id", order.client_order_id or NONE),
        ("symbol", order.symbol),
        ("side", side_text(order.side)),
        ("type", f"{order.order_type}, {order.time_in_force}"),
        ("price", decimal_text(order.price)),
        ("quantity", decimal_text(order.quantity)),
        ("executed", decimal_text(order.executed_quantity)),
        ("remaining", decimal_text(order.remaining_quantity)),
        ("amount", decimal_text(order.cumulative_quote_quantity)),
        ("status", status_text(order)),
        ("placed (UTC)", time_text(order.timestamp)),
        ("updated (UTC)", time_text(order.updated_timestamp)),
    ]
    options = {
        "stop price": decimal_text(order.stop_price),
        "display quantity": decimal_text(order.display_quantity),
        "quote quantity": decimal_text(order.quote_quantity),
        "expires (UTC)": time_text(order.expire_at),
        "post-only": "yes" if order.post_only else NONE,
    }
    members += [(name, text) for name, text in options.items() if text != NONE]
    for name, text in members:
        table.add_row(name, text)
    for fill in order.fills:
        table.add_row(
            "fill",
            f"{fill.quantity:f} at {fill.price:f}, {fill.liquidity}, fee {fill.fee:f} "
            f"{fill.fee_asset}, {time_text(fill.timestamp)}",
        )
    return table


def fills_table(fills: Iterable[HistoryFill]) -> Table:
    """One line per execution, in the order given."""
    numbers = ("price", "quantity", "fee")
    table = new_table(
        "time (UTC)", "symbol", "side", *numbers, "asset", "role", "order id", "trade",
        numbers=numbers, empty="no fills",
    )  # fmt: skip
    for fill in fills:
        table.add_row(
            time_text(fill.timestamp),
            fill.symbol,
            side_text(fill.side),
            decimal_text(fill.price),
            decimal_text(fill.quantity),
            decimal_text(fill.fee),
            fill.fee_asset,
            str(fill.liquidity),
            fill.order_id,
            fill.trade_id,
        )
    return table


def balances_table(account: AccountInfo) -> Table:
    """One line per asset of an account."""
    numbers = ("available", "held", "total")
    title = f"{account.account}, {account.state}"
    empty = f"{title}: no balances"
    table = new_table("asset", *numbers, numbers=numbers, title=title, empty=empty)
    for balance in account.balances:
        table.add_row(
            balance.asset,
            decimal_text(balance.available),
            decimal_text(balance.held),
            decimal_text(balance.total),
        )
    return table


def instruments_table(instruments: Iterable[InstrumentInfo]) -> Table:
    """One line per instrument: steps, limits, fees and the state of its market."""
    numbers = (
        "tick", "lot", "min quantity", "max quantity", "min notional", "maker ppm", "taker ppm",
    )  # fmt: skip
    table = new_table("symbol", "state", *numbers, numbers=numbers, empty="no instruments")
    for item in instruments:
        table.add_row(
            item.symbol,
            Text(str(item.state), style="green" if item.state == "trading" else "yellow"),
            decimal_text(item.tick_size),
            decimal_text(item.lot_size),
            decimal_text(item.min_quantity),
            decimal_text(item.max_quantity),
            decimal_text(item.min_notional),
            str(item.maker_fee_ppm),
            str(item.taker_fee_ppm),
        )
    return table


def tickers_table(tickers: Iterable[tuple[str, Ticker]]) -> Table:
    """One line per symbol: the last 24 hours and the best prices."""
    numbers = ("last", "change %", "high", "low", "bid", "ask", "volume", "trades")
    table = new_table("symbol", *numbers, numbers=numbers, empty="no instruments")
    for symbol, ticker in tickers:
        table.add_row(
            symbol,
            decimal_text(ticker.last),
            change_text(ticker.change_percent),
            decimal_text(ticker.high),
            decimal_text(ticker.low),
            decimal_text(ticker.best_bid and ticker.best_bid.price),
            decimal_text(ticker.best_ask and ticker.best_ask.price),
            decimal_text(ticker.volume),
            str(ticker.trades),
        )
    return table


def change_text(percent: Decimal | None) -> Text:
    """A change with its sign; a rise is green, a fall is red."""
    if percent is None:
        return Text(NONE)
    style = "green" if percent > 0 else "red" if percent < 0 else ""
    return Text(f"{percent:+f}", style=style)
