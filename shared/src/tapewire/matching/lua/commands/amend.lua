-- amend: change the price, quantity or stop price of an open order.
--
-- A smaller quantity at the same price keeps id and priority. Any other amendment loses priority:
-- the order leaves its place and enters again under the same id, and may take.
--
-- KEYS   1 order:<id>
-- ARGV   4 account   5 order id   6 revision of the instrument   7 price in ticks ('' = as it is)
--        8 quantity in lots ('' = as it is)   9 stop price in ticks ('' = as it is)
-- Reply  {field, value, ...} of order:<id> afterwards.
-- Errors ORDER_NOT_FOUND, ORDER_CLOSED, ORDER_IN_LIST (the other order of its list is open),
--        UNKNOWN_SYMBOL, STALE_INSTRUMENT, UNCROSS_PENDING (as place), MARKET_HALTED,
--        PRICE_FORBIDDEN (the order has no price), STOP_PRICE_FORBIDDEN (the order does not wait
--        for a stop price), AMEND_BELOW_EXECUTED, NOTIONAL_TOO_SMALL. If the order loses its
--        priority also STOPS_PENDING (as place), MARKET_CANCEL_ONLY, MARKET_POST_ONLY,
--        PRICE_OUT_OF_BAND, STOP_WOULD_TRIGGER, POST_ONLY_WOULD_TAKE, ACCOUNT_BLOCKED,
--        ORDER_SIZE_LIMIT, ORDER_NOTIONAL_LIMIT, POSITION_LIMIT, BALANCE_LIMIT, INSUFFICIENT_FUNDS
--        (for the units that it would hold in addition).
-- Events as place.

-- The refusal of the amended order by its account; units that it holds already count as available.
local function amended_account_refusal(command, market, order, wanted)
  local trader = read_trader(command, market, order)
  if trader.state == 'blocked' then return 'ACCOUNT_BLOCKED' end
  local beyond = limit_refusal(market, trader, wanted, wanted.quantity - order.quantity)
  if beyond then return beyond end
  local more = held_units(market, wanted) - held_units(market, order)
  if command.limits.funds_checked == '1' and more > max(0, trader.available) then
    return 'INSUFFICIENT_FUNDS'
  end
end

-- The refusal of `wanted`, an order that loses its place; nil for none.
local function reentry_refusal(command, market, order, wanted)
  local state = market.controls.state
  if is_out_of_band(market, wanted.price) then return 'PRICE_OUT_OF_BAND' end
  local last = tonumber(market.last_price)
  if is_waiting(order) and last and fires(order, wanted.stop_price, last) then
    return 'STOP_WOULD_TRIGGER'
  end
  if order.post_only == '1' and state ~= 'auction'
    and would_take(market, order.side, wanted.price) then
    return 'POST_ONLY_WOULD_TAKE'
  end
  return amended_account_refusal(command, market, order, wanted)
end

-- Whether price x quantity is below the minimum of the instrument. The gateway's check may have
-- seen the order before another amendment.
local function is_below_notional(market, wanted)
  if not wanted.price then return false end
  local limits = InstrumentLimits.read(call('HGET', market.key, 'limits'))
  return wanted.price * wanted.quantity < limits.notional_min
end

local function amend_refusal(command, market, order, wanted, request)
  local state = market.controls.state
  if order.expire_us and order.expire_us <= market.now_us then return 'ORDER_CLOSED' end
  if open_partner(order) then return 'ORDER_IN_LIST' end
  if request.revision ~= market.controls.revision then return 'STALE_INSTRUMENT' end
  if market.uncross then return 'UNCROSS_PENDING' end
  if state == 'halted' then return 'MARKET_HALTED' end
  if market.is_firing and state == 'trading' and not wanted.keeps_priority then
    return 'STOPS_PENDING'
  end
  if state == 'cancel_only' and not wanted.keeps_priority then return 'MARKET_CANCEL_ONLY' end
  if state == 'post_only' and not wanted.keeps_priority and order.post_only ~= '1' then
    return 'MARKET_POST_ONLY'
  end
  if request.price ~= '' and not order.price then return 'PRICE_FORBIDDEN' end
  if request.stop_price ~= '' and not is_waiting(order) then return 'STOP_PRICE_FORBIDDEN' end
  if wanted.quantity <= order.executed + order.prevented then return 'AMEND_BELOW_EXECUTED' end
  if is_below_notional(market, wanted) then return 'NOTIONAL_TOO_SMALL' end
  if wanted.keeps_priority then return nil end
  return reentry_refusal(command, market, order, wanted)
end

-- Makes the order smaller; its place stays.
local function shrink_order(command, market, order, quantity)
  local shown = shown_lots(order)
  order.quantity, order.updated_us = quantity, market.now
  if order.visible then order.visible = min(order.visible, remaining_lots(order)) end
  if not is_waiting(order) then
    change_level(market, order.side, order.price, shown_lots(order) - shown)
  end
  hold_order(command, market, order, 1)
end

-- Lets the order leave its place and enter again.
local function reenter_order(command, market, order, wanted)
  leave_place(market, order)
  order.price, order.quantity, order.stop_price = wanted.price, wanted.quantity, wanted.stop_price
  order.visible, order.priority = nil, next_number()
  if is_waiting(order) then
    order.updated_us = market.now
    wait_for_stop(command, market, order)
  else
    run_taker(command, market, order)
  end
end

local function amend(command, account, order_id, revision, price, quantity, stop_price)
  local order = read_order(order_id)
  if not order or order.account ~= account then return nil, 'ORDER_NOT_FOUND' end
  if not is_open(order) then return nil, 'ORDER_CLOSED' end
  local market, unknown = command_market(command, order.symbol)
  if not market then return nil, unknown end
  local wanted = {
    side = order.side, executed = order.executed, prevented = order.prevented,
    price = tonumber(price) or order.price, quantity = tonumber(quantity) or order.quantity,
    stop_price = tonumber(stop_price) or order.stop_price,
  }
  wanted.keeps_priority = wanted.price == order.price and wanted.stop_price == order.stop_price
    and wanted.quantity <= order.quantity
  local refusal = amend_refusal(command, market, order, wanted,
    { revision = revision, price = price, stop_price = stop_price })
  if refusal then return nil, refusal end

  begin_record(order)
  hold_order(command, market, order, -1)
  if wanted.keeps_priority then
    shrink_order(command, market, order, wanted.quantity)
  else
    reenter_order(command, market, order, wanted)
  end
  write_order(command, order, 'amended')
  if not is_open(order) then unindex_order(command, order) end
  if not wanted.keeps_priority then run_stops(command, market) end
  local fields = call('HGETALL', order_key(order.id))
  end_command(command, Outcome.join(order.id, call('HGET', order_key(order.id), 'state')))
  return fields
end
