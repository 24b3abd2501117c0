-- Contract: the resting orders and price levels of one symbol, and the messages of changed levels.
-- Keys   queue:<symbol>:<side> (sorted set): score = price in ticks, negated for buys, so that
--        rank 0 is the best; member = 16-digit priority ':' order id, so that equal prices
--        stand in order of arrival.
--        stops:<symbol>:<side> (sorted set): orders that wait for their stop price: at buy those
--        that a rising price fires (stop buys, take-profit sells), at sell those that a falling
--        price fires; score = stop price in ticks (negated at sell, so that rank 0 fires first),
--        member as in queue:*.
--        levels:<symbol>:<side> (hash): price in ticks -> displayed resting lots.
-- Events one message a command on channel book_updates, when a level changed; book_seq + 1.

local function queue_key(symbol, side)
  return '{tw}:queue:' .. symbol .. ':' .. side
end

local function stops_key(symbol, side)
  return '{tw}:stops:' .. symbol .. ':' .. side
end

local function levels_key(symbol, side)
  return '{tw}:levels:' .. symbol .. ':' .. side
end

local function opposite(side)
  return side == 'buy' and 'sell' or 'buy'
end

local function price_score(side, ticks)
  return common_text(side == 'buy' and -ticks or ticks)
end

-- The side of the stops among which an order waits for its stop price. A take-profit fires in the
-- other direction than a stop of its side, so it waits among the stops of the other side.
local function trigger_side(order)
  if order.order_type == 'take_profit' or order.order_type == 'take_profit_limit' then
    return opposite(order.side)
  end
  return order.side
end

local function stop_score(order)
  return integer_text(trigger_side(order) == 'buy' and order.stop_price or -order.stop_price)
end

local function queue_member(order)
  return format('%016d:%s', order.priority, order.id)
end

-- The order id of a member of a queue or of the stops.
local function member_order(member)
  return string.sub(member, 18)
end

-- The price of a score as Redis returns it.
local function score_ticks(score)
  return math.abs(score + 0)
end

-- Whether a price satisfies a limit: at or below it for a buy, at or above it for a sell.
local function within(side, ticks, limit)
  if not limit then return true end
  if side == 'buy' then return ticks <= limit end
  return ticks >= limit
end

-- The best price of one side in ticks; nil if the side is empty.
local function best_price(market, side)
  local best = call('ZRANGE', queue_key(market.symbol, side), 0, 0, 'WITHSCORES')
  return best[2] and score_ticks(best[2])
end

-- Adds displayed lots (negative to take away) to one price level, when the command ends.
local function change_level(market, side, ticks, lots)
  local changes = market[side]
  if changes then
    changes[ticks] = (changes[ticks] or 0) + lots
  else
    market[side] = { [ticks] = lots }
  end
end

local function is_lower(one, other) return one < other end
local function is_higher(one, other) return one > other end

-- Writes the changed levels of one side, best price first; returns their rows as JSON.
local function write_levels(market, side)
  local changes, rows = market[side], {}
  if not changes then return '' end
  for ticks, lots in pairs(changes) do
    if lots ~= 0 then rows[#rows + 1] = ticks end
  end
  if #rows > 1 then table.sort(rows, side == 'buy' and is_higher or is_lower) end
  local key = levels_key(market.symbol, side)
  for index = 1, #rows do
    local ticks = rows[index]
    local price = common_text(ticks)
    local total = call('HINCRBY', key, price, changes[ticks])
    if total == 0 then call('HDEL', key, price) end
    rows[index] = '["' .. price_text(market, ticks) .. '","' .. quantity_text(market, total) .. '"]'
  end
  return table.concat(rows, ',')
end

local function announce_book(market)
  local bids, asks = write_levels(market, 'buy'), write_levels(market, 'sell')
  if bids == '' and asks == '' then return end
  market.book_seq = market.book_seq + 1
  call('PUBLISH', 'book_updates', '{"symbol":"' .. market.symbol .. '","seq":'
    .. integer_text(market.book_seq) .. ',"bids":[' .. bids .. '],"asks":[' .. asks
    .. '],"timestamp":"' .. market.timestamp .. '","epoch":"' .. market.steps.epoch .. '"}')
end
