-- expire: end the orders whose time is over, and cancel for accounts whose dead-man timer fired.
--
-- Any gateway may call expire at any time; each due order ends exactly once. Orders of a market
-- whose uncross is not over stay until the end of the uncross.
--
-- KEYS   1 expiring
-- ARGV   4 most orders in this call   5 most pairs of timer and symbol to look at
-- Reply  number of orders ended and timers fired. With ARGV[4] or more there may be others due:
--        call again.
-- Keys   dead_man (sorted set): account, score = time at which its timer fires, in microseconds.
-- Events book_updates: one per symbol; account_events.

-- Cancels up to `left` open orders of an account. Returns the number of orders that the call may
-- still cancel, and whether the account has no open orders left.
local function cancel_for_dead_man(command, account, symbols, left, ended)
  local is_done = true
  for _, symbol in ipairs(symbols) do
    if left <= 0 then return left, false end
    local ids = call('ZRANGE', open_key(account, symbol), 0, left - 1)
    local market = #ids > 0 and command_market(command, symbol)
    if market and market.uncross then
      is_done = false
    else
      for _, order_id in ipairs(market and ids or {}) do
        local order = read_order(order_id)
        -- The other order of a list may have ended it.
        if is_open(order) then end_order(command, market, order, 'canceled', 'dead_man') end
        ended[#ended + 1] = order_id
        left = left - 1
      end
    end
  end
  return left, is_done and left > 0
end

local BROKEN_PAGES_MAX = 10

-- The due order and its market; nil if its market is broken or its uncross is not over. An id
-- without a record is removed from the index, so that it does not delay other orders.
local function ending_order(command, order_id)
  local order = read_order(order_id)
  if not order then
    call('ZREM', EXPIRING, order_id)
    return nil
  end
  local market = command_market(command, order.symbol)
  if market and not market.uncross then return order, market end
end

-- The due orders except those of broken markets, which stay open. The search passes over up to
-- BROKEN_PAGES_MAX pages of them, so that they do not delay other orders.
local function due_orders(command, orders_max)
  local due = {}
  for page = 0, BROKEN_PAGES_MAX - 1 do
    local ids = call('ZRANGEBYSCORE', EXPIRING, '-inf', command.clock_us, 'LIMIT',
      page * orders_max, orders_max)
    for _, order_id in ipairs(ids) do
      local order, market = ending_order(command, order_id)
      if order then due[#due + 1] = { order = order, market = market } end
    end
    if #due > 0 or #ids < orders_max then break end
  end
  return due
end

local function expire(command, orders_max, lookups_max)
  local left, ended, now = tonumber(orders_max), {}, command.clock_us
  local due = due_orders(command, left)
  local symbol_count = max(1, call('SCARD', '{tw}:instruments'))
  local timers_max = max(1, floor((lookups_max or math.huge) / symbol_count))
  local dead = call('ZRANGEBYSCORE', DEAD_MAN, '-inf', now, 'LIMIT', 0, min(left, timers_max))
  if #due == 0 and #dead == 0 then return 0 end
  for _, item in ipairs(due) do
    local order = item.order
    -- The end of the other order of its list may have ended this order since it was read.
    if order.list_id ~= '' then order = read_order(order.id) end
    if is_open(order) then end_order(command, item.market, order, 'expired', 'expired') end
    ended[#ended + 1] = order.id
  end
  left = left - #ended

  local symbols = #dead > 0 and call('SMEMBERS', '{tw}:instruments') or {}
  table.sort(symbols)
  for _, account in ipairs(dead) do
    local is_done
    left, is_done = cancel_for_dead_man(command, account, symbols, left, ended)
    if left <= 0 then break end
    -- All orders of the account are canceled, so the timer is disarmed: it fires once.
    if is_done then
      call('ZREM', DEAD_MAN, account)
      left = left - 1
    end
  end
  if left == orders_max + 0 then return 0 end
  end_command(command, table.concat(ended, ','))
  return tonumber(orders_max) - left
end
