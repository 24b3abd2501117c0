-- Contract: whether a fill-or-kill order would fill, told without a write.
-- It goes the way that match would go and counts what that would take: only quantity that may
-- really trade, the hidden slices of icebergs where their turn comes, and at most fills_max makers.

local MAKERS_LOOKED_AT = 32

local function would_fill(command, market, taker, limit)
  -- @include standing
  -- One maker of the walk. Returns true or false once the outcome is known.
  local function count_maker(command, walk, lots, hidden, display)
    if walk.met == command.fills_max then return false end
    walk.met, walk.wanted = walk.met + 1, walk.wanted - lots
    if walk.wanted <= 0 then return true end
    if hidden > 0 then walk.slices[#walk.slices + 1] = { hidden, display } end
  end

  -- What icebergs still hide at a price trades after all that was shown there, in turns.
  local function count_slices(command, walk)
    local turn = 1
    while turn <= #walk.slices do
      local hidden, display = walk.slices[turn][1], walk.slices[turn][2]
      local lots = math.min(hidden, display)
      local outcome = count_maker(command, walk, lots, hidden - lots, display)
      if outcome ~= nil then return outcome end
      turn = turn + 1
    end
    walk.slices = {}
  end

  local key = queue_key(market.symbol, opposite(taker.side))
  local walk, first, level = { wanted = remaining_lots(taker), met = 0, slices = {} }, 0, nil
  while true do
    local page = redis.call('ZRANGE', key, first, first + MAKERS_LOOKED_AT - 1, 'WITHSCORES')
    for index = 1, #page, 2 do
      local ticks, outcome = math.abs(tonumber(page[index + 1])), nil
      if ticks ~= level then outcome = count_slices(command, walk) end
      if outcome ~= nil then return outcome end
      if not within(taker.side, ticks, limit) then return false end
      level = ticks
      local maker = read_order(string.sub(page[index], 18))
      if maker.expire_us and maker.expire_us <= market.now_us then
        outcome = count_maker(command, walk, 0, 0)
      elseif maker.account ~= taker.account or taker.stp == 'none' then
        local lots = shown_lots(maker)
        outcome = count_maker(command, walk, lots, remaining_lots(maker) - lots, maker.display)
      elseif taker.stp == 'expire_maker' then
        outcome = count_maker(command, walk, 0, 0)
      else
        outcome = false
      end
      if outcome ~= nil then return outcome end
    end
    if #page < 2 * MAKERS_LOOKED_AT then return count_slices(command, walk) == true end
    first = first + MAKERS_LOOKED_AT
  end
end
