-- Contract: price-time matching of one incoming order against the resting side.
-- Fills at the maker's price, best price first, then arrival; a maker filled in part keeps its
-- place. Stops at the taker's limit, when it is filled, or after fills_max makers.
-- Writes maker records, queue, levels, trades; returns the taker's executed lots, its executed
-- notional (ticks x lots), the price of its first fill, and appends its fill fields to `fields`.

-- Most orders meet few makers: read few at first, twice as many at each further read.
local MAKERS_FIRST_READ = 2
local MAKERS_PER_READ = 32

-- Lots that can be taken at the limit or better, counted up to `wanted` (for fill-or-kill).
local function available_lots(market, maker_side, crosses, wanted, fills_max)
  local key = queue_key(market.symbol, maker_side)
  local found, first = 0, 0
  while found < wanted and first < fills_max do
    local last = math.min(first + MAKERS_PER_READ, fills_max) - 1
    local page = redis.call('ZRANGE', key, first, last, 'WITHSCORES')
    for index = 1, #page, 2 do
      if not crosses(math.abs(tonumber(page[index + 1]))) then return found end
      local maker = redis.call('HMGET', order_key(string.sub(page[index], 18)), 'terms', 'state')
      local _, executed = string.match(maker[2], STATE_PATTERN)
      found = found + tonumber(string.match(maker[1], '^%d+')) - tonumber(executed)
      if found >= wanted then return found end
    end
    if #page < 2 * (last - first + 1) then return found end
    first = last + 1
  end
  return found
end

-- Takes up to `wanted` lots from one maker; returns lots taken, whether the maker is done, seq.
local function fill_maker(market, order_id, ticks, wanted, print_trade, closed_kept_s)
  local key = order_key(order_id)
  local maker = redis.call('HMGET', key, 'terms', 'state')
  local quantity, account, client_order_id = string.match(maker[1], '^(%d+)|(.-)|(.-)|')
  local _, executed, notional = string.match(maker[2], STATE_PATTERN)
  quantity, executed = tonumber(quantity), tonumber(executed)
  local lots = math.min(wanted, quantity - executed)
  local seq = print_trade(ticks, lots, order_id)
  executed = executed + lots
  local done = executed == quantity
  redis.call('HSET', key, 'state', state_text(done and 'filled' or 'partially_filled', executed,
    tonumber(notional) + ticks * lots, market.now),
    'f' .. seq, integer_text(ticks) .. ',' .. integer_text(lots) .. ',m,' .. market.now)
  if done then expire_closed(order_id, account, client_order_id, closed_kept_s) end
  return lots, done, seq
end

local function match(market, taker, crosses, changes, fields)
  local maker_side = opposite(taker.side)
  local key = queue_key(market.symbol, maker_side)
  local print_trade = trade_printer(market, taker.side, taker.id, taker.log_trades_max)
  local remaining, notional, fills, level_lots, level_ticks = taker.quantity, 0, 0, 0, nil
  local first_ticks
  local page, index, gone, page_makers = {}, 1, {}, MAKERS_FIRST_READ
  while remaining > 0 and fills < taker.fills_max do
    if index > #page then
      -- All makers of the page are done: they leave the queue before the next page is read.
      if #gone > 0 then redis.call('ZREM', key, unpack(gone)) end
      page, index, gone = redis.call('ZRANGE', key, 0, page_makers - 1, 'WITHSCORES'), 1, {}
      page_makers = math.min(page_makers * 2, MAKERS_PER_READ)
      if #page == 0 then break end
    end
    local ticks = math.abs(tonumber(page[index + 1]))
    if not crosses(ticks) then break end
    if level_ticks and level_ticks ~= ticks then
      change_level(market, changes, maker_side, level_ticks, -level_lots)
      level_lots = 0
    end
    level_ticks, first_ticks = ticks, first_ticks or ticks
    local maker_id = string.sub(page[index], 18)
    local lots, done, seq = fill_maker(market, maker_id, ticks, remaining, print_trade,
      taker.closed_kept_s)
    if done then gone[#gone + 1] = page[index] end
    remaining, notional, fills = remaining - lots, notional + ticks * lots, fills + 1
    level_lots = level_lots + lots
    fields[#fields + 1] = 'f' .. seq
    fields[#fields + 1] = integer_text(ticks) .. ',' .. integer_text(lots) .. ',t,' .. market.now
    index = index + 2
  end
  if #gone > 0 then redis.call('ZREM', key, unpack(gone)) end
  if level_ticks then
    change_level(market, changes, maker_side, level_ticks, -level_lots)
    market.last_price = integer_text(level_ticks)
  end
  return taker.quantity - remaining, notional, first_ticks
end
