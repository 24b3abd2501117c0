"""An order as a gateway answers it, for tests without one."""

from typing import Any

ORDER: dict[str, Any] = {
    "order_id": "42",
    "client_order_id": "my-1",
    "symbol": "BTC-USDT",
    "side": "buy",
    "order_type": "limit",
    "time_in_force": "gtc",
    "price": "60000.00",
    "quantity": "0.50000",
    "executed_quantity": "0.00000",
    "remaining_quantity": "0.50000",
    "cumulative_quote_quantity": "0.0000000",
    "status": "new",
    "reason": None,
    "fills": [],
    "timestamp": "2026-01-31T12:00:00.000001Z",
    "updated_timestamp": "2026-01-31T12:00:00.000001Z",
    "post_only": False,
    "self_trade_prevention": "expire_taker",
    "prevented_quantity": "0.00000",
    "display_quantity": None,
    "stop_price": None,
    "triggered_timestamp": None,
    "quote_quantity": None,
    "expire_at": None,
    "cancel_id": None,
    "list_id": None,
}
