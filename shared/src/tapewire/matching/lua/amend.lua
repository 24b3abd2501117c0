-- amend: change the price, quantity or stop price of an open order.
--
-- A smaller quantity at the same price keeps id and priority. Anything else loses priority: the
-- order leaves its place and comes in again, and may take, under the same id.
--
-- KEYS   1 order:<id>
-- ARGV   1 clock_us   2 limits   3 account   4 order id   5 revision of the instrument
--        6 price in ticks ('' = as it is)   7 quantity in lots ('' = as it is)
--        8 stop price in ticks ('' = as it is)
-- Reply  {field, value, ...} of order:<id> afterwards.
-- Errors ORDER_NOT_FOUND, ORDER_CLOSED, UNKNOWN_SYMBOL, STALE_INSTRUMENT, MARKET_HALTED,
--        MARKET_CANCEL_ONLY, MARKET_POST_ONLY, PRICE_FORBIDDEN (the order has no price to change),
--        STOP_PRICE_FORBIDDEN (it does not wait for a stop), AMEND_BELOW_EXECUTED,
--        PRICE_OUT_OF_BAND, STOP_WOULD_TRIGGER, POST_ONLY_WOULD_TAKE; what is no smaller order at
--        its old price also ACCOUNT_BLOCKED, ORDER_SIZE_LIMIT, ORDER_NOTIONAL_LIMIT,
--        POSITION_LIMIT, BALANCE_LIMIT, INSUFFICIENT_FUNDS (for what it would hold beyond before).
-- Events as place.
-- @include text market book ledger orders standing holds command match admit risk

local command = begin_command('amend')
local order = read_order(ARGV[4])
if not order or order.account ~= ARGV[3] then return redis.error_reply('ORDER_NOT_FOUND') end
local market = command_market(command, order.symbol)
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end

local price, quantity = tonumber(ARGV[6]) or order.price, tonumber(ARGV[7]) or order.quantity
local stop_price = tonumber(ARGV[8]) or order.stop_price
local waits = order.stop_price and not order.triggered_us
local keeps_priority = price == order.price and stop_price == order.stop_price
  and quantity <= order.quantity

-- Whether the account may have the order as it would be; what it holds already is not needed anew.
local function account_refusal()
  local trader = read_trader(command, market, order)
  local wanted = { side = order.side, price = price, stop_price = stop_price, quantity = quantity,
    executed = order.executed, prevented = order.prevented }
  if trader.state == 'blocked' then return 'ACCOUNT_BLOCKED' end
  local beyond = limit_refusal(market, trader, wanted, quantity - order.quantity)
  if beyond then return beyond end
  local more = held_units(market, wanted) - held_units(market, order)
  if command.funds_checked and more > math.max(0, trader.available) then
    return 'INSUFFICIENT_FUNDS'
  end
end

local function refusal()
  local is_due = order.expire_us and order.expire_us <= market.now_us
  if is_due or not is_open(order) then return 'ORDER_CLOSED' end
  if ARGV[5] ~= market.revision then return 'STALE_INSTRUMENT' end
  if market.state == 'halted' then return 'MARKET_HALTED' end
  if market.state == 'cancel_only' and not keeps_priority then return 'MARKET_CANCEL_ONLY' end
  if market.state == 'post_only' and not keeps_priority and order.post_only ~= '1' then
    return 'MARKET_POST_ONLY'
  end
  if ARGV[6] ~= '' and not order.price then return 'PRICE_FORBIDDEN' end
  if ARGV[8] ~= '' and not waits then return 'STOP_PRICE_FORBIDDEN' end
  if quantity <= order.executed + order.prevented then return 'AMEND_BELOW_EXECUTED' end
  if keeps_priority then return end
  if is_out_of_band(market, price) then return 'PRICE_OUT_OF_BAND' end
  local last = tonumber(market.last_price)
  if waits and last and fires(order.side, stop_price, last) then return 'STOP_WOULD_TRIGGER' end
  if order.post_only == '1' and would_take(market, order.side, price) then
    return 'POST_ONLY_WOULD_TAKE'
  end
  return account_refusal()
end

local refused = refusal()
if refused then return redis.error_reply(refused) end

order.fields, order.fill_lines = { 'terms', '', 'state', '' }, {}
hold_order(command, market, order, -1)
if keeps_priority then
  local shown = shown_lots(order)
  order.quantity, order.updated = quantity, market.now
  if order.visible then order.visible = math.min(order.visible, remaining_lots(order)) end
  if not waits then change_level(market, order.side, price, shown_lots(order) - shown) end
  hold_order(command, market, order, 1)
else
  if waits then
    redis.call('ZREM', stops_key(market.symbol, order.side), queue_member(order))
  else
    redis.call('ZREM', queue_key(market.symbol, order.side), queue_member(order))
    change_level(market, order.side, order.price, -shown_lots(order))
  end
  order.price, order.quantity, order.stop_price = price, quantity, stop_price
  order.visible, order.priority = nil, next_number(command)
  if waits then
    order.updated = market.now
    redis.call('ZADD', stops_key(market.symbol, order.side), stop_score(order),
      queue_member(order))
    hold_order(command, market, order, 1)
  else
    run_taker(command, market, order)
  end
end
order.terms = terms_text(order)
write_order(command, order, 'amended')
if not is_open(order) then unindex_order(order, command.closed_kept_s) end
run_stops(command, market)
local fields = redis.call('HGETALL', order_key(order.id))
end_command(command, order.id .. '|' .. redis.call('HGET', order_key(order.id), 'state'))
return fields
