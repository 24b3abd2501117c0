"""Routes: the WebSocket endpoint, REST, SSE, documents, health, metrics.

Imports every other folder.
"""
