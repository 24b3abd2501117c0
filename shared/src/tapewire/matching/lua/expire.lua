-- expire: end the orders whose time is over, and cancel for accounts whose dead-man timer fired.
--
-- Any gateway may call it at any time; whatever is due is done exactly once.
--
-- KEYS   1 expiring
-- ARGV   1 clock_us   2 limits   3 most orders in this call
-- Reply  number of orders ended and timers fired. As many as ARGV[3]: ask again, there may be more.
-- Keys   dead_man (sorted set): account, score = when it fires in microseconds.
-- Events book_updates: one per symbol.
-- @include text market book ledger orders standing holds command ending

local DEAD_MAN = '{tw}:dead_man'
local now = integer_text(read_clock(ARGV[1]))
local left, ended = tonumber(ARGV[3]), {}
local due = redis.call('ZRANGEBYSCORE', EXPIRING, '-inf', now, 'LIMIT', 0, left)
local dead = redis.call('ZRANGEBYSCORE', DEAD_MAN, '-inf', now, 'LIMIT', 0, left)
if #due == 0 and #dead == 0 then return 0 end

local command = begin_command('expire')
-- The journal keeps the moment at which it was found due.
command.clock_us = now
for _, order_id in ipairs(due) do
  local order = read_order(order_id)
  end_order(command, command_market(command, order.symbol), order, 'expired', 'expired')
  ended[#ended + 1] = order_id
end
left = left - #due

local symbols = #dead > 0 and redis.call('SMEMBERS', '{tw}:instruments') or {}
table.sort(symbols)
for _, account in ipairs(dead) do
  for _, symbol in ipairs(symbols) do
    if left <= 0 then break end
    for _, order_id in ipairs(redis.call('ZRANGE', open_key(account, symbol), 0, left - 1)) do
      local order = read_order(order_id)
      end_order(command, command_market(command, symbol), order, 'canceled', 'dead_man')
      ended[#ended + 1] = order_id
      left = left - 1
    end
  end
  if left <= 0 then break end
  -- It fires once: what it canceled was all, so it is disarmed.
  redis.call('ZREM', DEAD_MAN, account)
  left = left - 1
end
end_command(command, table.concat(ended, ','))
return tonumber(ARGV[3]) - left
