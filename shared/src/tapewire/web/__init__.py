"""HTTP and WebSocket serving that both services share.

Imports `values`, `redis` and `settings`.
"""
