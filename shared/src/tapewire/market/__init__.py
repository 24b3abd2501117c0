"""A market read from Redis in one step: record, price levels, trades, candles, 24 hours.

Both services read with it. May import: `errors`, `limits`, `values`, `packed`, `wire`, `keys`,
`redis`.
"""
