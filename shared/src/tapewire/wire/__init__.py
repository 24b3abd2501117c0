"""Events and messages that travel: trades, books, markets, accounts.

Pure. May import: `errors`, `limits`, `values`, `packed`.
"""
