-- Contract: the resting orders and price levels of one symbol, and the news of their change.
-- Keys   queue:<symbol>:<side> (sorted set): score = price in ticks, negated for buys, so that
--        rank 0 is the best; member = 16-digit priority ':' order id, so that equal prices
--        stand in order of arrival.
--        levels:<symbol>:<side> (hash): price in ticks -> resting lots.
-- Events one message a command on channel book_updates, when a level changed; book_seq + 1.

local BOOK_CHANNEL = 'book_updates'

local function queue_key(symbol, side)
  return PREFIX .. 'queue:' .. symbol .. ':' .. side
end

local function opposite(side)
  return side == 'buy' and 'sell' or 'buy'
end

local function price_score(side, ticks)
  return integer_text(side == 'buy' and -ticks or ticks)
end

local function queue_member(priority, order_id)
  return string.format('%016d:%s', priority, order_id)
end

local function new_level_changes()
  return { buy = {}, sell = {} }
end

-- Adds lots (negative to take away) to one price level and remembers it for the announcement.
local function change_level(market, changes, side, ticks, lots)
  local key = PREFIX .. 'levels:' .. market.symbol .. ':' .. side
  local price = integer_text(ticks)
  local total = redis.call('HINCRBY', key, price, integer_text(lots))
  if total == 0 then redis.call('HDEL', key, price) end
  local rows = changes[side]
  local row = '["' .. price_text(market, ticks) .. '","' .. quantity_text(market, total) .. '"]'
  rows[#rows + 1] = row
  changes.any = true
end

local function announce_book(market, changes)
  if not changes.any then return end
  market.book_seq = market.book_seq + 1
  redis.call('PUBLISH', BOOK_CHANNEL, '{"symbol":"' .. market.symbol .. '","seq":'
    .. integer_text(market.book_seq) .. ',"bids":[' .. table.concat(changes.buy, ',')
    .. '],"asks":[' .. table.concat(changes.sell, ',') .. '],"timestamp":"'
    .. market.timestamp .. '","epoch":"' .. market.epoch .. '"}')
end
