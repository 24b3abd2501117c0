"""Routes: the WebSocket endpoint, REST, server-sent events, health, metrics, documents.

May import: everything below.
"""
