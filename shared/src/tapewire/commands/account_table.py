"""Accounts as `tapewire account` prints them. Pure."""

from collections.abc import Iterable, Mapping

from tapewire.values.account_entry import write_account_limits
from tapewire.values.account_types import AccountRecord
from tapewire.values.decimals import format_units
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Instrument, Symbol

_LIMIT_NAMES = {
    "open_orders_max": "open orders",
    "order_quantity_max": "order quantity",
    "order_notional_max": "order notional",
    "position_max": "position",
}


def list_lines(records: Iterable[AccountRecord], decimals: Mapping[str, int]) -> list[str]:
    """A header, then one line an account: name, state, the total of each asset that it has."""
    rows = [["account", "state", "total"]]
    for record in records:
        totals = [
            f"{format_units(balance.total, decimals[asset])} {asset}"
            for asset, balance in record.balances.items()
            if balance.total
        ]
        rows.append([record.account, record.state, ", ".join(totals)])
    return _columns(rows, numbers=False)


def account_lines(
    record: AccountRecord, decimals: Mapping[str, int], instruments: Mapping[Symbol, Instrument]
) -> list[str]:
    """State, fees, a table of balances, and its limits; `instruments` are those of the limits."""
    lines = [
        f"account  {record.account}",
        f"state    {record.state}, opened {format_timestamp(record.opened_us)}",
        f"fees     maker {_fee(record.maker_fee_ppm)}, taker {_fee(record.taker_fee_ppm)}",
    ]
    rows = [["", "available", "held", "total"]]
    for asset, balance in record.balances.items():
        units = (balance.available, balance.held, balance.total)
        rows.append([asset, *(format_units(each, decimals[asset]) for each in units)])
    lines += ["", *_columns(rows, numbers=True)] if record.balances else ["no balances"]
    for symbol, limits in record.limits.items():
        written = write_account_limits(limits, instruments[symbol])
        shown = [f"{_LIMIT_NAMES[name]} {_limit(value)}" for name, value in written.items()]
        lines.append(f"limits   {symbol}: {', '.join(shown)}")
    return lines


def _fee(ppm: int | None) -> str:
    return "as the instrument" if ppm is None else f"{ppm} ppm"


def _limit(value: str | int | None) -> str:
    if value is None:
        return "as the instrument"
    return "none" if not str(value).strip("0.") else str(value)


def _columns(rows: list[list[str]], *, numbers: bool) -> list[str]:
    """Rows with their cells one below the other; numbers stand to the right, names to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        shown = [
            cell.rjust(width) if numbers else cell.ljust(width)
            for cell, width in zip(cells, widths[1:], strict=True)
        ]
        lines.append("  ".join([name.ljust(widths[0]), *shown]).rstrip())
    return lines
