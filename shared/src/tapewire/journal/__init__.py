"""The journal of a venue: every accepted command with its result.

`tapewire journal export` writes the journal into a file. `tapewire journal verify` runs every
command again on an empty Redis and compares the results, and the state of a running venue.

May import: `errors`, `limits`, `runtime`, `values`, `packed`, `keys`, `redis`, `matching`.
"""
