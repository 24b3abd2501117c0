"""The matching core: Lua functions that run inside Redis, and one typed facade before them."""
