"""Reads the Redis hash of an order (docs/matching.md, key `order:<id>`) into an `Order`."""

from collections.abc import Mapping, Sequence

from tapewire.types import (
    Account,
    Fill,
    Liquidity,
    Lots,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

_LIQUIDITY = {"m": Liquidity.MAKER, "t": Liquidity.TAKER}


def read_order(order_id: str, reply: Sequence[bytes] | Mapping[bytes, bytes]) -> Order:
    """Read field-value pairs as Redis gives them: flat (RESP2) or as a map (RESP3)."""
    if isinstance(reply, Mapping):
        record = {name.decode(): value.decode() for name, value in reply.items()}
    else:
        texts = [item.decode() for item in reply]
        record = dict(zip(texts[::2], texts[1::2], strict=True))
    (
        quantity, account, client_order_id, price, _priority, symbol, side, order_type,
        time_in_force, created_us, _digest,
    ) = record["terms"].split("|")  # fmt: skip
    status, executed, notional, updated_us = record["state"].split("|")
    fills = [_read_fill(int(name[1:]), value) for name, value in record.items() if name[0] == "f"]
    fills.sort(key=lambda fill: fill.seq)
    return Order(
        order_id=OrderId(order_id),
        account=Account(account),
        symbol=Symbol(symbol),
        side=Side(side),
        order_type=OrderType(order_type),
        time_in_force=TimeInForce(time_in_force),
        status=OrderStatus(status),
        price_ticks=Ticks(int(price)) if price else None,
        quantity_lots=Lots(int(quantity)),
        executed_lots=Lots(int(executed)),
        executed_notional=int(notional),
        client_order_id=client_order_id or None,
        created_us=int(created_us),
        updated_us=int(updated_us),
        fills=tuple(fills),
    )


def _read_fill(seq: int, text: str) -> Fill:
    price, lots, liquidity, time_us = text.split(",")
    return Fill(seq, Ticks(int(price)), Lots(int(lots)), _LIQUIDITY[liquidity], int(time_us))
