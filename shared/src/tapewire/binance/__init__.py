"""What both services share of the Binance Spot surface: names and texts. Pure.

May import: `errors`, `limits`, `values`, `market`.
"""
