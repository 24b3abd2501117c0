-- cancel: take an open order out of the book.
--
-- KEYS   1 order:<id>
-- ARGV   1 clock_us ('' = the venue clock, Redis TIME)   2 account   3 order id   4 closed_kept_s
-- Reply  {field, value, ...} of order:<id>, canceled.
-- Errors ORDER_NOT_FOUND (also another account's order), ORDER_CLOSED (it ended already),
--        UNKNOWN_SYMBOL.
-- Events book_updates: the level it left.
-- @include text market book orders

local order_id = ARGV[3]
local key = order_key(order_id)
local order = redis.call('HMGET', key, 'terms', 'state')
if not order[1] then return redis.error_reply('ORDER_NOT_FOUND') end
local quantity, account, client_order_id, price, priority, symbol, side =
  string.match(order[1], TERMS_PATTERN)
if account ~= ARGV[2] then return redis.error_reply('ORDER_NOT_FOUND') end
local status, executed, notional = string.match(order[2], STATE_PATTERN)
if status ~= 'new' and status ~= 'partially_filled' then
  return redis.error_reply('ORDER_CLOSED')
end
local market = load_market(symbol, ARGV[1])
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end

local changes = new_level_changes()
redis.call('ZREM', queue_key(symbol, side), queue_member(tonumber(priority), order_id))
change_level(market, changes, side, tonumber(price), tonumber(executed) - tonumber(quantity))
redis.call('HSET', key, 'state', state_text('canceled', executed, notional, market.now))
expire_closed(order_id, account, client_order_id, ARGV[4])
announce_book(market, changes)
save_market(market)
return redis.call('HGETALL', key)
