"""From Redis pub/sub to proven events: poller, sequencer, refill, publication.

Imports `market` and everything that `market` imports.
"""
