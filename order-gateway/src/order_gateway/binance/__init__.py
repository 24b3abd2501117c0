"""The Binance Spot surface: REST `/api/v3`, stubs beside it, and the WebSocket API `/ws-api/v3`.

One more transport over `Operations` (docs/binance.md). Parsing, signatures and translation are
pure; `*_calls.py` answer calls; `binance_routes.py` above is the shell.
May import: everything below.
"""
