-- Contract: the packed records of tapewire/packed/layout.py as Lua tables. No keys.
-- The library defines a table for each record before this file, named as its class in that module
-- without `Fields`. `Terms.read(text)` returns a table of the values. `Terms.read_into(record,
-- text)` adds the values to a table. `Terms.write(record)` packs them. `Terms.split` and
-- `Terms.join` do the same with values that stay text. UNIT, PART and ITEM are the other
-- separators.

-- Records that change seldom are parsed once; nobody may change the tables.
local known_controls = remembering(Controls.read)
local known_profile = remembering(Profile.read)
local known_bounds = remembering(AccountBounds.read)
local known_limits = remembering(CommandLimits.read)

local NO_BOUNDS = AccountBounds.join('', '', '', '')

-- The bounds of an account in one symbol; `text` is false for an account without bounds.
local function account_bounds(text)
  return known_bounds(text or NO_BOUNDS)
end
