-- cancel: take an open order out of the book.
--
-- KEYS   1 order:<id>
-- ARGV   1 clock_us ('' = the venue clock, Redis TIME)   2 account   3 order id   4 closed_kept_s
-- Reply  {field, value, ...} of order:<id>, canceled.
-- Errors ORDER_NOT_FOUND (also another account's order), ORDER_CLOSED (it ended already).
-- Events book_updates: the level it left.
-- @include text market book orders

local order_id = ARGV[3]
local key = order_key(order_id)
local order = redis.call('HMGET', key, 'account', 'symbol', 'side', 'status', 'price', 'quantity',
  'executed', 'priority', 'client_order_id')
if order[1] ~= ARGV[2] then return redis.error_reply('ORDER_NOT_FOUND') end
local status = order[4]
if status ~= 'new' and status ~= 'partially_filled' then
  return redis.error_reply('ORDER_CLOSED')
end

local market = load_market(order[2], ARGV[1])
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end
local side, changes = order[3], new_level_changes()
redis.call('ZREM', queue_key(market.symbol, side), queue_member(tonumber(order[8]), order_id))
change_level(market, changes, side, tonumber(order[5]), tonumber(order[7]) - tonumber(order[6]))
redis.call('HSET', key, 'status', 'canceled', 'updated_us', integer_text(market.now_us))
expire_closed(order_id, order[1], order[9], ARGV[4])
announce_book(market, changes)
save_market(market)
return redis.call('HGETALL', key)
