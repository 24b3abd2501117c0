"""Values of the trading domain: instruments, orders, decimals, times, accounts.

Pure. May import: `errors`, `limits`.
"""
