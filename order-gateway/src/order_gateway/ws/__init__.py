"""`WS /v1/ws`: order entry over a WebSocket.

Imports the operations and the reader of requests.
"""
