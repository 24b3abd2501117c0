"""Events of the user data stream: execution reports and balances of an account. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import json

from order_gateway.binance.order_lists import MADE_PREFIX as MADE_LIST_PREFIX
from order_gateway.binance.orders import (
    CANCEL_PREFIX,
    MADE_PREFIX,
    NO_LIST,
    expiry_reason_of,
    status_of,
    time_in_force_of,
    type_of,
)
from tapewire.binance.symbols import BinanceSymbols
from tapewire.values.decimals import format_units
from tapewire.values.scale import Scale
from tapewire.values.types import Instrument, Liquidity, Order, OrderStatus
from tapewire.wire.account_event import AccountEvent, ExecutionReport, OrderChange

NOTHING = "0.0"
ORDERS_OF_A_LIST = 2
_KINDS = {
    "new": "NEW", "triggered": "NEW", "amended": "REPLACED", "trade": "TRADE",
    "canceled": "CANCELED", "expired": "EXPIRED",
}  # fmt: skip
_OPEN = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})

_encode = json.Encoder().encode


def render_events(
    event: AccountEvent,
    instruments: Mapping[str, Instrument],
    decimals: Mapping[str, int],
    symbols: BinanceSymbols,
    us_per_unit: int,
) -> list[bytes]:
    """The reports of one command in order, the lists that began or ended, changed balances.

    Raises KeyError for an unknown instrument or asset.
    """
    events = [
        _encode(
            execution_report(
                report,
                instruments[report.order.symbol],
                decimals,
                symbols.shown[report.order.symbol],
                us_per_unit,
            )
        )
        for report in event.reports
    ]
    events += [_encode(status) for status in list_statuses(event, symbols, us_per_unit)]
    if event.balances:
        events.append(_encode(account_position(event, decimals, us_per_unit)))
    return events


def execution_report(
    report: ExecutionReport,
    instrument: Instrument,
    decimals: Mapping[str, int],
    shown: str,
    us_per_unit: int,
) -> dict[str, Any]:
    """One `executionReport`. Raises KeyError for an unknown asset of a fee."""
    order, scale, execution = report.order, Scale(instrument), report.execution
    client_id = _client_id(order)
    is_cancel = report.kind == "canceled"
    moment = report.time_us // us_per_unit
    waits = _waits(report)
    answer: dict[str, Any] = {
        "e": "executionReport",
        "E": moment,
        "s": shown,
        "c": (order.cancel_id or f"{CANCEL_PREFIX}{order.order_id}" if is_cancel else client_id),
        "S": order.side.upper(),
        "o": type_of(order.order_type, post_only=order.post_only),
        "f": time_in_force_of(order.order_type, order.time_in_force),
        "q": scale.quantity(order.quantity_lots),
        "p": NOTHING if order.price_ticks is None else scale.price(order.price_ticks),
        "P": NOTHING if order.stop_price_ticks is None else scale.price(order.stop_price_ticks),
        "F": NOTHING if order.display_lots is None else scale.quantity(order.display_lots),
        "g": NO_LIST if order.list_id is None else int(order.list_id),
        "C": client_id if is_cancel else "",
        "x": _kind(report),
        "X": status_of(report.status, report.reason),
        "r": "NONE",
        "i": int(order.order_id),
        "l": scale.quantity(0 if execution is None else execution.lots),
        "z": scale.quantity(report.executed_lots),
        "L": scale.price(0 if execution is None else execution.ticks),
        "n": "0",
        "N": None,
        "T": moment,
        "t": -1 if execution is None else execution.seq,
        "I": report.seq,
        "w": not waits and (report.status in _OPEN or report.kind == "new"),
        "m": execution is not None and execution.liquidity is Liquidity.MAKER,
        "M": False,
        "O": order.created_us // us_per_unit,
        "Z": scale.amount(report.executed_notional),
        "Y": scale.amount(0 if execution is None else execution.ticks * execution.lots),
        "Q": NOTHING if order.quote_notional is None else scale.amount(order.quote_notional),
        "V": order.self_trade_prevention.upper(),
    }
    if execution is not None:
        asset = scale.fee_asset(order.side)
        answer["n"], answer["N"] = format_units(execution.fee_units, decimals[asset]), asset
    if not waits:
        answer["W"] = (order.triggered_us or order.created_us) // us_per_unit
    if order.prevented_lots or report.reason == "self_trade":
        answer["A"] = scale.quantity(order.prevented_lots)
    expiry_reason = expiry_reason_of(report.reason)
    if expiry_reason is not None:
        answer["eR"] = expiry_reason
    return answer


def list_statuses(
    event: AccountEvent, symbols: BinanceSymbols, us_per_unit: int
) -> Iterator[dict[str, Any]]:
    """A `listStatus` for each order list that the command placed or ended.

    Both orders of a list are placed, and one ends the other, in one command.
    """
    moment = event.header.time_us // us_per_unit
    lists: dict[str, list[OrderChange]] = {}
    for change in event.changes:
        if change.order.list_id is not None:
            lists.setdefault(change.order.list_id, []).append(change)
    for list_id, changes in lists.items():
        if len(changes) != ORDERS_OF_A_LIST:
            continue
        orders = sorted((change.order for change in changes), key=lambda order: int(order.order_id))
        symbol = symbols.shown[orders[0].symbol]
        status: dict[str, Any] = {
            "e": "listStatus", "E": moment, "s": symbol, "g": int(list_id), "c": "OCO",
            "l": "", "L": "", "r": "NONE",
            "C": orders[0].client_list_id or f"{MADE_LIST_PREFIX}{list_id}", "T": moment,
            "O": [
                {"s": symbol, "i": int(order.order_id), "c": _client_id(order)} for order in orders
            ],
        }  # fmt: skip
        if all(change.kind == "new" for change in changes):
            yield status | {"l": "EXEC_STARTED", "L": "EXECUTING"}
        if not all(order.is_open for order in orders):
            yield status | {"l": "ALL_DONE", "L": "ALL_DONE"}


def _client_id(order: Order) -> str:
    return order.client_order_id or f"{MADE_PREFIX}{order.order_id}"


def _waits(report: ExecutionReport) -> bool:
    """Whether the order is a stop that no trade had fired at the time of the report."""
    order = report.order
    return order.stop_price_ticks is not None and (
        order.triggered_us is None or report.time_us < order.triggered_us
    )


def _kind(report: ExecutionReport) -> str:
    if report.reason == "self_trade":
        return "TRADE_PREVENTION"
    return "EXPIRED" if report.reason == "kill" else _KINDS[report.kind]


def account_position(
    event: AccountEvent, decimals: Mapping[str, int], us_per_unit: int
) -> dict[str, Any]:
    """One `outboundAccountPosition`: the balances that changed."""
    moment = event.header.time_us // us_per_unit
    return {
        "e": "outboundAccountPosition",
        "E": moment,
        "u": moment,
        "B": [
            {
                "a": balance.asset,
                "f": format_units(balance.available, decimals[balance.asset]),
                "l": format_units(balance.held, decimals[balance.asset]),
            }
            for balance in event.balances
        ],
    }


def stream_ended(now_us: int, us_per_unit: int) -> bytes:
    """`eventStreamTerminated`: the client has to read its orders again and subscribe again."""
    return _encode({"e": "eventStreamTerminated", "E": now_us // us_per_unit})


def server_stops(now_us: int, us_per_unit: int) -> bytes:
    """`serverShutdown`: the connection ends soon; another one can be opened at once."""
    return _encode({"e": "serverShutdown", "E": now_us // us_per_unit})
