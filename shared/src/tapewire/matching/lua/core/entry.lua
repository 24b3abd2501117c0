-- Contract: a new order: its refusals, its record, its indexes.
-- Keys   as core/orders.lua.
-- For each new order a command calls new_order, entry_refusal and enter_order; then the command
-- runs the stops and ends.

-- The table of a new order, of the arguments of place from 4 to 19 without the revision.
local function new_order(market, account, client_order_id, digest, side, order_type, time_in_force,
    price, quantity, stp, post_only, display, stop_price, quote_limit, expire_us)
  return {
    account = account, client_order_id = client_order_id, digest = digest,
    symbol = market.symbol, side = side, order_type = order_type, time_in_force = time_in_force,
    price = tonumber(price), quantity = tonumber(quantity), stp = stp, post_only = post_only,
    display = tonumber(display), stop_price = tonumber(stop_price),
    quote_limit = tonumber(quote_limit), expire_us = tonumber(expire_us), status = 'new',
    reason = '', cancel_id = '', executed = 0, notional = 0, prevented = 0,
    fee_credit_millionths = 0, created_us = market.now, updated_us = market.now,
    list_id = '', covered_units = 0, client_list_id = '',
  }
end

-- The reply for an earlier order with the same client_order_id (`kind` is 'order'), or for the
-- first order of an earlier list with the same client_list_id ('list'); nil without one. The second
-- value is the refusal. With reuses = '1' the name of an order that ended is free.
local function earlier_placement(kind, account, name, digest, reuses)
  if name == '' then return nil end
  local earlier = call('GET', client_key(kind, account, name))
  -- The keys of id and order expire separately: an id whose order has expired is free.
  local order = earlier and read_order(earlier)
  if not order or (reuses == '1' and not is_open(order)) then return nil end
  if order.digest ~= digest then return nil, 'DUPLICATE_CLIENT_ORDER_ID' end
  return { 1, earlier, record_fields(order) }
end

-- Whether an order may wait for the end of an auction: in the book, or for its stop price.
local function may_wait(order)
  return order.stop_price or order.price and may_rest(order)
end

-- The refusal of an order by its market; nil for none.
local function market_refusal(market, order, revision)
  local controls = market.controls
  if revision ~= controls.revision then return 'STALE_INSTRUMENT' end
  if market.uncross then return 'UNCROSS_PENDING' end
  if market.is_firing and controls.state == 'trading' then return 'STOPS_PENDING' end
  if controls.state == 'halted' then return 'MARKET_HALTED' end
  if controls.state == 'cancel_only' then return 'MARKET_CANCEL_ONLY' end
  if controls.state == 'auction' and not may_wait(order) then return 'MARKET_AUCTION' end
  if controls.state == 'post_only' and order.post_only ~= '1' then return 'MARKET_POST_ONLY' end
  if order.expire_us and order.expire_us <= market.now_us then return 'EXPIRE_IN_PAST' end
  if is_out_of_band(market, order.price) then return 'PRICE_OUT_OF_BAND' end
  if order.stop_price and market.last_price ~= ''
    and fires(order, order.stop_price, market.last_price + 0) then
    return 'STOP_WOULD_TRIGGER'
  end
  if order.post_only == '1' and controls.state ~= 'auction'
    and would_take(market, order.side, order.price) then
    return 'POST_ONLY_WOULD_TAKE'
  end
end

-- The refusal of an order by its account; nil for none.
local function trader_refusal(command, market, trader, order)
  if (may_rest(order) or order.stop_price) and trader.open_orders_max ~= '0'
    and call('ZCARD', open_key(order.account, market.symbol)) - trader.open_orders_max >= 0 then
    return 'OPEN_ORDERS_LIMIT'
  end
  if trader.state == 'blocked' then return 'ACCOUNT_BLOCKED' end
  local beyond = limit_refusal(market, trader, order, lots_at_most(market, order))
  if beyond then return beyond end
  if command.limits.funds_checked == '1'
    and needed_units(market, order) > max(0, trader.available) then
    return 'INSUFFICIENT_FUNDS'
  end
end

-- Writes the indexes of a new order.
local function index_order(command, order)
  local is_named = order.client_order_id ~= ''
  if is_named then
    call('SET', client_key('order', order.account, order.client_order_id), order.id)
  end
  if is_open(order) then
    call('ZADD', open_key(order.account, order.symbol), order.id, order.id)
    if order.expire_us then call('ZADD', EXPIRING, order.expire_us, order.id) end
  else
    forget_later(command, order)
  end
end

-- The refusal of an order; nil for none. The second value is the account (read_trader).
-- Writes nothing.
local function entry_refusal(command, market, order, revision)
  local trader = read_trader(command, market, order)
  if not trader then return 'UNKNOWN_ACCOUNT' end
  local refusal = market_refusal(market, order, revision)
    or trader_refusal(command, market, trader, order)
  return refusal, trader
end

-- Enters an order that entry_refusal has not refused: the order waits for its stop price, or is
-- matched and then rests or ends. Returns the fields of its record.
local function enter_order(command, market, order, trader)
  order.maker_fee_ppm, order.taker_fee_ppm = trader.maker_fee_ppm, trader.taker_fee_ppm
  order.priority = next_number()
  order.id = integer_text(order.priority)
  if order.leads_list then order.list_id = order.id end
  if order.stop_price then
    begin_record(order)
    wait_for_stop(command, market, order)
  else
    run_taker(command, market, order)
  end
  local fields = write_order(command, order, 'new')
  index_order(command, order)
  return fields
end

-- Enters an order, and runs the stops that its trades have reached. Returns the fields of the
-- record of the order, and its state.
local function enter_and_fire(command, market, order, trader)
  local fields = enter_order(command, market, order, trader)
  if run_stops(command, market) == 0 then return fields, fields[4] end
  -- A stop may have traded with the resting lots of this order.
  local key = order_key(order.id)
  return call('HGETALL', key), call('HGET', key, 'state')
end
