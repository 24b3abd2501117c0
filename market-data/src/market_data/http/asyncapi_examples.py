"""One example of every message of the feed, by type, for the document at `/asyncapi.json`."""

from typing import Any

_TIMESTAMP = "2026-01-31T12:00:00.000001Z"
_EPOCH = "5b6d736e4f49"
_SEQ = {"BTC-USDT": 7, "ETH-USDT": 3}

MESSAGE_EXAMPLES: dict[str, dict[str, Any]] = {
    "connected": {
        "type": "connected",
        "service": "market-data",
        "epoch": _EPOCH,
        "subscriptions": ["trades"],
        "seq": _SEQ,
    },
    "subscribed": {
        "type": "subscribed",
        "id": 1,
        "epoch": _EPOCH,
        "subscriptions": ["book10:BTC-USDT", "trades"],
        "seq": _SEQ,
        "recovered": False,
        "missed": {"BTC-USDT": {"from": 2, "to": 4}},
    },
    "unsubscribed": {"type": "unsubscribed", "id": 2, "subscriptions": ["trades"]},
    "pong": {"type": "pong", "id": 3},
    "error": {
        "type": "error",
        "code": "unknown_symbol",
        "message": "'DOGE-USDT' is not traded here; GET /v1/instruments of the gateway lists "
        "all symbols",
        "id": 4,
    },
    "trade": {
        "type": "trade",
        "data": {
            "trade_id": "BTC-USDT-8",
            "seq": 8,
            "symbol": "BTC-USDT",
            "price": "60000.00",
            "quantity": "0.50000",
            "aggressor_side": "buy",
            "maker_order_id": "41",
            "taker_order_id": "42",
            "timestamp": _TIMESTAMP,
            "epoch": _EPOCH,
        },
    },
    "book_snapshot": {
        "type": "book_snapshot",
        "data": {
            "symbol": "BTC-USDT",
            "seq": 11,
            "epoch": _EPOCH,
            "depth": 10,
            "bids": [["59999.00", "0.20000"]],
            "asks": [["60000.00", "0.50000"]],
            "checksum": 1_468_585_379,
            "timestamp": _TIMESTAMP,
        },
    },
    "l2_update": {
        "type": "l2_update",
        "data": {
            "symbol": "BTC-USDT",
            "seq": 12,
            "bids": [],
            "asks": [["60000.00", "0.00000"]],
            "timestamp": _TIMESTAMP,
            "epoch": _EPOCH,
        },
    },
    "bbo": {
        "type": "bbo",
        "data": {
            "symbol": "BTC-USDT",
            "seq": 12,
            "bid": ["59999.00", "0.20000"],
            "ask": None,
            "timestamp": _TIMESTAMP,
            "epoch": _EPOCH,
        },
    },
    "candle": {
        "type": "candle",
        "data": {
            "symbol": "BTC-USDT",
            "interval": "1m",
            "start": "2026-01-31T12:00:00.000000Z",
            "open": "60000.00",
            "high": "60010.00",
            "low": "59990.00",
            "close": "60005.00",
            "volume": "1.50000",
            "quote_volume": "90003.7500000",
            "taker_buy_volume": "1.00000",
            "taker_buy_quote_volume": "60003.0000000",
            "trades": 4,
            "first_seq": 5,
            "last_seq": 8,
            "closed": True,
            "epoch": _EPOCH,
        },
    },
    "heartbeat": {
        "type": "heartbeat",
        "epoch": _EPOCH,
        "seq": _SEQ,
        "timestamp": _TIMESTAMP,
        "book": {"BTC-USDT": {"seq": 12, "checksum": 3_179_709_889}},
    },
    "stale": {"type": "stale", "epoch": _EPOCH, "seq": _SEQ, "timestamp": _TIMESTAMP},
    "gap": {"type": "gap", "channel": "trades", "symbol": "BTC-USDT", "from": 9, "to": 12},
    "epoch": {
        "type": "epoch",
        "epoch": "9c2e41d07ab3",
        "reason": "new",
        "seq": {"BTC-USDT": 0, "ETH-USDT": 0},
    },
    "reconnect": {"type": "reconnect", "within_ms": 5000, "epoch": _EPOCH, "since": _SEQ},
    "market": {
        "type": "market",
        "data": {
            "symbol": "BTC-USDT",
            "state": "halted",
            "change": "state",
            "timestamp": "2026-01-31T12:00:00.000001Z",
            "epoch": _EPOCH,
        },
    },
    "account": {
        "type": "account",
        "data": {
            "account": "alice",
            "state": "blocked",
            "timestamp": "2026-01-31T12:00:00.000001Z",
            "epoch": _EPOCH,
        },
    },
    "venue": {
        "type": "venue",
        "data": {
            "change": "notice",
            "timestamp": "2026-01-31T12:00:00.000001Z",
            "epoch": _EPOCH,
            "notice": {
                "notice_id": "1801310400000-0",
                "text": "Round 2 begins at noon.",
                "timestamp": "2026-01-31T12:00:00.000001Z",
            },
        },
    },
    "authenticated": {"type": "authenticated", "id": 5, "account": "alice"},
    "order": {
        "type": "order",
        "account": "alice",
        "epoch": _EPOCH,
        "seq": 18,
        "data": {
            "order_id": "42",
            "client_order_id": "mine-1",
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "limit",
            "time_in_force": "gtc",
            "price": "60000.00",
            "stop_price": None,
            "quantity": "0.80000",
            "executed_quantity": "0.50000",
            "remaining_quantity": "0.30000",
            "cumulative_quote_quantity": "30000.0000000",
            "status": "partially_filled",
            "reason": None,
            "report": "trade",
            "timestamp": _TIMESTAMP,
            "trade_id": "BTC-USDT-8",
            "trade_seq": 8,
            "last_price": "60000.00",
            "last_quantity": "0.50000",
            "liquidity": "taker",
            "fee": "0.00050000",
            "fee_asset": "BTC",
        },
    },
    "balances": {
        "type": "balances",
        "account": "alice",
        "epoch": _EPOCH,
        "seq": 6,
        "data": [
            {
                "asset": "BTC",
                "available": "1.49950000",
                "held": "0.00000000",
                "total": "1.49950000",
            }
        ],
        "timestamp": _TIMESTAMP,
    },
    "balances_snapshot": {
        "type": "balances_snapshot",
        "account": "alice",
        "epoch": _EPOCH,
        "seq": 5,
        "data": [
            {
                "asset": "USDT",
                "available": "100.00000000",
                "held": "18000.00000000",
                "total": "18100.00000000",
            }
        ],
        "timestamp": _TIMESTAMP,
    },
}

REQUEST_EXAMPLES: tuple[dict[str, Any], ...] = (
    {"op": "subscribe", "id": 1, "channels": ["trades", "book10"], "symbols": ["BTC-USDT"]},
    {"op": "subscribe", "id": 2, "since": {"BTC-USDT": 7}, "epoch": _EPOCH, "on_lag": "skip"},
    {"op": "unsubscribe", "id": 3, "channels": ["book10"], "symbols": ["BTC-USDT"]},
    {"op": "ping", "id": 4},
    {"op": "authenticate", "id": 5, "account": "alice"},
    {"op": "subscribe", "id": 6, "channels": ["orders", "balances"], "since": {"orders": 17}},
)
