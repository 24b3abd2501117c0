"""Examples in the documentation: valid bodies and true answers."""

from typing import Any

from msgspec import to_builtins

from tapewire.web.problem import problem_of

ORDER_EXAMPLES: dict[str, Any] = {
    "limit": {
        "summary": "Buy 0.5 BTC at 60000.00 or better; the rest waits in the book",
        "value": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "limit",
            "quantity": "0.5",
            "price": "60000.00",
            "client_order_id": "my-1",
        },
    },
    "market": {
        "summary": "Sell 0.5 BTC at the best available prices",
        "value": {
            "symbol": "BTC-USDT",
            "side": "sell",
            "order_type": "market",
            "quantity": "0.5",
        },
    },
    "ioc": {
        "summary": "Buy the available quantity at 60000.00 or better; the rest expires",
        "value": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "ioc",
            "quantity": "0.5",
            "price": "60000.00",
        },
    },
    "stop": {
        "summary": "Sell 0.5 BTC once a trade is at 58000.00 or lower",
        "value": {
            "symbol": "BTC-USDT",
            "side": "sell",
            "order_type": "stop",
            "quantity": "0.5",
            "stop_price": "58000.00",
        },
    },
    "iceberg": {
        "summary": "Sell 5 BTC, never take, show 0.5 at a time, until the end of the year",
        "value": {
            "symbol": "BTC-USDT",
            "side": "sell",
            "order_type": "limit",
            "quantity": "5",
            "price": "61000.00",
            "post_only": True,
            "display_quantity": "0.5",
            "time_in_force": "gtd",
            "expire_at": "2099-12-31T23:59:59Z",
        },
    },
    "by_amount": {
        "summary": "Buy BTC for 1000 USDT at the best available prices",
        "value": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "market",
            "quote_quantity": "1000",
        },
    },
    "fok": {
        "summary": "Buy all 0.5 BTC now at 60000.00 or better, or nothing",
        "value": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "limit",
            "time_in_force": "fok",
            "quantity": "0.5",
            "price": "60000.00",
        },
    },
}

AMEND_EXAMPLE: dict[str, Any] = {"price": "60100.00", "quantity": "0.4"}
TIMER_REQUEST_EXAMPLE: dict[str, Any] = {"timeout_s": 60}
MARKET_REQUEST_EXAMPLE: dict[str, Any] = {"state": "post_only", "price_band_bps": 1000}
INSTRUMENT_REQUEST_EXAMPLE: dict[str, Any] = {
    "symbol": "ACME-USD",
    "base": "ACME",
    "quote": "USD",
    "tick_size": "0.01",
    "lot_size": "1",
    "min_quantity": "1",
    "max_quantity": "100000",
    "price_band": "10",
    "open_orders_max": 500,
    "position_max": "20000",
    "taker_fee_ppm": 1000,
}

