"""`tapewire audit`: recomputes balances, holds and books of a running venue and compares them."""
