-- place: take in one order, match it, rest or expire what is left.
--
-- KEYS   1 market:<symbol>
-- ARGV   1 clock_us ('' = the venue clock, Redis TIME)   2 account   3 client_order_id ('' = none)
--        4 body digest, for idempotency ('' = none)      5 symbol    6 side: buy|sell
--        7 order_type: limit|market|ioc|fok              8 time_in_force: gtc|ioc|fok
--        9 price in ticks ('' for market)               10 quantity in lots
--       11 fills_max   12 closed_kept_s   13 log_trades_max
-- Reply  {0|1, id, {field, value, ...}}: 1 = an earlier order with the same client_order_id and
--        body; the fields are those of order:<id>.
-- Errors UNKNOWN_SYMBOL, DUPLICATE_CLIENT_ORDER_ID. Nothing is written before they are decided.
-- Events trade_events, one a trade; book_updates, one if a price level changed.
-- @include text market book orders trades match candles

local account, client_order_id, digest = ARGV[2], ARGV[3], ARGV[4]
local side, price = ARGV[6], tonumber(ARGV[9])
local market = load_market(ARGV[5], ARGV[1])
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end

if client_order_id ~= '' then
  local earlier = redis.call('GET', client_order_key(account, client_order_id))
  -- The two keys expire one by one: an id whose order has left already is free.
  local terms = earlier and redis.call('HGET', order_key(earlier), 'terms')
  if terms then
    if string.match(terms, '|([^|]*)$') ~= digest then
      return redis.error_reply('DUPLICATE_CLIENT_ORDER_ID')
    end
    return { 1, earlier, redis.call('HGETALL', order_key(earlier)) }
  end
end

local function crosses(ticks)
  if not price then return true end
  if side == 'buy' then return ticks <= price end
  return ticks >= price
end

local taker = {
  side = side,
  quantity = tonumber(ARGV[10]),
  fills_max = tonumber(ARGV[11]),
  closed_kept_s = ARGV[12],
  log_trades_max = ARGV[13],
}
local may_match = ARGV[8] ~= 'fok' or taker.quantity <= available_lots(market, opposite(side),
  crosses, taker.quantity, taker.fills_max)

local order_number = redis.call('INCR', PREFIX .. 'last_order_id')
taker.id = integer_text(order_number)
local changes, fills = new_level_changes(), {}
local executed, notional, first_ticks, exhausted = 0, 0, nil, false
if may_match then
  executed, notional, first_ticks = match(market, taker, crosses, changes, fills)
  exhausted = #fills / 2 >= taker.fills_max
end
local remaining = taker.quantity - executed

local status
if remaining == 0 then
  status = 'filled'
elseif ARGV[8] ~= 'gtc' or exhausted then
  -- What stopped at fills_max might still cross, so it may not rest.
  status = 'expired'
else
  status = executed > 0 and 'partially_filled' or 'new'
  redis.call('ZADD', queue_key(market.symbol, side), price_score(side, price),
    queue_member(order_number, taker.id))
  change_level(market, changes, side, price, remaining)
end

local fields = {
  'terms', table.concat({ ARGV[10], account, client_order_id, ARGV[9], taker.id, market.symbol,
    side, ARGV[7], ARGV[8], market.now, digest }, '|'),
  'state', state_text(status, executed, notional, market.now),
}
for index = 1, #fills do fields[#fields + 1] = fills[index] end
write_fields(order_key(taker.id), fields)
if client_order_id ~= '' then
  redis.call('SET', client_order_key(account, client_order_id), taker.id)
end
if status == 'filled' or status == 'expired' then
  expire_closed(taker.id, account, client_order_id, taker.closed_kept_s)
end
if first_ticks then record_candle(market, first_ticks, executed, notional, #fills / 2) end
announce_book(market, changes)
save_market(market)
return { 0, taker.id, fields }
