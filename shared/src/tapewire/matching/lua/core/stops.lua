-- Contract: stop orders: when a stop fires, and how fired stops run.
-- Keys   market:<symbol>, field reached: the highest and the lowest price whose stops have fired
--        and wait for their turn, because the command that fired them had used up its budget.
--        firing (set): the symbols with such stops.
-- A fired stop always runs, also when the price has come back. While fired stops wait in a trading
-- market, place, place_list, replace and amend answer STOPS_PENDING; fire_stops runs the stops.

local FIRING = '{tw}:firing'

-- Whether an order with this stop price fires at a price: a stop buy and a take-profit sell at or
-- above it, a stop sell and a take-profit buy at or below it.
local function fires(order, stop_price, ticks)
  if trigger_side(order) == 'buy' then return ticks >= stop_price end
  return ticks <= stop_price
end

local function came_before(one, other) return one.member < other.member end

-- At most `count_max` stops that fire between the lowest and the highest price reached. Each
-- direction gives the stops that fire first; of these the oldest run.
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
  for index = #fired, count_max + 1, -1 do fired[index] = nil end
  return fired
end

-- Runs one stop as a taker, or ends a stop whose time is over. Returns false if the stop has
-- already ended, because another stop of the command was the other order of its list.
local function run_stop(command, market, stop, makers_max)
  if call('ZREM', stops_key(market.symbol, stop.side), stop.member) == 0 then return false end
  local order = read_order(member_order(stop.member))
  end_partner(command, market, order, 'expired', 'order_list')
  hold_order(command, market, order, -1)
  if order.expire_us and order.expire_us <= market.now_us then
    order.status, order.reason, order.updated_us = 'expired', 'expired', market.now
    save_state(command, order)
  else
    order.triggered_us, order.priority = market.now_us, next_number()
    order.makers_max, order.covered_units = makers_max, 0
    run_taker(command, market, order)
    write_order(command, order, 'triggered')
  end
  if not is_open(order) then unindex_order(command, order) end
  return true
end

-- Keeps the prices whose fired stops still wait for their turn; removes them if no stop waits.
local function note_waiting(market, is_waiting_for_turn)
  if is_waiting_for_turn then
    call('HSET', market.key, 'reached', Reached.write(market))
    call('SADD', FIRING, market.symbol)
  elseif market.is_firing then
    call('HDEL', market.key, 'reached')
    call('SREM', FIRING, market.symbol)
  end
end

-- Whether the command has a share left both of the makers that it may meet and of the makers that
-- its fill-or-kill orders may count.
local function has_share(command, share)
  local limits = command.limits
  if command.makers_met + share > limits.fills_max then return false end
  -- Older journals have commands without this budget.
  if limits.fok_makers_max == 0 then return true end
  return command.makers_counted + min(share, limits.fok_makers_max) <= limits.fills_max
end

-- Runs the fired stops, and the stops that these fire in turn, within the budget of the command:
-- stops_max stops, and fills_max makers, the makers of the command's own order included. A stop
-- starts only if its share of makers is left. Returns the number of stops that ran.
local function run_stops(command, market)
  if not market.high_ticks or market.controls.state ~= 'trading' then return 0 end
  local buys, sells = stops_key(market.symbol, 'buy'), stops_key(market.symbol, 'sell')
  if call('EXISTS', buys, sells) == 0 then
    note_waiting(market, false)
    return 0
  end
  local limits = command.limits
  local share, count = max(1, floor(limits.fills_max / 2)), 0
  while true do
    local fired = fired_stops(market, max(1, limits.stops_max - count))
    if #fired == 0 then break end
    for _, stop in ipairs(fired) do
      if count == limits.stops_max or not has_share(command, share) then
        note_waiting(market, true)
        return count
      end
      if run_stop(command, market, stop, share) then count = count + 1 end
    end
  end
  note_waiting(market, false)
  return count
end
