"""Examples of accounts in the documentation: valid bodies and true answers."""

from typing import Any

TRANSFER_REQUEST_EXAMPLE: dict[str, Any] = {
    "asset": "USDT",
    "amount": "2500.50",
    "reference": "wire-2026-01-31-7",
}
ACCOUNT_CHANGE_EXAMPLE: dict[str, Any] = {"maker_fee_ppm": 100, "taker_fee_ppm": None}
ACCOUNT_LIMITS_EXAMPLE: dict[str, Any] = {
    "open_orders_max": 200,
    "order_quantity_max": "5",
    "order_notional_max": "0",
    "position_max": None,
}

ACCOUNT_EXAMPLE: dict[str, Any] = {
    "account": "alice",
    "state": "active",
    "maker_fee_ppm": 100,
    "taker_fee_ppm": None,
    "opened_timestamp": "2026-01-31T12:00:00.000001Z",
    "balances": [
        {"asset": "BTC", "available": "1.50000000", "held": "0.00000000", "total": "1.50000000"},
        {
            "asset": "USDT",
            "available": "970000.00000000",
            "held": "30000.00000000",
            "total": "1000000.00000000",
        },
    ],
    "limits": [
        {
            "symbol": "BTC-USDT",
            "open_orders_max": 200,
            "order_quantity_max": "5.00000",
            "order_notional_max": "0.0000000",
            "position_max": None,
        }
    ],
}
ACCOUNTS_EXAMPLE: dict[str, Any] = {"accounts": [ACCOUNT_EXAMPLE], "next_cursor": "alice"}
TRANSFER_EXAMPLE: dict[str, Any] = {
    "account": "alice",
    "asset": "USDT",
    "amount": "2500.50000000",
    "available": "972500.50000000",
}
ACCOUNT_KILL_EXAMPLE: dict[str, Any] = {
    "account": "alice",
    "state": "blocked",
    "canceled": ["42", "43"],
    "canceled_count": 2,
    "halted": [],
}
VENUE_KILL_EXAMPLE: dict[str, Any] = {
    "switched": ["BTC-USDT", "ETH-USDT"],
    "canceled_count": 311,
    "halted": ["SOL-USDT"],
}
RESUME_EXAMPLE: dict[str, Any] = {"switched": ["BTC-USDT", "ETH-USDT"]}
