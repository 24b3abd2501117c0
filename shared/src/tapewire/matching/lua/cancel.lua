-- cancel: take an open order out of the book.
--
-- KEYS   1 order:<id>, or client_order:<account>:<client_order_id>
-- ARGV   1 clock_us   2 limits   3 account   4 order id ('' with 5)   5 client_order_id   6 reason
-- Reply  {id, {field, value, ...}} of order:<id>, canceled.
-- Errors ORDER_NOT_FOUND (also another account's order), ORDER_CLOSED (it ended already),
--        UNKNOWN_SYMBOL, MARKET_HALTED.
-- Events book_updates: the level it left.
-- @include text market book ledger orders standing holds command ending

local command = begin_command('cancel')
local order_id = ARGV[4]
if order_id == '' then order_id = redis.call('GET', client_order_key(ARGV[3], ARGV[5])) end
local order = order_id and read_order(order_id)
if not order or order.account ~= ARGV[3] then return redis.error_reply('ORDER_NOT_FOUND') end
if not is_open(order) then return redis.error_reply('ORDER_CLOSED') end
local market = command_market(command, order.symbol)
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end
if market.state == 'halted' then return redis.error_reply('MARKET_HALTED') end

end_order(command, market, order, 'canceled', ARGV[6])
end_command(command, order_id .. '|' .. state_text(order))
return { order_id, redis.call('HGETALL', order_key(order_id)) }
