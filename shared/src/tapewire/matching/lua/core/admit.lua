-- Contract: an order enters the market: the order is matched, then rests or ends.

-- The last price and the largest distance of a price from it; nil without a band or a last price.
local function price_band(market)
  local band_bps = market.controls.band_bps
  if band_bps == '0' or market.last_price == '' then return nil end
  local reference = market.last_price + 0
  -- In two steps, because a high price times the band is not exact.
  return reference, floor(reference / 10000) * band_bps
    + floor(reference % 10000 * band_bps / 10000)
end

-- Whether a resting price is too far from the last trade.
local function is_out_of_band(market, price)
  local reference, width = price_band(market)
  return reference and price and math.abs(price - reference) > width
end

-- Whether a limit price would take from the book now.
local function would_take(market, side, price)
  local best = best_price(market, opposite(side))
  return best and within(side, best, price)
end

-- The farthest price at which an order may trade: its own limit, or the end of the price band.
local function trading_limit(market, order)
  if order.price then return order.price end
  local reference, width = price_band(market)
  if not reference then return nil end
  return order.side == 'buy' and reference + width or reference - width
end

-- Ends a taker that is not filled; `is_used_up` says that it has no lots left to take.
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

-- Puts the remaining lots of an order into the book.
local function rest_order(command, market, order, remaining)
  order.status = order.executed > 0 and 'partially_filled' or 'new'
  if order.display then order.visible = min(order.display, remaining) end
  call('ZADD', queue_key(market.symbol, order.side), price_score(order.side, order.price),
    queue_member(order))
  change_level(market, order.side, order.price, shown_lots(order))
  hold_order(command, market, order, 1)
end

-- Lets an order wait for its stop price.
local function wait_for_stop(command, market, order)
  call('ZADD', stops_key(market.symbol, trigger_side(order)), stop_score(order),
    queue_member(order))
  hold_order(command, market, order, 1)
end

-- Prepares the table of an order for write_order.
local function begin_record(order)
  order.fields, order.executions = { 'terms', '', 'state', '' }, {}
end

-- Runs an order against the book: the order ends filled, resting or expired. The caller writes the
-- record.
local function run_taker(command, market, order)
  begin_record(order)
  order.prevented_notional, order.updated_us = 0, market.now
  order.makers_max = order.makers_max or command.limits.fills_max
  -- An order without a price can spend at most the available balance.
  if command.limits.funds_checked == '1' and not order.price then
    order.funds = available_units(command, order.account, (order_assets(market, order)))
  end
  local limit = trading_limit(market, order)
  if order.time_in_force ~= 'fok' or would_fill(command, market, order, limit) then
    match(command, market, order, limit)
  end
  local remaining, is_filled, is_used_up = remaining_lots(order), nil, nil
  if order.quote_limit then
    -- An order by amount is filled if the rest of the amount buys no lot at the next price.
    is_used_up = order.is_spent or order.notional + order.prevented_notional == order.quote_limit
    order.quantity = order.executed + order.prevented
    is_filled = is_used_up and not order.is_short and order.executed > 0 and order.prevented == 0
  else
    is_filled, is_used_up = order.executed == order.quantity, remaining == 0
  end
  if is_filled then
    order.status = 'filled'
  elseif may_rest(order) and order.price and remaining > 0 and order.reason == '' then
    rest_order(command, market, order, remaining)
  else
    end_taker(order, is_used_up)
  end
end

-- The changed fields of a record with its newest fills. The first four values are terms and state.
local function newest_fields(fields)
  local first = #fields - 2 * ORDER_FILLS_SHOWN_MAX + 1
  if first <= 5 then return fields end
  local newest = { 'terms', '', 'state', '' }
  for index = first, #fields do newest[#newest + 1] = fields[index] end
  return newest
end

-- Writes an order that was placed, amended or triggered, with its newest fills.
-- Returns the fields of its record that changed.
local function write_order(command, order, kind)
  local fields, executions = newest_fields(order.fields), order.executions
  order.terms = Terms.write(order)
  fields[2], fields[4] = order.terms, State.write(order)
  note_change(command, order, kind, fields[4], table.concat(executions, ITEM), #executions)
  call('HSET', order_key(order.id), unpack(fields))
  -- The record of an amended or fired order has earlier fills.
  if kind ~= 'new' and #executions > 0 then trim_fills(order.id) end
  return fields
end
