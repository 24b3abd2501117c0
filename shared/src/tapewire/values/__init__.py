"""Values of the trading domain: instruments, orders, decimals, times, accounts.

Pure; imports `errors` and `limits`.
"""
