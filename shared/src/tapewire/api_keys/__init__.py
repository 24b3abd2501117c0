"""API keys: their text, their store in Redis, and the verifier.

May import: `errors`, `limits`, `runtime`, `values`, `packed`, `keys`, `redis`, `matching`.
"""
