"""The market-data service: every trade of the venue to every WebSocket client, exactly once.

Imports run down this order: errors, limits and topics; fanout; market; feed; clients; http; app.
"""
