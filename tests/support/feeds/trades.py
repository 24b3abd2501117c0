"""Trade messages as the feed receives them."""

import json
from functools import cache

from tapewire.wire.trade_event import TradeMessage, decode_trade


@cache
def trade_message(seq: int, symbol: str = "A", epoch: str = "e1") -> TradeMessage:
    """One published trade."""
    return decode_trade(trade_payload(seq, symbol, epoch))


def trade_payload(seq: int, symbol: str = "A", epoch: str = "e1") -> bytes:
    """The bytes of one published trade."""
    event = {
        "trade_id": f"{symbol}-{seq}",
        "seq": seq,
        "symbol": symbol,
        "price": "60000.00",
        "quantity": "0.50000",
        "aggressor_side": "buy",
        "maker_order_id": "1",
        "taker_order_id": "2",
        "timestamp": "2026-01-31T12:00:00.000001Z",
        "epoch": epoch,
    }
    return json.dumps(event).encode()
