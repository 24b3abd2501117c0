-- expire: end the orders whose time is over, and cancel for accounts whose dead-man timer fired.
--
-- Any gateway may call it at any time; whatever is due is done exactly once.
--
-- KEYS   1 expiring
-- ARGV   4 most orders in this call   5 most pairs of timer and symbol to look at
-- Reply  number of orders ended and timers fired. As many as ARGV[4]: ask again, there may be more.
-- Keys   dead_man (sorted set): account, score = when it fires in microseconds.
-- Events book_updates: one per symbol; account_events.

-- Cancels up to `left` open orders of an account; returns how many it may still cancel.
local function cancel_for_dead_man(command, account, symbols, left, ended)
  for _, symbol in ipairs(symbols) do
    if left <= 0 then break end
    for _, order_id in ipairs(call('ZRANGE', open_key(account, symbol), 0, left - 1)) do
      local order = read_order(order_id)
      -- The other order of a list may have ended it.
      if is_open(order) then
        end_order(command, command_market(command, symbol), order, 'canceled', 'dead_man')
      end
      ended[#ended + 1] = order_id
      left = left - 1
    end
  end
  return left
end

local function expire(command, orders_max, lookups_max)
  local left, ended, now = tonumber(orders_max), {}, command.clock_us
  local due = call('ZRANGEBYSCORE', EXPIRING, '-inf', now, 'LIMIT', 0, left)
  local symbol_count = max(1, call('SCARD', '{tw}:instruments'))
  local timers_max = max(1, floor((lookups_max or math.huge) / symbol_count))
  local dead = call('ZRANGEBYSCORE', DEAD_MAN, '-inf', now, 'LIMIT', 0, min(left, timers_max))
  if #due == 0 and #dead == 0 then return 0 end
  for _, order_id in ipairs(due) do
    local order = read_order(order_id)
    if is_open(order) then
      end_order(command, command_market(command, order.symbol), order, 'expired', 'expired')
    end
    ended[#ended + 1] = order_id
  end
  left = left - #due

  local symbols = #dead > 0 and call('SMEMBERS', '{tw}:instruments') or {}
  table.sort(symbols)
  for _, account in ipairs(dead) do
    left = cancel_for_dead_man(command, account, symbols, left, ended)
    if left <= 0 then break end
    -- All orders of the account are canceled, so the timer is disarmed: it fires once.
    call('ZREM', DEAD_MAN, account)
    left = left - 1
  end
  end_command(command, table.concat(ended, ','))
  return tonumber(orders_max) - left
end
