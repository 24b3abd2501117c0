-- Contract: whether a fill-or-kill order would fill. Writes nothing.
-- The walk meets the makers that `match` would meet, in the same order, and counts the lots that
-- may trade, hidden slices of icebergs included. It meets at most taker.makers_max makers, and at
-- most limits.fok_makers_max. command.makers_counted has the makers of all walks of the command.

local MAKERS_LOOKED_AT = 32

-- One maker of the walk. Returns true or false once the outcome is known.
local function count_maker(walk, lots, hidden, display, partner)
  if walk.met >= walk.makers_max then return false end
  -- The other order of the maker's list ends with the maker.
  walk.met, walk.wanted = walk.met + (partner and 2 or 1), walk.wanted - lots
  if walk.wanted <= 0 then return true end
  if hidden > 0 then walk.slices[#walk.slices + 1] = { hidden = hidden, display = display } end
end

-- The hidden lots of the icebergs at a price trade after all shown lots at that price, in turns.
local function count_slices(walk)
  local turn = 1
  while turn <= #walk.slices do
    local slice = walk.slices[turn]
    local lots = min(slice.hidden, slice.display)
    local outcome = count_maker(walk, lots, slice.hidden - lots, slice.display)
    if outcome ~= nil then return outcome end
    turn = turn + 1
  end
  walk.slices = {}
end

-- Counts the lots that the taker gets from one maker. Returns as count_maker.
local function count_order(walk, market, taker, maker)
  local partner = open_partner(maker)
  if maker.expire_us and maker.expire_us <= market.now_us then
    return count_maker(walk, 0, 0, nil, partner)
  end
  if maker.account ~= taker.account or taker.stp == 'none' then
    local lots = shown_lots(maker)
    return count_maker(walk, lots, remaining_lots(maker) - lots, maker.display, partner)
  end
  if taker.stp == 'expire_maker' then return count_maker(walk, 0, 0, nil, partner) end
  -- The order of the same account is met, and ends the walk.
  count_maker(walk, 0, 0)
  return false
end

-- Counts makers until the outcome is known. Returns true if the order would fill.
local function count_makers(walk, market, taker, limit)
  local key = queue_key(market.symbol, opposite(taker.side))
  local first, level = 0, nil
  while true do
    local page = call('ZRANGE', key, first, first + MAKERS_LOOKED_AT - 1, 'WITHSCORES')
    for index = 1, #page, 2 do
      local ticks, outcome = score_ticks(page[index + 1]), nil
      if ticks ~= level then outcome = count_slices(walk) end
      if outcome ~= nil then return outcome end
      if not within(taker.side, ticks, limit) then return false end
      level = ticks
      outcome = count_order(walk, market, taker, read_order(member_order(page[index])))
      if outcome ~= nil then return outcome end
    end
    if #page < 2 * MAKERS_LOOKED_AT then return count_slices(walk) == true end
    first = first + MAKERS_LOOKED_AT
  end
end

local function would_fill(command, market, taker, limit)
  local makers_max, counted_max = taker.makers_max, command.limits.fok_makers_max
  -- Older journals have commands without this limit.
  if counted_max > 0 then makers_max = min(makers_max, counted_max) end
  local walk = { wanted = remaining_lots(taker), met = 0, slices = {}, makers_max = makers_max }
  local fills = count_makers(walk, market, taker, limit)
  command.makers_counted = command.makers_counted + walk.met
  return fills
end
