"""Events and messages that travel: trades, books, markets, accounts.

Pure; imports `values` and `matching.records`.
"""
