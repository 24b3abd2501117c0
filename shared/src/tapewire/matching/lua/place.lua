-- place: take in one order, match it, rest or end what is left; then the stops that it fired.
--
-- KEYS   1 market:<symbol>
-- ARGV   1 clock_us ('' = the venue clock, Redis TIME)   2 limits (include/command.lua)
--        3 account   4 client_order_id ('' = none)   5 body digest ('' without the former)
--        6 symbol    7 revision of the instrument that the caller checked the order against
--        8 side: buy|sell   9 order_type: limit|market|ioc|fok|stop|stop_limit
--       10 time_in_force: gtc|ioc|fok|gtd   11 price in ticks ('' for market, stop)
--       12 quantity in lots ('' with 17)    13 stp: none|expire_taker|expire_maker|expire_both|
--       decrement   14 post_only: 0|1   15 displayed lots ('' = all)   16 stop price in ticks
--       17 quote amount in ticks x lots (market only)   18 expire_us (gtd only)
-- Reply  {0|1, id, {field, value, ...}}: 1 = an earlier order with the same client_order_id and
--        body; the fields are those of order:<id>.
-- Errors UNKNOWN_SYMBOL, DUPLICATE_CLIENT_ORDER_ID, UNKNOWN_ACCOUNT, STALE_INSTRUMENT,
--        MARKET_HALTED, MARKET_CANCEL_ONLY, MARKET_POST_ONLY, EXPIRE_IN_PAST, PRICE_OUT_OF_BAND,
--        STOP_WOULD_TRIGGER, POST_ONLY_WOULD_TAKE, OPEN_ORDERS_LIMIT, ACCOUNT_BLOCKED,
--        ORDER_SIZE_LIMIT, ORDER_NOTIONAL_LIMIT, POSITION_LIMIT, BALANCE_LIMIT,
--        INSUFFICIENT_FUNDS: decided in this order, before the first write.
-- Events trade_events, one a trade; book_updates, one if a price level changed; account_events, one
--        for each account that it changed.
-- @include text market book ledger orders holds command match admit risk

local command = begin_command('place')
local market = command_market(command, ARGV[6])
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end

local account, client_order_id = ARGV[3], ARGV[4]
if client_order_id ~= '' then
  local earlier = redis.call('GET', client_order_key(account, client_order_id))
  -- The two keys expire one by one: an id whose order has left already is free.
  local terms = earlier and redis.call('HGET', order_key(earlier), 'terms')
  if terms then
    if string.match(terms, '|([^|]*)$') ~= ARGV[5] then
      return redis.error_reply('DUPLICATE_CLIENT_ORDER_ID')
    end
    return { 1, earlier, redis.call('HGETALL', order_key(earlier)) }
  end
end

local order = {
  account = account, client_order_id = client_order_id, digest = ARGV[5],
  symbol = market.symbol, side = ARGV[8], order_type = ARGV[9], time_in_force = ARGV[10],
  price = tonumber(ARGV[11]), quantity = tonumber(ARGV[12]), stp = ARGV[13],
  post_only = ARGV[14], display = tonumber(ARGV[15]), stop_price = tonumber(ARGV[16]),
  quote_limit = tonumber(ARGV[17]), expire_us = tonumber(ARGV[18]),
  status = 'new', reason = '', executed = 0, notional = 0, prevented = 0,
  created = market.now, updated = market.now,
}

local trader = read_trader(command, market, order)
if not trader then return redis.error_reply('UNKNOWN_ACCOUNT') end
order.maker_fee_ppm, order.taker_fee_ppm = trader.maker_fee_ppm, trader.taker_fee_ppm

-- A chain and not a function with returns: a function would be made anew for each order.
local may_rest = order.time_in_force == 'gtc' or order.time_in_force == 'gtd'
local refused
if ARGV[7] ~= market.revision then
  refused = 'STALE_INSTRUMENT'
elseif market.state == 'halted' then
  refused = 'MARKET_HALTED'
elseif market.state == 'cancel_only' then
  refused = 'MARKET_CANCEL_ONLY'
elseif market.state == 'post_only' and order.post_only ~= '1' then
  refused = 'MARKET_POST_ONLY'
elseif order.expire_us and order.expire_us <= market.now_us then
  refused = 'EXPIRE_IN_PAST'
elseif is_out_of_band(market, order.price) then
  refused = 'PRICE_OUT_OF_BAND'
elseif order.stop_price and market.last_price ~= ''
  and fires(order.side, order.stop_price, market.last_price + 0) then
  refused = 'STOP_WOULD_TRIGGER'
elseif order.post_only == '1' and would_take(market, order.side, order.price) then
  refused = 'POST_ONLY_WOULD_TAKE'
elseif (may_rest or order.stop_price) and trader.open_orders_max ~= '0'
  and redis.call('ZCARD', open_key(account, market.symbol)) - trader.open_orders_max >= 0 then
  refused = 'OPEN_ORDERS_LIMIT'
elseif trader.state == 'blocked' then
  refused = 'ACCOUNT_BLOCKED'
else
  refused = limit_refusal(market, trader, order, lots_at_most(market, order))
  if not refused and command.funds_checked
    and needed_units(market, order) > math.max(0, trader.available) then
    refused = 'INSUFFICIENT_FUNDS'
  end
end
if refused then return redis.error_reply(refused) end

order.priority = next_number(command)
order.id = integer_text(order.priority)
if order.stop_price then
  order.fields, order.fill_lines = { 'terms', '', 'state', '' }, {}
  redis.call('ZADD', stops_key(market.symbol, order.side), stop_score(order), queue_member(order))
  hold_order(command, market, order, 1)
else
  run_taker(command, market, order)
end
-- As terms_text, but for a quantity that an amount came to: what came as text is not formatted.
order.terms = (ARGV[12] ~= '' and ARGV[12] or integer_text(order.quantity)) .. '|' .. account .. '|'
  .. client_order_id .. '|' .. ARGV[18] .. '|' .. ARGV[15] .. '|' .. ARGV[11] .. '|' .. order.id
  .. '|' .. market.symbol .. '|' .. ARGV[8] .. '|' .. ARGV[9] .. '|' .. ARGV[10] .. '|'
  .. market.now .. '|' .. ARGV[13] .. '|' .. ARGV[14] .. '|' .. ARGV[16] .. '|' .. ARGV[17]
  .. '|' .. order.maker_fee_ppm .. '|' .. order.taker_fee_ppm .. '|' .. ARGV[5]
local fields = write_order(command, order, 'new')

redis.call('XADD', '{tw}:orders:' .. account, 'MAXLEN', '~', 10000, order.id,
  'symbol', market.symbol)
if client_order_id ~= '' then
  redis.call('SET', client_order_key(account, client_order_id), order.id)
end
if is_open(order) then
  redis.call('ZADD', open_key(account, market.symbol), order.id, order.id)
  if order.expire_us then redis.call('ZADD', EXPIRING, ARGV[18], order.id) end
else
  -- One that ended at once goes into the history only.
  redis.call('EXPIRE', order_key(order.id), command.closed_kept_s)
  if client_order_id ~= '' then
    redis.call('EXPIRE', client_order_key(account, client_order_id), command.closed_kept_s)
  end
end
-- A stop may have traded with what was left of this order.
local state = fields[4]
if run_stops(command, market) then
  fields = redis.call('HGETALL', order_key(order.id))
  state = redis.call('HGET', order_key(order.id), 'state')
end
end_command(command, order.id .. '|' .. state)
return { 0, order.id, fields }
