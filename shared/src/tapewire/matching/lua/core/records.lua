-- Contract: what the records of tapewire/matching/layout.py are to the other files. No keys.
-- Each record is a table before this file, named as in layout.py: `Terms.read(text, record)` puts
-- the values into a table, `Terms.write(record)` packs them, `split` and `join` do the same with
-- values that stay text. UNIT, PART and ITEM are the other separators.

-- Records that change seldom are parsed once; nobody may change the tables.
local known_steps = remembering(function(text) return Steps.read(text, {}) end)
local known_controls = remembering(function(text) return Controls.read(text, {}) end)
local known_profile = remembering(function(text) return Profile.read(text, {}) end)
local known_bounds = remembering(function(text) return AccountBounds.read(text, {}) end)
local known_limits = remembering(function(text) return CommandLimits.read(text, {}) end)

local NO_BOUNDS = AccountBounds.join('', '', '', '')

-- The bounds of an account in one symbol; `text` is false if there are none.
local function account_bounds(text)
  return known_bounds(text or NO_BOUNDS)
end
