"""From Redis pub/sub to proven events: poller, sequencer, refill, publication.

May import: `errors`, `limits`, `topics`, `fanout`, `market`.
"""
