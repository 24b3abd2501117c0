"""The matching core: Lua scripts that run inside Redis, and one typed facade before them."""
