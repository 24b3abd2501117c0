"""Redis as a process and as a client: addresses, timeouts, the embedded server.

May import: `errors`, `limits`, `runtime`, `values`, `keys`.
"""
