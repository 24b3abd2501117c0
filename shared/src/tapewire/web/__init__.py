"""HTTP and WebSocket serving that both services share.

May import: `errors`, `error_codes`, `limits`, `runtime`, `values`, `keys`, `settings`, `redis`,
`binance`.
"""
