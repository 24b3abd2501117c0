"""Short messages of the feed, for tests of code that reads them."""

import json
from typing import Any

from tapewire.wire.feed_messages import FeedMessage, UnknownMessage, decode_message

TIMESTAMP = "2026-01-31T12:00:00.000001Z"


def trade_data(seq: int, symbol: str = "A", epoch: str = "e1") -> dict[str, Any]:
    """A trade as Redis publishes it."""
    return {
        "epoch": epoch,
        "seq": seq,
        "symbol": symbol,
        "trade_id": f"{symbol}-{seq}",
        "price": "60000.00",
        "quantity": "0.50000",
        "aggressor_side": "buy",
        "maker_order_id": "1",
        "taker_order_id": "2",
        "timestamp": TIMESTAMP,
    }


def trade(seq: int, symbol: str = "A", epoch: str = "e1") -> dict[str, Any]:
    """A trade as clients receive it."""
    return {"type": "trade", "data": trade_data(seq, symbol, epoch)}


def subscribed(seq: dict[str, int], epoch: str = "e1", **more: object) -> dict[str, Any]:
    """The answer to a subscription."""
    return {
        "type": "subscribed",
        "id": 1,
        "epoch": epoch,
        "subscriptions": ["trades"],
        "seq": seq,
        **more,
    }


def heartbeat(seq: dict[str, int], epoch: str = "e1", **more: object) -> dict[str, Any]:
    """A heartbeat."""
    return {"type": "heartbeat", "epoch": epoch, "seq": seq, "timestamp": TIMESTAMP, **more}


def gap(first: int, last: int, symbol: str = "A", channel: str = "trades") -> dict[str, Any]:
    """A notice of trades that the client will not get."""
    return {"type": "gap", "channel": channel, "symbol": symbol, "from": first, "to": last}


def epoch_message(epoch: str, reason: str, seq: dict[str, int]) -> dict[str, Any]:
    """A notice of a new epoch, or of a loss in Redis."""
    return {"type": "epoch", "epoch": epoch, "reason": reason, "seq": seq}


def market_message(symbol: str, change: str, epoch: str = "e1") -> dict[str, Any]:
    """A notice that a market, or its listing, has changed."""
    data = {"symbol": symbol, "state": "halted", "change": change, "timestamp": TIMESTAMP}
    return {"type": "market", "data": data | {"epoch": epoch}}


def read(message: dict[str, Any]) -> FeedMessage | UnknownMessage:
    """The message as the client library reads it."""
    return decode_message(json.dumps(message))
