"""The matching core: Lua scripts that run inside Redis, and the one typed facade in front of them."""
