"""State of markets: books, candles, tickers. Imports `fanout` and what that imports."""
