"""State of markets: books, candles, tickers.

May import: `errors`, `limits`, `topics`, `fanout`.
"""
