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


def read_order(reply: Sequence[bytes] | Mapping[bytes, bytes]) -> Order:
    """Read field-value pairs as Redis gives them: flat (RESP2) or as a map (RESP3)."""
    if isinstance(reply, Mapping):
        record = {name.decode(): value.decode() for name, value in reply.items()}
    else:
        texts = [item.decode() for item in reply]
        record = dict(zip(texts[::2], texts[1::2], strict=True))
    fills = [
        _read_fill(int(name[1:]), value)
        for name, value in record.items()
        if name[0] == "f" and name[1:].isdecimal()
    ]
    fills.sort(key=lambda fill: fill.seq)
    price = record["price"]
    return Order(
        order_id=OrderId(record["id"]),
        account=Account(record["account"]),
        symbol=Symbol(record["symbol"]),
        side=Side(record["side"]),
        order_type=OrderType(record["order_type"]),
        time_in_force=TimeInForce(record["time_in_force"]),
        status=OrderStatus(record["status"]),
        price_ticks=Ticks(int(price)) if price else None,
        quantity_lots=Lots(int(record["quantity"])),
        executed_lots=Lots(int(record["executed"])),
        executed_notional=int(record["notional"]),
        client_order_id=record["client_order_id"] or None,
        created_us=int(record["created_us"]),
        updated_us=int(record["updated_us"]),
        fills=tuple(fills),
    )


def _read_fill(seq: int, text: str) -> Fill:
    price, lots, liquidity, time_us = text.split(",")
    return Fill(seq, Ticks(int(price)), Lots(int(lots)), _LIQUIDITY[liquidity], int(time_us))
