-- Contract: an order enters the market: it takes, then rests or ends; stops that fire follow it.

local function stop_score(order)
  return integer_text(order.side == 'buy' and order.stop_price or -order.stop_price)
end

-- Whether a stop fires at a price: a buy at or above its stop price, a sell at or below it.
local function fires(side, stop_price, ticks)
  if side == 'buy' then return ticks >= stop_price end
  return ticks <= stop_price
end

-- The last price and how far from it a price may be; nil without a band or a last price.
local function price_band(market)
  if market.band_bps == '0' or market.last_price == '' then return nil end
  local reference = market.last_price + 0
  -- In two steps: a high price times the band would not be exact.
  return reference, math.floor(reference / 10000) * market.band_bps
    + math.floor(reference % 10000 * market.band_bps / 10000)
end

-- Whether a resting price is too far from the last trade.
local function is_out_of_band(market, price)
  local reference, width = price_band(market)
  return reference and price and math.abs(price - reference) > width
end

-- Whether a limit price would take from the book now.
local function would_take(market, side, price)
  local key = queue_key(market.symbol, opposite(side))
  local best = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return best[1] and within(side, math.abs(tonumber(best[2])), price)
end

-- Ends a taker with something left; `is_used_up` says that it wanted no more.
local function end_taker(order, is_used_up)
  order.status = 'expired'
  if order.reason ~= '' then return end
  if order.is_short then
    order.reason = 'insufficient_funds'
  elseif is_used_up and order.prevented > 0 then
    order.reason = 'self_trade'
  elseif order.time_in_force == 'fok' then
    order.reason = 'fill_or_kill'
  else
    order.reason = order.price and 'immediate_or_cancel' or 'insufficient_liquidity'
  end
end

-- Runs an order against the book: it ends filled, resting or expired. Its record is complete
-- afterwards but for the caller's write.
local function run_taker(command, market, order)
  order.fields, order.fill_lines, order.prevented_notional = { 'terms', '', 'state', '' }, {}, 0
  order.updated = market.now
  -- Whoever names no price pays of what there is.
  if command.funds_checked and not order.price then
    order.funds = available_units(command, order.account, (order_assets(market, order)))
  end
  -- The farthest price at which it may trade: its own limit, or the end of the price band.
  local limit, fills = order.price, true
  if not limit then
    local reference, width = price_band(market)
    if reference then limit = order.side == 'buy' and reference + width or reference - width end
  end
  if order.time_in_force == 'fok' then
    -- @include fok
    fills = would_fill(command, market, order, limit)
  end
  if fills then match(command, market, order, limit) end
  local remaining, is_filled, is_used_up = remaining_lots(order), nil, nil
  if order.quote_limit then
    -- By amount: filled if what is left of it buys no lot at the next price.
    is_used_up = order.is_spent or order.notional + order.prevented_notional == order.quote_limit
    order.quantity = order.executed + order.prevented
    is_filled = is_used_up and not order.is_short and order.executed > 0 and order.prevented == 0
  else
    is_filled, is_used_up = order.executed == order.quantity, remaining == 0
  end
  local rests = order.time_in_force == 'gtc' or order.time_in_force == 'gtd'
  if is_filled then
    order.status = 'filled'
  elseif rests and order.price and remaining > 0 and order.reason == '' then
    order.status = order.executed > 0 and 'partially_filled' or 'new'
    if order.display then order.visible = math.min(order.display, remaining) end
    redis.call('ZADD', queue_key(market.symbol, order.side), price_score(order.side, order.price),
      queue_member(order))
    change_level(market, order.side, order.price, shown_lots(order))
    hold_order(command, market, order, 1)
  else
    end_taker(order, is_used_up)
  end
end

-- Writes an order that came in, was amended or set off, with the fills that it took; its terms are
-- set. Returns the fields of its record that changed.
local function write_order(command, order, kind)
  local fields, lines = order.fields, order.fill_lines
  fields[2], fields[4] = order.terms, state_text(order)
  note_change(command, order, kind, fields[4], #lines == 0 and '' or table.concat(lines, ';'),
    #lines)
  local key = order_key(order.id)
  -- In pieces: Lua's stack bounds what unpack may return.
  for first = 1, #fields, 1000 do
    redis.call('HSET', key, unpack(fields, first, math.min(first + 999, #fields)))
  end
  return fields
end

-- Runs the stops that trades have fired, and those that they fire in turn, until none is left or
-- stops_max have run; each is a fresh taker. Those past the bound go on waiting for a trade that
-- reaches them. Returns whether any has run.
local function run_stops(command, market)
  if not market.high_ticks then return false end
  local buys, sells = stops_key(market.symbol, 'buy'), stops_key(market.symbol, 'sell')
  if redis.call('EXISTS', buys, sells) == 0 then return false end

  -- @include standing
  -- The stops that fire between the lowest and the highest price just traded, in order of arrival.
  local function fired_stops(count_max)
    local fired = {}
    for _, side in ipairs({ 'buy', 'sell' }) do
      local reached = side == 'buy' and market.high_ticks or -market.low_ticks
      local members = redis.call('ZRANGEBYSCORE', stops_key(market.symbol, side), '-inf',
        integer_text(reached), 'LIMIT', 0, count_max)
      for _, member in ipairs(members) do
        fired[#fired + 1] = { member = member, side = side }
      end
    end
    table.sort(fired, function(one, other) return one.member < other.member end)
    return fired
  end

  local left, has_run = command.stops_max, false
  while left > 0 and market.high_ticks do
    local fired = fired_stops(left)
    market.high_ticks, market.low_ticks = nil, nil
    for _, stop in ipairs(fired) do
      if left == 0 then break end
      left, has_run = left - 1, true
      redis.call('ZREM', stops_key(market.symbol, stop.side), stop.member)
      local order = read_order(string.sub(stop.member, 18))
      hold_order(command, market, order, -1)
      if order.expire_us and order.expire_us <= market.now_us then
        order.status, order.reason, order.updated = 'expired', 'expired', market.now
        save_state(command, order)
      else
        order.triggered_us, order.priority = market.now_us, next_number(command)
        run_taker(command, market, order)
        order.terms = terms_text(order)
        write_order(command, order, 'triggered')
      end
      if not is_open(order) then unindex_order(order, command.closed_kept_s) end
    end
  end
  return has_run
end
