"""The journal of a venue: every accepted command, to be kept in a file and to be proved.

`tapewire journal export` writes it out; `tapewire journal verify` runs all of it again on an empty
Redis and compares every result, and for a running venue everything that it holds.

May import: `errors`, `limits`, `runtime`, `values`, `packed`, `keys`, `redis`, `matching`.
"""
