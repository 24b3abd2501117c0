"""Routes: the WebSocket endpoint, REST, server-sent events, health, metrics, documents.

Imports `clients` and everything that `clients` imports.
"""
