"""`tapewire audit`: recomputes balances, holds and books of a running venue and compares them.

May import: `errors`, `limits`, `values`, `packed`, `keys`, `matching`, `wire`, `journal`.
"""
