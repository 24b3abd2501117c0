"""Execution reports and balances as the JSON text that clients get. Pure; nothing here rounds."""

import json
from collections.abc import Iterable, Mapping

from tapewire.values.decimals import format_units
from tapewire.values.scale import Scale
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Instrument, Order, Side
from tapewire.wire.account_event import Balance, Execution, ExecutionReport

encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def render_report(
    account: str,
    epoch: str,
    report: ExecutionReport,
    instrument: Instrument,
    decimals: Mapping[str, int],
) -> bytes:
    """One message of the channel `orders`. `decimals` by asset; raises KeyError without them."""
    order, scale = report.order, Scale(instrument)
    data = _describe(report, scale)
    if report.execution is not None:
        data |= _describe_execution(order, report.execution, instrument, scale, decimals)
    message = {
        "type": "order", "account": account, "epoch": epoch, "seq": report.seq, "data": data
    }  # fmt: skip
    return encode(message).encode()


def render_balances(
    account: str,
    epoch: str,
    seq: int,
    *,
    balances: Iterable[Balance],
    decimals: Mapping[str, int],
    time_us: int,
    is_snapshot: bool = False,
) -> bytes:
    """One message `balances` or `balances_snapshot`. Raises KeyError for an unknown asset."""
    message = {
        "type": "balances_snapshot" if is_snapshot else "balances",
        "account": account,
        "epoch": epoch,
        "seq": seq,
        "data": [_describe_balance(balance, decimals[balance.asset]) for balance in balances],
        "timestamp": format_timestamp(time_us),
    }
    return encode(message).encode()


def amount_text(units: int, decimals: int) -> str:
    """An amount of an asset, which is below zero only where funds are unchecked."""
    return f"{'-' if units < 0 else ''}{format_units(abs(units), decimals)}"


def _describe(report: ExecutionReport, scale: Scale) -> dict[str, object]:
    order = report.order
    price, stop_price = order.price_ticks, order.stop_price_ticks
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "price": None if price is None else scale.price(price),
        "stop_price": None if stop_price is None else scale.price(stop_price),
        "quantity": scale.quantity(order.quantity_lots),
        "executed_quantity": scale.quantity(report.executed_lots),
        "remaining_quantity": scale.quantity(report.remaining_lots),
        "cumulative_quote_quantity": scale.amount(report.executed_notional),
        "status": report.status,
        "reason": report.reason,
        "report": report.kind,
        "timestamp": format_timestamp(report.time_us),
    }


def _describe_execution(
    order: Order,
    execution: Execution,
    instrument: Instrument,
    scale: Scale,
    decimals: Mapping[str, int],
) -> dict[str, object]:
    fee_asset = instrument.base if order.side is Side.BUY else instrument.quote
    return {
        "trade_id": f"{order.symbol}-{execution.seq}",
        "trade_seq": execution.seq,
        "last_price": scale.price(execution.ticks),
        "last_quantity": scale.quantity(execution.lots),
        "liquidity": execution.liquidity,
        "fee": format_units(execution.fee_units, decimals[fee_asset]),
        "fee_asset": fee_asset,
    }


def _describe_balance(balance: Balance, decimals: int) -> dict[str, str]:
    return {
        "asset": balance.asset,
        "available": amount_text(balance.available, decimals),
        "held": amount_text(balance.held, decimals),
        "total": amount_text(balance.available + balance.held, decimals),
    }
