"""API keys: their text, their store in Redis, the verifier and the watch of open connections.

May import: `errors`, `limits`, `runtime`, `values`, `packed`, `keys`, `redis`, `matching`.
"""
