"""`tapewire audit`: whether a running venue's money, orders and books add up."""
