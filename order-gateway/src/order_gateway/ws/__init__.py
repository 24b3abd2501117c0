"""`WS /v1/ws`: order entry over a WebSocket.

May import: everything below.
"""
