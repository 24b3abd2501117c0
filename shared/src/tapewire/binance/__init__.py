"""The parts of the Binance Spot surface that both services share: names, statistics. Pure.

May import: `errors`, `limits`, `values`, `wire`, `market`.
"""
