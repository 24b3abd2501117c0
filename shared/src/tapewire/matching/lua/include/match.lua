-- Contract: price-time matching of one incoming order against the resting side.
-- Fills at the maker's price, best price first, then arrival; a maker filled in part keeps its
-- place, an iceberg whose displayed slice is filled goes to the back of its level with the next.
-- Stops at the taker's limit, when it is filled, when self-trade prevention ends it, or after
-- fills_max makers. Changes the taker's table; writes makers, queue, trades.

-- Most orders meet few makers: read few at first, twice as many at each further read.
local MAKERS_FIRST_READ = 2
local MAKERS_PER_READ = 32

-- Lots that can be taken at the limit or better, counted up to `wanted` (for fill-or-kill).
-- Only what may really trade counts: not what self-trade prevention would take out.
local function available_lots(command, market, taker, wanted)
  local key = queue_key(market.symbol, opposite(taker.side))
  local found, first = 0, 0
  while first < command.fills_max do
    local last = math.min(first + MAKERS_PER_READ, command.fills_max) - 1
    local page = redis.call('ZRANGE', key, first, last, 'WITHSCORES')
    for index = 1, #page, 2 do
      if not within(taker.side, math.abs(tonumber(page[index + 1])), taker.price) then
        return found
      end
      local maker = read_order(string.sub(page[index], 18))
      local is_own = maker.account == taker.account and taker.stp ~= 'none'
      if is_own and taker.stp ~= 'expire_maker' then return found end
      if not is_own and not (maker.expire_us and maker.expire_us <= market.now_us) then
        found = found + remaining_lots(maker)
      end
      if found >= wanted then return found end
    end
    if #page < 2 * (last - first + 1) then return found end
    first = last + 1
  end
  return found
end

-- Ends a resting order that is met, or cut down to nothing, while others trade.
local function end_maker(command, market, maker, reason, gone)
  change_level(market, maker.side, maker.price, -shown_lots(maker))
  gone[#gone + 1] = queue_member(maker)
  maker.status, maker.reason, maker.updated_us = 'expired', reason, market.now_us
  maker.visible = nil
  save_state(maker)
  unindex_order(maker, command.closed_kept_s)
end

-- Shows the next slice of an iceberg, behind everyone else at its price.
local function refresh_iceberg(command, market, maker, gone)
  gone[#gone + 1] = queue_member(maker)
  maker.priority = next_number(command)
  maker.visible = math.min(maker.display, remaining_lots(maker))
  change_level(market, maker.side, maker.price, maker.visible)
  redis.call('HSET', order_key(maker.id), 'terms', terms_text(maker))
  redis.call('ZADD', queue_key(market.symbol, maker.side), price_score(maker.side, maker.price),
    queue_member(maker))
end

-- Two orders of one account meet. Returns true if the taker ends here.
local function prevent_self_trade(command, market, taker, maker, gone)
  local mode = taker.stp
  if mode == 'decrement' then
    local lots = shown_lots(maker)
    if taker.quantity then lots = math.min(lots, remaining_lots(taker)) end
    taker.prevented = taker.prevented + lots
    if lots == remaining_lots(maker) then
      change_level(market, maker.side, maker.price, -lots)
      maker.prevented, maker.visible = maker.prevented + lots, nil
      maker.status, maker.reason, maker.updated_us = 'expired', 'self_trade', market.now_us
      gone[#gone + 1] = queue_member(maker)
      save_state(maker)
      unindex_order(maker, command.closed_kept_s)
    else
      change_level(market, maker.side, maker.price, -lots)
      maker.prevented, maker.updated_us = maker.prevented + lots, market.now_us
      if maker.visible then maker.visible = maker.visible - lots end
      if maker.visible == 0 then refresh_iceberg(command, market, maker, gone) end
      save_state(maker)
    end
    local ends = not taker.quantity or remaining_lots(taker) == 0
    if ends then taker.reason = 'self_trade' end
    return ends
  end
  if mode ~= 'expire_taker' then end_maker(command, market, maker, 'self_trade', gone) end
  if mode == 'expire_maker' then return false end
  taker.reason = 'self_trade'
  return true
end

-- One fill. Returns the lots; 0 if the taker's quote amount buys no further lot.
local function trade_with(command, market, taker, maker, ticks, gone)
  local lots = shown_lots(maker)
  if taker.quantity then lots = math.min(lots, remaining_lots(taker)) end
  if taker.quote_limit then
    lots = math.min(lots, math.floor((taker.quote_limit - taker.notional) / ticks))
    if lots == 0 then return 0 end
  end
  local seq = print_trade(command, market, taker, maker, ticks, lots)
  local suffix = ',' .. market.now
  local text = integer_text(ticks) .. ',' .. integer_text(lots)
  taker.executed, taker.notional = taker.executed + lots, taker.notional + ticks * lots
  taker.fills[#taker.fills + 1] = 'f' .. seq
  taker.fills[#taker.fills + 1] = text .. ',t' .. suffix
  maker.executed, maker.notional = maker.executed + lots, maker.notional + ticks * lots
  maker.updated_us = market.now_us
  change_level(market, maker.side, ticks, -lots)
  note_fill(command, taker, seq, ticks, lots, 't', market.now)
  note_fill(command, maker, seq, ticks, lots, 'm', market.now)
  if remaining_lots(maker) == 0 then
    maker.status, maker.visible = 'filled', nil
    gone[#gone + 1] = queue_member(maker)
    save_state(maker, 'f' .. seq, text .. ',m' .. suffix)
    unindex_order(maker, command.closed_kept_s)
  else
    maker.status = 'partially_filled'
    if maker.visible then maker.visible = maker.visible - lots end
    if maker.visible == 0 then refresh_iceberg(command, market, maker, gone) end
    save_state(maker, 'f' .. seq, text .. ',m' .. suffix)
  end
  return lots
end

-- Matches `taker` up to `limit` (ticks, nil for none). Sets taker.reason where that ended it.
local function match(command, market, taker, limit)
  local key = queue_key(market.symbol, opposite(taker.side))
  local page, index, gone, page_makers, met = {}, 1, {}, MAKERS_FIRST_READ, 0
  while not taker.quantity or remaining_lots(taker) > 0 do
    if #gone > 0 and (index > #page or taker.reread) then
      -- Makers that are done leave the queue before it is read again.
      redis.call('ZREM', key, unpack(gone))
      gone = {}
    end
    if index > #page or taker.reread then
      page, index, taker.reread = redis.call('ZRANGE', key, 0, page_makers - 1, 'WITHSCORES'), 1,
        false
      page_makers = math.min(page_makers * 2, MAKERS_PER_READ)
      if #page == 0 then break end
    end
    local ticks = math.abs(tonumber(page[index + 1]))
    if not within(taker.side, ticks, limit) then break end
    if met == command.fills_max then
      taker.reason = 'fills_limit'
      break
    end
    met = met + 1
    local maker = read_order(string.sub(page[index], 18))
    local priority = maker.priority
    if maker.expire_us and maker.expire_us <= market.now_us then
      end_maker(command, market, maker, 'expired', gone)
    elseif maker.account == taker.account and taker.stp ~= 'none' then
      if prevent_self_trade(command, market, taker, maker, gone) then break end
    elseif trade_with(command, market, taker, maker, ticks, gone) == 0 then
      taker.spent = true
      break
    end
    -- A refreshed iceberg stands behind its level, but before all worse prices: look again.
    taker.reread = maker.priority ~= priority
    index = index + 2
  end
  if #gone > 0 then redis.call('ZREM', key, unpack(gone)) end
end
