"""`tapewire audit`: whether a running venue's money, orders and books add up.

May import: `errors`, `limits`, `values`, `packed`, `keys`, `matching`, `wire`, `journal`.
"""
