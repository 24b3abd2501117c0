"""Examples of contests: valid bodies and true answers."""

from typing import Any

_TIME = "2026-01-31T12:00:00.000001Z"

NOTICE_REQUEST_EXAMPLE = {"text": "Round 2 begins at noon."}
NOTICE_EXAMPLE = {
    "notice_id": "1769860800000-0", "text": "Round 2 begins at noon.", "timestamp": _TIME,
}  # fmt: skip
ROUND_REQUEST_EXAMPLE = {"name": "Round 2", "duration_s": 600, "auction_s": 30}
ROUND_CHANGE_EXAMPLE = {"ends_at": "2099-12-31T23:59:59Z"}
ROUND_EXAMPLE: dict[str, Any] = {
    "number": 2, "name": "Round 2", "state": "running", "starts_at": _TIME,
    "ends_at": "2026-01-31T12:10:00.000001Z", "closed_state": "cancel_only",
    "cancel_orders": True, "symbols": [],
    "auction_ends_at": "2026-01-31T12:00:30.000001Z",
}  # fmt: skip
CURRENT_ROUND_EXAMPLE = {"round": ROUND_EXAMPLE, "now": "2026-01-31T12:03:20.000000Z"}
PERFORMANCE_EXAMPLE: dict[str, Any] = {
    "account": "alice", "valued_in": "USDT", "price": "last", "equity": "1000120.00000000",
    "deposits": "1000100.00000000", "pnl": "20.00000000", "realised": "15.00000000",
    "fees": "0.00000000", "volume": "12015.00000000", "trades": 2, "complete": True,
    "assets": [
        {"asset": "BTC", "total": "0.10000000", "deposited": "0.00000000", "fees": "0.00000000",
         "value": "6005.00000000"},
        {"asset": "USDT", "total": "994115.00000000", "deposited": "1000100.00000000",
         "fees": "0.00000000", "value": "994115.00000000"},
    ],
    "markets": [
        {"symbol": "BTC-USDT", "position": "0.10000", "average_price": "60000.00",
         "realised": "15.00000000", "unrealised": "5.00000000", "volume": "12015.00000000",
         "trades": 2},
    ],
    "timestamp": _TIME,
}  # fmt: skip
LEADERBOARD_EXAMPLE: dict[str, Any] = {
    "valued_in": "USDT", "price": "last", "round": 2, "accounts": 2,
    "ranks": [
        {"rank": 1, "name": "alice", "pnl": "20.00000000", "equity": "1000120.00000000",
         "realised": "15.00000000", "fees": "0.00000000", "volume": "12015.00000000",
         "trades": 2},
        {"rank": 2, "name": "bob", "pnl": "-20.00000000", "equity": "999980.00000000",
         "realised": "-15.00000000", "fees": "0.00000000", "volume": "12015.00000000",
         "trades": 2},
    ],
    "timestamp": _TIME,
}  # fmt: skip
BOARD_OPTIONS_EXAMPLE: dict[str, Any] = {
    "visibility": "all", "delay_s": 60, "names": "aliases", "price": "last",
    "asset": "USDT",
}  # fmt: skip
ALIAS_REQUEST_EXAMPLE = {"alias": "Team Blue"}
ALIAS_EXAMPLE = {"account": "alice", "alias": "Team Blue"}
RESET_REQUEST_EXAMPLE = {"balances": {"USDT": "100000"}}
RESET_EXAMPLE: dict[str, Any] = {"accounts": 20, "canceled_count": 35, "halted": []}
AUDIT_EXAMPLE: dict[str, Any] = {
    "clean": True,
    "checks": [
        {"check": "supply", "counted": "20 accounts, 4 assets", "different_count": 0,
         "differences": [], "remark": "read in one step of 0.4 ms"},
    ],
    "timestamp": _TIME,
}  # fmt: skip