FILLED_EXAMPLE: dict[str, Any] = {
    "order_id": "42",
    "client_order_id": "my-1",
    "symbol": "BTC-USDT",
    "side": "buy",
    "order_type": "limit",
    "time_in_force": "gtc",
    "price": "60000.00",
    "quantity": "0.50000",
    "executed_quantity": "0.20000",
    "remaining_quantity": "0.30000",
    "cumulative_quote_quantity": "11999.8000000",
    "status": "partially_filled",
    "reason": None,
    "fills": [
        {
            "trade_id": "BTC-USDT-7",
            "seq": 7,
            "price": "59999.00",
            "quantity": "0.20000",
            "liquidity": "taker",
            "fee": "0.00010000",
            "fee_asset": "BTC",
            "timestamp": "2026-01-31T12:00:00.000001Z",
        }
    ],
    "fills_truncated": False,
    "cancel_id": None,
    "list_id": None,
    "timestamp": "2026-01-31T12:00:00.000001Z",
    "updated_timestamp": "2026-01-31T12:00:00.000001Z",
    "post_only": False,
    "self_trade_prevention": "none",
    "prevented_quantity": "0.00000",
    "display_quantity": None,
    "stop_price": None,
    "triggered_timestamp": None,
    "quote_quantity": None,
    "expire_at": None,
}
CANCELED_EXAMPLE = FILLED_EXAMPLE | {
    "status": "canceled",
    "reason": "user",
    "updated_timestamp": "2026-01-31T12:00:05.250000Z",
}
INSTRUMENT_EXAMPLE = {
    "symbol": "BTC-USDT",
    "base": "BTC",
    "quote": "USDT",
    "tick_size": "0.01",
    "lot_size": "0.00001",
    "min_quantity": "0.00001",
    "max_quantity": "100.00000",
    "max_price": "900719.92",
    "min_notional": "5.0000000",
    "state": "trading",
    "price_band_bps": 0,
    "open_orders_max": 10_000,
    "order_quantity_max": "0.00000",
    "order_notional_max": "0.0000000",
    "position_max": "0.00000",
    "maker_fee_ppm": 200,
    "taker_fee_ppm": 500,
    "base_decimals": 8,
    "quote_decimals": 8,
}
TIME_EXAMPLE: dict[str, Any] = {
    "timestamp": "2026-01-31T12:00:00.000001Z",
    "unix_us": 1_769_860_800_000_001,
}
AMENDED_EXAMPLE = FILLED_EXAMPLE | {
    "price": "60100.00",
    "quantity": "0.40000",
    "remaining_quantity": "0.20000",
    "updated_timestamp": "2026-01-31T12:00:05.250000Z",
}
ORDERS_EXAMPLE: dict[str, Any] = {"orders": [FILLED_EXAMPLE], "next_cursor": "42"}
FILLS_EXAMPLE: dict[str, Any] = {
    "fills": [{"order_id": "42", "symbol": "BTC-USDT", "side": "buy"} | FILLED_EXAMPLE["fills"][0]],
    "next_cursor": None,
}
CANCELED_ALL_EXAMPLE: dict[str, Any] = {"canceled": ["42", "43"], "canceled_count": 2}
TIMER_EXAMPLE: dict[str, Any] = {"timeout_s": 60, "fires_at": "2026-01-31T12:01:00.000001Z"}
DELISTED_EXAMPLE: dict[str, Any] = {"symbol": "ACME-USD", "canceled_count": 12}
ADDED_EXAMPLE: dict[str, Any] = {
    "symbol": "ACME-USD",
    "base": "ACME",
    "quote": "USD",
    "tick_size": "0.01",
    "lot_size": "1",
    "min_quantity": "1",
    "max_quantity": "100000",
    "max_price": "900.71",
    "min_notional": "0.00",
    "state": "trading",
    "price_band_bps": 1_000,
    "open_orders_max": 500,
    "order_quantity_max": "0",
    "order_notional_max": "0.00",
    "position_max": "20000",
    "maker_fee_ppm": 0,
    "taker_fee_ppm": 1_000,
    "base_decimals": 8,
    "quote_decimals": 8,
}
BATCH_REQUEST_EXAMPLE: dict[str, Any] = {
    "orders": [
        {"operation": "cancel", "client_order_id": "my-1"},
        {"operation": "place"} | ORDER_EXAMPLES["limit"]["value"] | {"client_order_id": "my-2"},
    ]
}
BATCH_EXAMPLE: dict[str, Any] = {
    "results": [
        {
            "status": 409,
            "problem": to_builtins(problem_of("order_closed", "The order is closed already.")),
        },
        {"status": 201, "body": FILLED_EXAMPLE | {"client_order_id": "my-2"}},
    ]
}
REPLACE_REQUEST_EXAMPLE: dict[str, Any] = {
    "cancel": {"client_order_id": "my-1"},
    "order": ORDER_EXAMPLES["limit"]["value"] | {"price": "60100.00", "client_order_id": "my-2"},
    "mode": "stop_on_failure",
}
REPLACE_EXAMPLE: dict[str, Any] = {
    "canceled": {"status": 200, "body": CANCELED_EXAMPLE},
    "placed": {
        "status": 201,
        "body": FILLED_EXAMPLE | {"order_id": "43", "client_order_id": "my-2", "price": "60100.00"},
    },
}
LIST_REQUEST_EXAMPLE: dict[str, Any] = {
    "symbol": "BTC-USDT",
    "side": "sell",
    "quantity": "0.5",
    "profit": {"order_type": "limit", "price": "61000.00", "client_order_id": "my-3"},
    "stop": {
        "order_type": "stop_limit", "stop_price": "58000.00", "price": "57900.00",
        "client_order_id": "my-4",
    },
}  # fmt: skip
_LISTED = FILLED_EXAMPLE | {
    "side": "sell", "executed_quantity": "0.00000", "remaining_quantity": "0.50000",
    "cumulative_quote_quantity": "0.0000000", "status": "new", "fills": [], "list_id": "44",
}  # fmt: skip
ORDER_LIST_EXAMPLE: dict[str, Any] = {
    "list_id": "44",
    "symbol": "BTC-USDT",
    "status": "open",
    "orders": [
        _LISTED | {
            "order_id": "44", "client_order_id": "my-3", "price": "61000.00", "post_only": True,
        },
        _LISTED | {
            "order_id": "45", "client_order_id": "my-4", "order_type": "stop_limit",
            "price": "57900.00", "stop_price": "58000.00",
        },
    ],
}  # fmt: skip
OPEN_LISTS_EXAMPLE: dict[str, Any] = {"lists": [ORDER_LIST_EXAMPLE], "next_cursor": None}
API_KEY_REQUEST_EXAMPLE: dict[str, Any] = {
    "account": "alice",
    "permissions": ["trade"],
    "label": "market maker",
    "expires_at": "2099-12-31T23:59:59Z",
}
API_KEY_EXAMPLE: dict[str, Any] = {
    "key_id": "Xk3vQ8mZt1Lb",
    "account": "alice",
    "permissions": ["trade"],
    "label": "market maker",
    "created_at": "2026-01-31T12:00:00.000001Z",
    "expires_at": "2099-12-31T23:59:59.000000Z",
    "revoked_at": None,
}
NEW_API_KEY_EXAMPLE: dict[str, Any] = {
    "key": f"tw_Xk3vQ8mZt1Lb_{'Secret0' * 6}x",
    "api_key": "tw_Xk3vQ8mZt1Lb",
    "api_secret": f"{'Secret1' * 6}x",
} | API_KEY_EXAMPLE
API_KEYS_EXAMPLE: dict[str, Any] = {"keys": [API_KEY_EXAMPLE], "next_cursor": None}
