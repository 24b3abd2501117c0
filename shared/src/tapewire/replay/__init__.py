"""Recorded order flow, sent to a venue: `tapewire replay FILE`.

A reader for each format turns a file into steps (`steps`). The player turns steps into requests, in
order, and counts the results.

May import: `errors`, `limits`, `runtime`, `values`, `client`.
"""
