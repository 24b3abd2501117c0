"""The market-data service: every trade of the venue, to every WebSocket client, exactly once."""
