"""Redis as a process and as a client: addresses, timeouts, the embedded server.

Imports `errors` and `runtime`.
"""
