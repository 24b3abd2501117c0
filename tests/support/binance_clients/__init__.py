"""Programs that drive unmodified Binance clients; they run in the environment of the clients.

`python -m tests.support.binance_clients.<name> GATEWAY_URL MARKET_DATA_URL` prints a line of JSON
for each call. A program imports nothing of Tapewire, because that environment has only the clients.
"""
