-- Contract: stop orders: when they fire, and running those that the trades of a command fired.

-- Whether a stop fires at a price: a buy at or above its stop price, a sell at or below it.
local function fires(side, stop_price, ticks)
  if side == 'buy' then return ticks >= stop_price end
  return ticks <= stop_price
end

local function came_before(one, other) return one.member < other.member end

-- The stops that fire between the lowest and the highest price just traded, in order of arrival.
local function fired_stops(market, count_max)
  local fired = {}
  for _, side in ipairs({ 'buy', 'sell' }) do
    local reached = side == 'buy' and market.high_ticks or -market.low_ticks
    local members = call('ZRANGEBYSCORE', stops_key(market.symbol, side), '-inf',
      integer_text(reached), 'LIMIT', 0, count_max)
    for _, member in ipairs(members) do
      fired[#fired + 1] = { member = member, side = side }
    end
  end
  table.sort(fired, came_before)
  return fired
end

-- Runs one stop as a fresh taker, or ends it if its time is over.
local function run_stop(command, market, stop)
  call('ZREM', stops_key(market.symbol, stop.side), stop.member)
  local order = read_order(member_order(stop.member))
  hold_order(command, market, order, -1)
  if order.expire_us and order.expire_us <= market.now_us then
    order.status, order.reason, order.updated_us = 'expired', 'expired', market.now
    save_state(command, order)
  else
    order.triggered_us, order.priority = market.now_us, next_number()
    run_taker(command, market, order)
    write_order(command, order, 'triggered')
  end
  if not is_open(order) then unindex_order(command, order) end
end

-- Runs the stops that trades have fired, and those that they fire in turn, until none is left or
-- stops_max have run. Those past the bound go on waiting for a trade that reaches them. Returns
-- whether any has run.
local function run_stops(command, market)
  if not market.high_ticks then return false end
  local buys, sells = stops_key(market.symbol, 'buy'), stops_key(market.symbol, 'sell')
  if call('EXISTS', buys, sells) == 0 then return false end
  local left, has_run = command.limits.stops_max, false
  while left > 0 and market.high_ticks do
    local fired = fired_stops(market, left)
    market.high_ticks, market.low_ticks = nil, nil
    for _, stop in ipairs(fired) do
      if left == 0 then break end
      left, has_run = left - 1, true
      run_stop(command, market, stop)
    end
  end
  return has_run
end
