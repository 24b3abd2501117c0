"""Recorded order flow, fed through the venue's REST interface: `tapewire replay FILE`.

Readers turn a file into neutral steps (`steps`), without I/O; the player turns steps into
requests, in order, and counts what came of them.

May import: `errors`, `limits`, `runtime`, `values`, `client`.
"""
