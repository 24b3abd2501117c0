"""Programs that drive unmodified Binance clients; each runs in the environment of its client.

`python -m tests.support.binance_clients.<name> GATEWAY_URL MARKET_DATA_URL` prints a line of JSON
for each call. A program imports nothing of Tapewire, because that environment has only the clients.
"""
