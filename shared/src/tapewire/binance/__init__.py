"""What both services share of the Binance Spot surface: names, statistics. Pure.

May import: `errors`, `limits`, `values`, `wire`, `market`.
"""
